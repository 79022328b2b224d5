# SPDX-License-Identifier: MIT
"""What the profiler says of a program, against what that program knows itself (profile.cpp)."""
import math
import os
import pathlib
import shutil
import subprocess
import sys

import harness
from record_scenarios import Place, run, silent

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "support"))
import record_file  # noqa: E402

PLACE = 1024  # what the functions of profile.cpp are aligned to
EXACT = 1 << 62
NAME = 1 << 63


def chance(size, interval):
    """That an object of this size is sampled."""
    return -math.expm1(-size / interval)


def places(output):
    """What the program says: by address, a list of (size, allocated, live, at the peak)."""
    found = {}
    for line in output.decode().splitlines():
        _, address, *numbers = line.split()
        found.setdefault(int(address, 16), []).append([int(number) for number in numbers])
    return found


def by_place(stacks, field):
    """Sums of a field over all stacks whose innermost frame is in a place."""
    sums = {}
    for stack in stacks:
        if stack["depth"]:
            at = stack["frames"][0] // PLACE * PLACE
            sums[at] = sums.get(at, 0) + stack[field]
    return sums


def expect_estimates(stacks, truth, interval, errors):
    """Bytes and objects of each place, allocated and live, within so many standard errors."""
    for field, column, unit in (("allocated_bytes", 1, None), ("live_bytes", 2, None),
                                ("allocated_objects_1024", 1, 1024), ("live_objects_1024", 2, 1024)):
        found = by_place(stacks, field)
        for address, rows in truth.items():
            right = sum(row[column] * (unit or row[0]) for row in rows)
            variance = sum(row[column] * (unit or row[0]) ** 2 * (1 / chance(row[0], interval) - 1) for row in rows)
            difference = found.get(address, 0) - right
            allowed = errors * math.sqrt(variance) + sum(row[column] for row in rows)  # a byte for rounding
            assert abs(difference) <= allowed, (field, hex(address), right, difference / math.sqrt(variance))


def expect_consistent(record):
    """What is live by samples, by stacks; at most what was allocated."""
    stacks, samples = record.stacks, record.samples
    assert sum(s["bytes"] for s in samples) == sum(s["live_bytes"] for s in stacks)
    assert sum(s["objects_1024"] for s in samples) == sum(s["live_objects_1024"] for s in stacks)
    live = {}
    for sample in samples:
        live[sample["stack"]] = live.get(sample["stack"], 0) + sample["bytes"]
    for number, stack in enumerate(stacks):
        assert live.get(number, 0) == stack["live_bytes"] < 1 << 62, stack
        assert stack["live_bytes"] <= stack["allocated_bytes"], stack
    addresses = [s["address"] for s in samples]
    assert len(addresses) == len(set(addresses))
    header = record.header
    assert sum(s["at_peak_bytes"] for s in stacks) == header["peak_bytes"], "the peak"


def estimates(context, seed, interval):
    with Place() as place:
        result = run(context, ["profile", "mixed", seed, interval], place.settings())
        silent(result)
        with record_file.Record(place.path()) as record:
            expect_consistent(record)
            expect_estimates(record.stacks, places(result.output), int(interval), 3)
            assert record.header["sample_interval"] == 0 and sum(s["samples"] for s in record.stacks) > 50


def threads_end(context, interval):
    with Place() as place:
        result = run(context, ["profile", "threads_end"], place.settings(TARN_PROFILE=interval))
        with record_file.Record(place.path()) as record:
            expect_consistent(record)
            expect_estimates(record.stacks, places(result.output), int(interval), 5)
            assert len({s["thread"] for s in record.samples}) > 16


def threads_memory(context):
    """A thread has its cache at once, some 22 KiB, but its first few objects of each class still lie in slabs that all
    threads share."""
    with Place() as place:
        plain = int(run(context, ["profile", "many_threads"], {}).output)
        sampled = int(run(context, ["profile", "many_threads"], place.settings(TARN_PROFILE="512k")).output)
        assert sampled < plain + 300 * 26 + 2048, (plain, sampled)


