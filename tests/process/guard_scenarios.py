# SPDX-License-Identifier: MIT
"""What guarded samples find, what is said of it, and that the program's end is what it would be without."""
import json
import math
import os
import pathlib
import re
import resource
import shutil
import signal
import subprocess
import time

import harness
from record_place import Place, record_file

EACH = {"TARN_GUARD": "1/1"}
PAGE = resource.getpagesize()


def run(context, command, settings, status=0, inside=True, **other):
    if not inside:
        command = [context.program("guard_use"), "without_guards_inside", context.program(command[0]), *command[1:]]
    result = context.run([str(word) for word in command], settings, **other)
    if result.status == harness.CANNOT_TEST:
        raise harness.Skip(result.errors.strip())
    assert not result.timed_out and result.status == status, result.short() + "\n" + result.errors
    return result


def said(result):
    return [line for line in result.errors.splitlines() if line.startswith("tarn: ")]


def traces(lines):
    """The stacks of a message: by what they are of, (thread, [(file, offset)])."""
    found, frames = {}, None
    for line in lines[1:]:
        head = re.fullmatch(r"tarn:   (accessed|passed|freed|allocated) by thread (\d+)(, \d+\.\d\d s ago)?:", line)
        if head:
            assert head[1] not in found, lines
            frames = []
            found[head[1]] = (int(head[2]), frames)
        elif frame := re.fullmatch(r"tarn:     (\S+) (0x[0-9a-f]+)", line):
            frames.append((frame[1], frame[2]))
    return found


def functions(frames, program):
    """The names of the program's functions in a stack, as addr2line has them."""
    own = [offset for file, offset in frames if file == program]
    assert own, frames
    output = subprocess.run(["addr2line", "-Cfe", program, *own], capture_output=True, text=True, check=True).stdout
    return [name.split("(")[0].split("::")[-1] for name in output.splitlines()[::2]]


ACCESS = re.compile(r"tarn: (?P<kind>use after free|overflow|underflow): thread (?P<thread>\d+) (?P<verb>reads|writes) "
                    r"(?P<at>0x[0-9a-f]+), (?P<far>\d+) bytes? (?P<where>into|past the end of|before) "
                    r"an object of (?P<size>\d+) bytes? at (?P<begin>0x[0-9a-f]+)")


def expect_access(context, result, kind, verb, size):
    lines = said(result)
    found = ACCESS.fullmatch(lines[0])
    assert found, result.errors
    at, begin, far = int(found["at"], 16), int(found["begin"], 16), int(found["far"])
    touched = int(re.search(r"touches (0x[0-9a-f]+)", result.errors)[1], 16)
    assert (found["kind"], found["verb"], int(found["size"]), at) == (kind, verb, size, touched), (lines[0], hex(touched))
    where = {"use after free": ("into", at - begin), "overflow": ("past the end of", at - begin - size),
             "underflow": ("before", begin - at)}[kind]
    assert (found["where"], far) == where, lines[0]
    stacks, program = traces(lines), context.program("guard")
    assert stacks["accessed"][0] == int(found["thread"]), lines
    assert functions(stacks["accessed"][1], program)[0] == {"reads": "read_from", "writes": "write_to"}[verb], lines
    assert functions(stacks["allocated"][1], program)[0] == "make", lines
    assert functions(stacks["allocated"][1], program)[-1] in ("main", "_start"), lines
    assert ("freed" in stacks) == (kind == "use after free"), lines
    if kind == "use after free":
        assert functions(stacks["freed"][1], program)[0] == "drop", lines


def faults(context, name, way="inside"):
    """A process for each size: it ends by the signal that it would end by without tarn."""
    kind = {"overflow": "overflow", "underflow": "underflow", "use": "use after free", "late": "use after free"}
    for size in (1, 16, 100, 1000, 4096, 8192):
        result = run(context, ["guard", "fault", name, size], EACH, -signal.SIGSEGV, way == "inside")
        expect_access(context, result, kind[name.split("_")[0]], "writes" if name.endswith("write") else "reads", size)


def misuse(context, name, *words):
    for size in (16, 100, 1000, 4096, 8000):
        result = run(context, ["guard", "fault", name, size], EACH, -signal.SIGABRT)
        lines = said(result)
        assert lines[0].startswith(f"tarn: {' '.join(words)}: 0x"), lines
        assert f"an object of {size} bytes at 0x" in lines[0], lines
        stacks, program = traces(lines), context.program("guard")
        assert functions(stacks["allocated"][1], program)[0] == "make", lines
        assert ("freed" in stacks) == ("freed" in name or "double" in name), lines
        assert stacks["passed"][1], lines


