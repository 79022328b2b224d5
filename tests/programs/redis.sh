#!/bin/bash
# SPDX-License-Identifier: MIT
# redis-server on a socket in this directory: loaded by redis-cli and redis-benchmark while it saves in
# the background, then restarted from the saved file. Data are compared by DEBUG DIGEST.
set -u
cli() { redis-cli -s ./socket "$@"; }

# redis-server is the program redis-check-rdb under another name; Debian's redis-tools has it.
start() {
    ( exec -a redis-server "$(type -P redis-check-rdb)" --port 0 --unixsocket "$PWD/socket" --save '' \
        --enable-debug-command yes --io-threads 2 --logfile "$PWD/log" --dir "$PWD" ) &
    server=$!
    for _ in {1..200}; do
        [[ $(cli ping 2>/dev/null) == PONG ]] && return
        sleep 0.05
    done
    cat log >&2
    exit 1
}

stop() {
    cli shutdown "$@"
    wait "$server"
    echo "server's exit status $?"
}

saved() {
    for _ in {1..200}; do
        [[ $(cli info persistence) == *rdb_bgsave_in_progress:0* ]] && break
        sleep 0.05
    done
    cli info persistence | grep -o 'rdb_last_bgsave_status:[a-z]*'
}

commands() {
    awk 'BEGIN {
        for (i = 0; i < 12000; i++) {
            printf "set key:%d %0*d\n", i, i % 200 + 1, i
            printf "hset hash:%d field%d value%d other %d\n", i % 500, i, i * 7, i
            printf "rpush list:%d item%d\n", i % 300, i
            printf "zadd board %d member%d\n", i * 31 % 997, i
            if (i % 40 == 0) printf "setrange big:%d %d x\n", i % 7, i * 30
            if (i % 3 == 0) printf "append grown:%d piece%d\n", i % 50, i
            if (i % 5 == 0) printf "unlink key:%d\n", i - 3
        }
    }'
}

start
commands | cli --pipe | tail -n 1
cli bgsave >started
redis-benchmark -s ./socket -q -n 4000 -c 20 -P 4 -t set,incr,lpush,rpush,sadd,hset,zadd,mset,lrange_100 >speed
echo "benchmark's exit status $?"
saved
digest=$(cli debug digest)
echo "$digest $(cli dbsize) keys"
cli bgsave >>started
cli eval 'for i = 1, 20000 do redis.call("get", "key:" .. i) end return cjson.encode({done = true})' 0
saved
stop nosave
start
[[ $(cli debug digest) == "$digest" ]] && echo "the same after a restart"
cli flushall
stop nosave