def peak(context):
    """Where nearly each byte is sampled, so is nearly each object, and what was live at the peak is known."""
    with Place() as place:
        result = run(context, ["profile", "peak"], place.settings(TARN_PROFILE="2"))
        with record_file.Record(place.path()) as record:
            expect_consistent(record)
            found, live = by_place(record.stacks, "at_peak_bytes"), by_place(record.stacks, "live_bytes")
        for address, rows in places(result.output).items():
            assert found.get(address, 0) == sum(row[0] * row[3] for row in rows), (hex(address), rows, found)
            assert live.get(address, 0) == sum(row[0] * row[2] for row in rows), (hex(address), rows, live)


def stress(context, interval, seconds):
    with Place() as place:
        run(context, ["profile", "stress", seconds], place.settings("%p", TARN_PROFILE=interval), timeout=240)
        names = place.names()
        assert len(names) > 2, names
        for name in names:
            with record_file.Record(place.path(name)) as record:
                expect_consistent(record)
                if not record.who["forked"]:
                    left = [s for s in record.samples if s["size"] < 1 << 20]
                    assert len(left) <= 40, left  # what libc keeps of threads, and the program's vectors


def resizes(context, interval):
    with Place() as place:
        run(context, ["profile", "resizes"], place.settings(TARN_PROFILE=interval))
        with record_file.Record(place.path()) as record:
            expect_consistent(record)
            assert by_place(record.stacks, "live_bytes").get(0, 0) == 0


def forks(context):
    """The child's record has what the child allocated, and nothing of what it inherited and freed."""
    with Place() as place:
        run(context, ["profile", "forks", "2000"], place.settings("%p", TARN_PROFILE="2"))
        seen = {}
        for name in place.names():
            with record_file.Record(place.path(name)) as record:
                expect_consistent(record)
                live = {}
                for sample in record.samples:
                    live[sample["size"]] = live.get(sample["size"], 0) + 1
                seen[record.who["forked"]] = live
        assert seen[0][1024] == 2000 and seen[0].get(4096, 0) < 20, seen
        assert seen[1].get(1024, 0) < 20 and 1900 < seen[1][4096] <= 2000, seen  # it begins with a cold end


def over_sampler(context, times):
    """A handler forks over a sample on its way; the child works, goes on with that sample, and its record is sound."""
    with Place() as place:
        run(context, ["forks_early", "in_handler_over_the_sampler", times], place.settings("%p", TARN_PROFILE="2"), timeout=120)
        for name in place.names():
            with record_file.Record(place.path(name)) as record:
                expect_consistent(record)


def scopes(context):
    """Names stand outside of what was called in them, and inside of who opened them."""
    with Place() as place:
        run(context, ["profile", "scopes"], place.settings(TARN_PROFILE="2"))
        with record_file.Record(place.path()) as record:
            named = []
            for stack in record.stacks:
                names = [(i, record.name(frame)) for i, frame in enumerate(stack["frames"]) if frame & NAME]
                if names and stack["allocated_objects_1024"] >= 100 * 1024:
                    named.append((names, stack))
        assert [[name for _, name in names] for names, _ in named] == [["inner", "outer"]], named
        (inner, _), (outer, _) = named[0][0]
        assert (inner, outer) == (1, 3), named  # by_malloc, inner, in_scope, outer, scopes, main


def arenas(context):
    with Place() as place:
        run(context, ["profile", "arenas"], place.settings(TARN_PROFILE="4096"))
        with record_file.Record(place.path()) as record:
            most = max(record.stacks, key=lambda stack: stack["live_bytes"])
            module = [m for m in record.modules if m["begin"] <= most["frames"][0] < m["end"]][0]
        assert most["live_bytes"] > 90_000_000 and module["path"] == "", (most, module)