def beside(context, name, way="inside"):
    """A write that no guard sees is told when the object is freed, and the program goes on."""
    before = "before" in name
    for size in (17, 100, 1000, 4000 if before else 4095, 5001) + (() if "at_end" in name and not before else (1008, 5008)):
        result = run(context, ["guard", "fault", name, size], EACH, 0, way == "inside")
        lines = said(result)
        touched = int(re.search(r"touches (0x[0-9a-f]+)", result.errors).group(1), 16)
        kind, where = ("underflow", "1 byte before") if before else ("overflow", "0 bytes past the end of")
        pattern = f"tarn: {kind}: {touched:#x}, {where} an object of {size} bytes at 0x[0-9a-f]+, seen when it was freed"
        assert re.fullmatch(pattern, lines[0]), lines
        assert sum(" seen when " in line for line in lines) == 1, "it is told once"
        stacks, program = traces(lines), context.program("guard")
        assert set(stacks) == {"freed", "allocated"}, stacks
        assert functions(stacks["allocated"][1], program)[0] == "make", lines
        assert functions(stacks["freed"][1], program)[0] == "drop", lines


def without(context):
    """The same programs with the option off: nothing is said, nothing is found."""
    result = run(context, ["guard", "fault", "use_read", 100], {})
    assert said(result) == [], result.errors


def threads(context):
    result = run(context, ["guard", "three_threads"], EACH, -signal.SIGSEGV)
    made, freed, used = map(int, re.search(r"threads (\d+) (\d+) (\d+)", result.errors).groups())
    found = traces(said(result))
    assert {name: stack[0] for name, stack in found.items()} == {"allocated": made, "freed": freed, "accessed": used}
    assert len({made, freed, used}) == 3


def forks(context):
    result = run(context, ["guard", "forks"], EACH)
    kinds = [line for line in said(result) if "use after free" in line]
    assert len(kinds) == 3, result.errors


def quiet(context, *command, **settings):
    result = run(context, command, {**EACH, **settings}, timeout=120)
    assert said(result) == [], result.errors
    return result


def forks_among_threads(context):
    quiet(context, "guard", "forks_among_threads")


def handler(context, name, reports, status):
    result = run(context, ["guard_handlers", name], EACH, -getattr(signal, status) if status != "0" else 0)
    assert len([line for line in said(result) if "use after free" in line]) == int(reports), result.errors


def correct(context, threads_there, way, *settings):
    run(context, ["guard_use", "correct", threads_there], {**EACH, **dict(each.split("=") for each in settings)},
        inside=way == "inside", timeout=120)


def hardened_instead(context):
    """The hardened mode guards each object, and takes no samples."""
    result = run(context, ["guard_use", "rate", "steady", "100000", "1"], {**EACH, "TARN_HARDENED": "1"})
    allocations, samples = map(int, result.output.split())
    assert allocations >= 100000 and samples == 0, (allocations, samples)


def rate(context, how, count, threads_there, interval):
    """Samples are as many as they should be, within five standard errors."""
    result = run(context, ["guard_use", "rate", how, count, threads_there],
                 {"TARN_GUARD": f"1/{interval}", "TARN_GUARD_SLOTS": "16384"}, timeout=120)
    allocations, samples = map(int, result.output.split())
    expected = allocations / int(interval)
    assert expected > 300, "enough of them to tell"
    assert abs(samples - expected) < 5 * math.sqrt(expected) + 4 * int(threads_there), (allocations, samples, expected)


def bounded_rate(context):
    """By default a thread that allocates very much takes some 250 samples a second, and not one in 5,000."""
    began = time.monotonic()
    result = run(context, ["guard_use", "rate", "steady", 30000000, 1], {"TARN_GUARD": "1"}, timeout=120)
    passed = time.monotonic() - began
    allocations, samples = map(int, result.output.split())
    assert allocations == 30000000 and 16 < samples < 400 + 350 * passed, (samples, passed)


def bounds(context, slots, way):
    result = run(context, ["guard_use", "bounds", 20000], {**EACH, "TARN_GUARD_SLOTS": slots}, inside=way == "inside")
    live, more, taken = map(int, result.output.split())
    assert live <= int(slots) and taken > 2 * int(slots), (live, taken)
    # Windows for 20,000 objects, besides.
    assert more <= (8 if way == "inside" else 8 + 6 * int(slots)), more
    assert way == "inside" or more > int(slots), "they are mappings of their own"


