#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""What `tarn report` says of programs under tarn, one fact a call.

usage: records.py TARN SHOP LIBRARY FACT
"""
import json
import os
import signal
import subprocess
import sys
import time

from profile_proto import Profile
from tool import line_of, main, refused, succeed

SHOP, LIBRARY = map(os.path.abspath, sys.argv[2:4])
MIB = 1 << 20
# What shop holds, and asks for: bytes. As usable it is a little more, and an estimate at one sample in 16 KiB is right to
# within 4 % (one standard error of the carts).
INTERVAL = 16384
HOLDERS = [("load_names", "names", 100_000 * 301), ("open_carts", "carts", 40_000 * 248), ("print_pages", "pages", 100 * 64_000)]


def under_tarn(*words, **options):
    kept = {name: value for name, value in os.environ.items() if not name.startswith("TARN_")}
    environment = {**kept, "LD_PRELOAD": LIBRARY, "TARN_RECORD": os.path.abspath("record"), **options}
    return subprocess.Popen([SHOP, *words], stdout=subprocess.PIPE, stdin=subprocess.DEVNULL, text=True, env=environment)


def waiting_shop(**options):
    shop = under_tarn(**options)
    assert shop.stdout.readline() == "ready\n"
    return shop


def shown():
    return json.loads(succeed("report", "--json", "record"))


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
    assert ", killed after " in succeed("report", "record").splitlines()[0]


def a_process_is_named_by_its_number():
    os.environ["XDG_RUNTIME_DIR"] = os.getcwd()
    shop = waiting_shop(TARN_RECORD="1")
    found = json.loads(succeed("report", "--json", str(shop.pid)))
    assert found["process"]["pid"] == shop.pid and found["process"]["state"] == "running", found["process"]
    shop.kill()
    shop.wait()
    assert ", killed after " in succeed("report", str(shop.pid)).splitlines()[0]
    assert "process 99999999: no record in " in refused(1, "report", "99999999")


def memory_is_objects_kept_and_others():
    shop = waiting_shop()
    shop.kill()
    shop.wait()
    last = shown()["memory"]["last"]
    assert last["objects"] + last["kept"] + last["other"] - last["untouched"] == last["resident"], last
    peak = shown()["memory"]["peak"]
    assert peak["resident"] >= last["resident"] and peak["seconds"] <= last["seconds"]


def check_holders(found, key):
    named = {(one["function"], one["line"]): one[key] for one in found if one["file"].endswith("shop.cpp")}
    for function, line, asked in HOLDERS:
        held = named.get((f"shop::Shop::{function}", line_of("shop.cpp", line)), 0)
        assert 0.75 * asked < held < 1.4 * asked, (function, held, asked, named)


def the_largest_holders_have_file_and_line():
    shop = waiting_shop(TARN_PROFILE=str(INTERVAL))
    shop.kill()
    shop.wait()
    found = shown()
    assert found["process"]["state"] == "killed" and found["sample_interval"] == INTERVAL
    check_holders(found["holders"], "live_bytes")
    assert [one["function"] for one in found["holders"][:3]] == [f"shop::Shop::{name}" for name, _, _ in HOLDERS]
    text = succeed("report", "record")
    assert text.index("shop::Shop::load_names") < text.index("shop::Shop::open_carts") < text.index("shop::Shop::print_pages")


def pprof_of_a_killed_process_is_whole():
    shop = waiting_shop(TARN_PROFILE=str(INTERVAL))
    shop.kill()
    shop.wait()
    succeed("report", "record", "--pprof", "heap.pb.gz")
    found, total = Profile("heap.pb.gz"), shown()["total"]
    assert (found.period, found.default) == (INTERVAL, "inuse_space")
    for name, field in (("alloc", "allocated"), ("inuse", "live"), ("peak", "peak")):
        assert found.total(f"{name}_space") == total[f"{field}_bytes"] > 40 * MIB
        assert found.total(f"{name}_objects") == total[f"{field}_objects"] > 150_000
    own = found.first_mapping
    assert own["file"] == os.path.realpath(SHOP) and own["build_id"] and own["lines"] and own["inlined"], own
    asked = sum(bytes for _, _, bytes in HOLDERS)
    assert 0.75 * asked < found.total("inuse_space") < 1.4 * asked
    # Everything that shop allocated for itself comes by way of main; no stack was cut short.
    by_main = sum(sample["values"][3] for sample, names in zip(found.samples, found.stacks()) if "main" in names)
    assert by_main > 0.95 * found.total("inuse_space")


def what_was_live_at_the_peak_is_known_at_the_end():
    assert under_tarn("end", TARN_PROFILE=str(INTERVAL)).wait() == 0
    found = shown()
    asked = sum(bytes for _, _, bytes in HOLDERS)
    assert found["total"]["live_bytes"] < 0.05 * asked < 0.75 * asked < found["total"]["peak_bytes"] < 1.4 * asked, found["total"]
    text = succeed("report", "record")
    assert "shop::Shop::load_names" in text[text.index("Live at the peak, "):], text
    lines = [line.rsplit(" ", 1) for line in succeed("report", "record", "--folded", "-", "--of", "peak").splitlines()]
    assert sum(int(number) for _, number in lines) == found["total"]["peak_bytes"]
    for function, _, _ in HOLDERS:
        assert any(f";main;shop::Shop::{function}" in stack for stack, _ in lines), lines


def a_program_that_ends_says_so():
    assert under_tarn("end").wait() == 0
    found = shown()
    assert found["process"]["state"] == "ended" and found["memory"]["last"]["objects"] < MIB, found["memory"]
    # The statistics at the end are exact.
    assert found["statistics"]["allocations"] >= 140_000, found["statistics"]
    numbers = found["statistics"]
    assert numbers["peak_live_bytes"] >= max(numbers["live_bytes"], numbers["small_peak_bytes"], numbers["large_peak_bytes"]) > 0, numbers


def a_process_that_writes_nothing_is_silent():
    shop = waiting_shop()
    time.sleep(11)
    process = shown()["process"]
    assert process["state"] == "silent" and process["silent_seconds"] >= 10, process
    assert "silent for " in succeed("report", "record").splitlines()[0]
    shop.kill()
    shop.wait()


if __name__ == "__main__":
    main(globals())