def named(context):
    """What has a name is the innermost frame of what it takes, behind which stands who made it take that."""
    with Place() as place:
        run(context, ["named"], place.settings(TARN_PROFILE="4096"))
        with record_file.Record(place.path()) as record:
            live = {}
            for stack in record.stacks:
                if stack["frames"] and stack["frames"][0] & NAME:
                    name = record.name(stack["frames"][0])
                    live[name] = live.get(name, 0) + stack["live_bytes"]
                    assert any(m["begin"] <= stack["frames"][1] < m["end"] and m["path"] == "" for m in record.modules)
        assert set(live) == {"an arena", "a heap", "a pool"}, live
        assert all(9_500_000 < size < 13_000_000 for size in live.values()), live


def turned_on_later(context):
    """A tool says when; what was sampled is followed to its end afterwards."""
    with Place() as place:
        command = [context.program("profile"), "later"]
        with subprocess.Popen(command, env=context.environment(place.settings()), stdin=subprocess.PIPE,
                              stdout=subprocess.PIPE) as child:
            def step():
                assert child.stdout.readline() == b"done\n"

            def go():
                child.stdin.write(b"x")
                child.stdin.flush()
            step()
            with record_file.Record(place.path(), writable=True) as record:
                assert not record.stacks
                record.ask(record_file.START, 1024)
                go(), step()
                assert record.header["sample_interval"] == 1024
                assert sum(s["samples"] for s in record.stacks) > 500, record.stacks
                record.ask(record_file.STOP)
                go(), step()
                assert record.header["sample_interval"] == 0
                taken = sum(s["samples"] for s in record.stacks)
                go()
                child.wait()
                expect_consistent(record)
                kinds = [(e["kind"], e["a"]) for e in record.events if e["kind"] == record_file.SAMPLING]
                assert kinds == [(record_file.SAMPLING, 1024), (record_file.SAMPLING, 0)], kinds
                assert sum(s["samples"] for s in record.stacks) == taken


def probes(context):
    """Both have notes in the module; a debugger stops at them."""
    header = subprocess.run(["c++", "-E", "-x", "c++", "-include", "sys/sdt.h", "/dev/null"], capture_output=True, check=False)
    if header.returncode != 0:
        raise harness.Skip("systemtap-sdt-dev is not installed: the module has no probes")
    module = pathlib.Path(context.library).resolve().parent / "libtarn-record.so"
    notes = subprocess.run(["readelf", "-n", module], capture_output=True, text=True, check=True).stdout
    for name in ("alloc", "free"):
        assert f"Provider: otel_memory\n    Name: {name}\n" in notes, notes
    if not shutil.which("gdb"):
        raise harness.Skip("gdb is not installed")
    with Place() as place:
        script = ["set breakpoint pending on", f"set environment LD_PRELOAD {context.library}",
                  f"set environment TARN_RECORD {place.path()}", "set environment TARN_PROFILE 4096",
                  "set startup-with-shell off", "break -probe otel_memory:alloc", "run peak",
                  "print $_probe_argc", "print $_probe_arg1 > 0", "print $_probe_arg2 >= $_probe_arg1", "delete",
                  "break -probe otel_memory:free", "continue", "print $_probe_argc", "kill"]
        command = ["gdb", "-nx", "-batch"] + [word for line in script for word in ("-ex", line)]
        environment = {k: v for k, v in os.environ.items() if not k.startswith("TARN_")}
        said = subprocess.run(command + [context.program("profile")], capture_output=True, text=True,
                              env=environment, timeout=120 * harness.PATIENCE, check=False)
        values = [line.split(" = ")[1] for line in said.stdout.splitlines() if line.startswith("$")]
        if "ptrace: Operation not permitted" in said.stderr:
            raise harness.Skip("ptrace is not allowed")
        assert values == ["3", "1", "1", "1"], said.stdout + said.stderr