def in_record(context):
    """The fault, and the stacks of what it was of, as events."""
    with Place() as place:
        settings = {**EACH, "TARN_RECORD": place.path()}
        run(context, ["guard", "fault", "use_write", 100], settings, -signal.SIGSEGV)
        with record_file.Record(place.path()) as record:
            events = [event for event in record.events if event["kind"] == record_file.MISUSE]
            stacks = record.stacks
        assert [event["text"] for event in events[:2]] == ["of what was misused: its allocation",
                                                           "of what was misused: its free"], events
        assert len(events) == 3 and events[2]["text"].startswith("tarn: use after free: thread "), events
        assert len({event["stack"] for event in events}) == 3, events
        assert all(stacks[event["stack"] - 1]["depth"] > 1 for event in events), events


def profiled(context):
    """Beside the profiler: both see what they are to see."""
    with Place() as place:
        settings = {"TARN_GUARD": "1/20", "TARN_PROFILE": "8k", "TARN_RECORD": place.path(), "TARN_STATS": "json"}
        result = run(context, ["guard_use", "correct", 2], settings, timeout=120)
        with record_file.Record(place.path()) as record:
            assert sum(stack["samples"] for stack in record.stacks) > 500
        report = json.loads([line for line in result.errors.splitlines() if line.startswith("{")][0])["totals"]
        assert report["guarded_allocations"] > 500 and report["guard_faults"] == 0, report
        assert report["guarded_live"] <= report["live_objects"] < 20, report  # libc's


PROGRAMS = {
    "python3": ["-c", "import json, threading, subprocess\n"
                      "d = {str(i): [i] * 5 for i in range(2000)}\nassert json.loads(json.dumps(d)) == d\n"
                      "def work(): return [bytes(100) for _ in range(2000)]\n"
                      "ts = [threading.Thread(target=work) for _ in range(4)]\n"
                      "[t.start() for t in ts]; [t.join() for t in ts]\n"
                      "print(len(d), subprocess.run(['echo', 'a word'], capture_output=True).stdout)"],
    "perl": ["-e", "my %h; $h{$_} = 'x' x ($_ % 500) for 1 .. 20000; print scalar(keys %h), qq(\\n)"],
    "ruby": ["-e", "a = (1..20000).map { |i| 's' * (i % 300) }; puts a.size, a.map(&:size).sum"],
    "lua": ["-e", "local t = {} for i = 1, 50000 do t[i] = ('x'):rep(i % 300) end print(#t, #table.concat(t))"],
    "sqlite3": [":memory:", "create table t(a, b); with recursive c(x) as (select 1 union all select x + 1 from c where "
                            "x < 20000) insert into t select x, hex(x * 7919) from c; create index i on t(b); "
                            "select count(*), sum(length(b)), max(b) from t;"],
}


def real_program(context, name):
    path = shutil.which(name, path="/usr/bin:/bin")
    if not path:
        raise harness.Skip(f"{name} is not installed")
    command = [os.path.realpath(path), *PROGRAMS[name]]
    plain = context.run(command, {"PYTHONMALLOC": "malloc"})
    assert plain.status == 0, plain.short()
    for guard in ("1/1", "1"):
        result = context.run(command, {"TARN_GUARD": guard, "PYTHONMALLOC": "malloc"})
        assert (result.status, result.output, result.errors) == (0, plain.output, plain.errors), (guard, result.short())


def wrong_values(context):
    for value in ("2", "1/", "1/0", "1/x", "5000", "-1"):
        result = run(context, ["/bin/true"], {"TARN_GUARD": value})
        assert len(said(result)) == 1 and said(result)[0].startswith(f"tarn: TARN_GUARD={value} is not understood"), result.errors
    for value in ("0", "16385", "x"):
        result = run(context, ["/bin/true"], {"TARN_GUARD": "1", "TARN_GUARD_SLOTS": value})
        assert len(said(result)) == 1 and "TARN_GUARD_SLOTS" in said(result)[0], result.errors


def no_module(context):
    """Without the module the program runs on, after a line."""
    with Place() as place:
        alone = place.path("libtarn.so")
        shutil.copy(context.library, alone)
        result = harness.Context(alone, context.programs).run(["/bin/true"], EACH)
        installed = pathlib.Path("/usr/local/lib").glob("*/tarn/libtarn-record.so")
        if not any(installed):
            assert result.status == 0 and len(said(result)) == 1 and "libtarn-record" in said(result)[0], result.errors
