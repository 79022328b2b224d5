#!/bin/bash
# SPDX-License-Identifier: MIT
# redis-server under the allocator, on a socket in a new directory, without persistence; redis-benchmark and redis-cli,
# which load it, run without. Keys are random, and differ between runs; the work is what the server has counted. Its
# own time and peak are printed, too, since the time of the whole is that of redis-benchmark as well.
set -eu
allocator=${LD_PRELOAD-}
unset LD_PRELOAD
directory=$(mktemp -d)
server=
trap '[[ -z $server ]] || { cat log >&2; kill -9 "$server"; }; rm -rf "$directory"' EXIT
cd "$directory"
cli() { redis-cli -s ./socket "$@"; }
load() { redis-benchmark -s ./socket -q -c 20 -P 32 "$@" >>speed; }

# redis-server is the program redis-check-rdb under another name; Debian's redis-tools has it.
( [[ -z $allocator ]] || export LD_PRELOAD=$allocator
  exec -a redis-server "$(type -P redis-check-rdb)" --port 0 --unixsocket "$directory/socket" --save '' \
    --activedefrag no --logfile "$directory/log" --dir "$directory" ) &
server=$!
until [[ -S socket && $(cli ping 2>/dev/null) == PONG ]]; do
    kill -0 "$server"
    sleep 0.01
done

long=$(printf '%0300d' 7)
load -r 40000 -n 64000 -d 20 -t set
load -r 40000 -n 64000 -d 200 -t set,get
load -r 3000 -n 64000 lpush list:__rand_int__ "item $long"
load -r 3000 -n 64000 hset hash:__rand_int__ field:__rand_int__ value
load -r 40000 -n 32000 append key:__rand_int__ grown
load -r 3000 -n 32000 rpop list:__rand_int__
load -r 40000 -n 32000 del key:__rand_int__

calls=$(cli info commandstats | awk -F'[_:=,]' '/^cmdstat_(set|get|lpush|hset|append|rpop|del):/ {sum += $4} END {print sum}')
cli info cpu | awk -F: '/^used_cpu_(user|sys):/ {sum += $2} END {printf "server_time %.3f s\n", sum}'
awk '/^VmHWM/ {printf "server_peak %.2f MiB\n", $2 / 1024}' "/proc/$server/status"
cli shutdown nosave
wait "$server"
server=
echo "work $calls requests"
