#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Programs that are recorded, profiled and killed in the middle, and what their records then say; one fact a call.

usage: killed.py LIBRARY TARN_RECORD SERVICE FACT
"""
import json
import os
import pathlib
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time

CANNOT_TEST = 77
PATIENCE = float(os.environ.get("TEST_PATIENCE") or 1)
PYTHON = "/usr/bin/python3"  # Debian's, whatever else PATH has
MIB = 1 << 20
LIBRARY, COMMAND, SERVICE = map(os.path.abspath, sys.argv[1:4])
SOURCE = pathlib.Path(__file__).resolve().parent / "service.cpp"
# What service holds when it is full: function, line, bytes as asked for. As usable it is a little more.
HOLDERS = [("open_sessions", "sessions", 20_000 * 1_500), ("load_rows", "rows", 50_000 * 300),
           ("draw_images", "images", 100 * 70_000)]
# Both go on for ever, with some MiB that come and go.
PYTHON_WORK = """
import collections, json
kept = collections.deque(maxlen=20000)
while True:
    kept.append(json.loads('{"name": "x", "list": [1.5, 2.5, {"a": "b"}]}'))
    if len(kept) == 20000 and kept[0] is not None: print("full", flush=True) or kept.appendleft(None)
"""
RUBY_WORK = """
kept = []
loop do
  kept << { 'name' => 'x' * (kept.size % 200), 'list' => [1.5, kept.size.to_s] }
  if kept.size == 20_000
    puts 'full'
    $stdout.flush
    kept.shift(10_000)
  end
end
"""
# Goes on as well: a process without work writes nothing, and its last tenth of a second would not be in the record.
REDIS_WORK = """
for i = 1, 500 do redis.call('set', 'more:' .. math.random(20000), string.rep('x', math.random(300))) end
"""


def need(program):
    if not shutil.which(program):
        print(f"{program} is not installed")
        sys.exit(CANNOT_TEST)


def started(command, settings=None, name=None, **options):
    kept = {key: value for key, value in os.environ.items() if not key.startswith("TARN_")}
    watched = {"LD_PRELOAD": LIBRARY, "TARN_RECORD": os.path.abspath("record"), "TARN_PROFILE": "16k"}
    settings = watched if settings is None else {**watched, **settings}
    return subprocess.Popen([name or command[0], *command[1:]], executable=shutil.which(command[0]), stdin=subprocess.DEVNULL,
                            stdout=subprocess.PIPE, text=True, env={**kept, "LC_ALL": "C.UTF-8", **settings}, **options)


def killed(process):
    """What the record says of a process that was full and is killed some time later."""
    try:
        assert process.stdout.readline() == "full\n"
        time.sleep(random.uniform(0.2, 1.2))
        assert process.poll() is None, "it was to be killed in the middle"
    finally:
        process.send_signal(signal.SIGKILL)
        process.wait()
    return shown()


def shown():
    done = subprocess.run([COMMAND, "report", "--json", "record"], capture_output=True, text=True, check=True, timeout=60)
    assert done.stderr == "", done.stderr
    return json.loads(done.stdout)


def check_killed(found, pid, least_bytes):
    assert found["process"]["state"] == "killed" and found["process"]["pid"] == pid, found["process"]
    assert found["notes"] == [] or all("names" in note for note in found["notes"]), found["notes"]
    assert found["statistics"]["live_bytes"] > least_bytes, found["statistics"]
    assert found["total"]["live_bytes"] > least_bytes / 2 and found["holders"], found["total"]


def check_service(**settings):
    begun = time.monotonic()
    process = started([SERVICE], settings)
    found = killed(process)
    lived = time.monotonic() - begun
    check_killed(found, process.pid, sum(size for _, _, size in HOLDERS))
    lines = SOURCE.read_text(encoding="utf-8").splitlines()
    for (function, line, size), holder in zip(HOLDERS, found["holders"]):
        assert holder["function"].split("::")[-1] == function, found["holders"]
        assert os.path.samefile(holder["file"], SOURCE) and lines[holder["line"] - 1].endswith(f"// line: {line}"), holder
        assert 0.8 * size < holder["live_bytes"] < 1.35 * size, (size, holder)
    # The curve reaches to within two tenths of a second of the end, and climbs as the program fills its memory.
    points = found["timeline"]
    assert points[-1]["seconds"] > lived - 0.2 - 0.3 * PATIENCE, (points[-1], lived)
    last_second = [point for point in points if point["seconds"] > points[-1]["seconds"] - 1]
    assert len(last_second) >= 5 / PATIENCE, points
    half = next(point for point in points if point["live_small"] > 20 * MIB)
    assert 0 < half["seconds"] < points[-1]["seconds"] - 0.2, points


def service_has_its_holders_with_lines_and_its_last_second():
    check_service()


def hardened_service_in_metrics_scopes_has_them_too():
    check_service(TARN_HARDENED="1", TARN_PROFILE="8k")


def service_prints_the_same():
    plain = subprocess.run([SERVICE, "130"], capture_output=True, text=True, check=True, timeout=120)
    for settings in ({}, {"TARN_HARDENED": "1", "TARN_PROFILE": "8k"}):
        process = started([SERVICE, "130"], settings, stderr=subprocess.PIPE)
        assert process.communicate(timeout=120) == (plain.stdout, plain.stderr) and process.returncode == 0


def python3():
    need(PYTHON)
    process = started([PYTHON, "-c", PYTHON_WORK], {"PYTHONMALLOC": "malloc"})
    check_killed(killed(process), process.pid, 5 * MIB)


def ruby():
    need("ruby")
    process = started(["ruby", "-e", RUBY_WORK])
    check_killed(killed(process), process.pid, 2 * MIB)


def redis_server():
    """redis-server is the program redis-check-rdb under another name; Debian's redis-tools has it."""
    need("redis-check-rdb")
    need("redis-cli")
    process = started(["redis-check-rdb", "--port", "0", "--unixsocket", os.path.abspath("socket"), "--save", "",
                       "--enable-debug-command", "yes", "--logfile", os.path.abspath("log")], name="redis-server")
    load = None
    try:
        cli = ["redis-cli", "-s", "./socket"]
        deadline = time.monotonic() + 20 * PATIENCE
        while subprocess.run([*cli, "ping"], capture_output=True, check=False).stdout != b"PONG\n":
            assert time.monotonic() < deadline and process.poll() is None, pathlib.Path("log").read_text(encoding="utf-8")
            time.sleep(0.05)
        subprocess.run([*cli, "debug", "populate", "50000", "key", "200"], capture_output=True, check=True)
        load = subprocess.Popen([*cli, "-r", "-1", "eval", REDIS_WORK, "0"], stdout=subprocess.DEVNULL,
                                stderr=subprocess.DEVNULL)
        time.sleep(random.uniform(0.3, 1.0))
        assert process.poll() is None
    finally:
        process.kill()
        process.wait()
        if load:
            load.kill()
            load.wait()
    check_killed(shown(), process.pid, 10 * MIB)


if __name__ == "__main__":
    with tempfile.TemporaryDirectory(prefix="tarn-killed-") as directory:
        os.chdir(directory)
        globals()[sys.argv[4]]()
