#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""What tarn-record says of programs under tarn, one fact a call.

usage: records.py TARN_RECORD SHOP LIBRARY FACT
"""
import json
import os
import signal
import subprocess
import sys
import time

from tool import main, succeed

SHOP, LIBRARY = map(os.path.abspath, sys.argv[2:4])
MIB = 1 << 20
NAMES, CARTS, PAGES = 100_000 * 304, 40_000 * 208, 100 * 64_000  # bytes that shop holds, as usable or less


def under_tarn(*words, **options):
    kept = {name: value for name, value in os.environ.items() if not name.startswith("TARN_")}
    environment = {**kept, "LD_PRELOAD": LIBRARY, "TARN_RECORD": os.path.abspath("record"), **options}
    return subprocess.Popen([SHOP, *words], stdout=subprocess.PIPE, stdin=subprocess.DEVNULL, text=True, env=environment)


def waiting_shop(**options):
    shop = under_tarn(**options)
    assert shop.stdout.readline() == "ready\n"
    return shop


def shown():
    return json.loads(succeed("show", "--json", "record"))


def a_killed_process_leaves_its_record():
    shop = waiting_shop()
    running = shown()
    assert running["process"]["state"] == "running" and running["process"]["pid"] == shop.pid, running["process"]
    shop.send_signal(signal.SIGSTOP)
    os.waitpid(shop.pid, os.WUNTRACED)
    assert shown()["process"]["state"] == "halted"
    shop.kill()
    shop.wait()
    found = shown()
    assert found["process"]["state"] == "killed" and found["process"]["program"] == "shop", found["process"]
    assert found["process"]["executable"] == os.path.realpath(SHOP)
    assert found["timeline"] and found["statistics"]["allocations"] > 0
    assert ", killed after " in succeed("show", "record").splitlines()[0]


def memory_is_objects_kept_and_others():
    shop = waiting_shop()
    shop.kill()
    shop.wait()
    last = shown()["memory"]["last"]
    assert last["objects"] + last["kept"] + last["other"] - last["untouched"] == last["resident"], last
    peak = shown()["memory"]["peak"]
    assert peak["resident"] >= last["resident"] and peak["seconds"] <= last["seconds"]


def a_program_that_ends_says_so():
    assert under_tarn("end").wait() == 0
    found = shown()
    assert found["process"]["state"] == "ended" and found["memory"]["last"]["objects"] < MIB, found["memory"]
    # The statistics at the end are exact.
    assert found["statistics"]["allocations"] >= 140_000, found["statistics"]


def a_process_that_writes_nothing_is_silent():
    shop = waiting_shop()
    time.sleep(11)
    process = shown()["process"]
    assert process["state"] == "silent" and process["silent_seconds"] >= 10, process
    assert "silent for " in succeed("show", "record").splitlines()[0]
    shop.kill()
    shop.wait()


if __name__ == "__main__":
    main(globals())
