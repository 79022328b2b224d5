# SPDX-License-Identifier: MIT
"""What stands in a record, while the process runs and after its end."""
import json
import os
import pathlib
import re
import resource
import signal
import stat
import subprocess
import time

import harness
from record_place import LONG, MIB, Place, default_place, record_file, run, silent, start, when_there


def gone_after(context, mode):
    with Place() as place:
        silent(run(context, ["exits", mode], default_place(place)))
        assert place.names() == ["tarn"] and os.listdir(place.path("tarn")) == [], place.names()


def stays_after(context, mode, how):
    """The record's last numbers are those of the report."""
    with Place() as place:
        settings = default_place(place) if how == "kept" else place.settings("%n-%p")
        if how == "kept":
            settings["TARN_RECORD_KEEP"] = "1"
        result = run(context, ["exits", mode], {**settings, "TARN_STATS": "json"})
        if how == "kept":
            place.folder = place.path("tarn")
        report = json.loads([line for line in result.errors.splitlines() if line.startswith("{")][0])
        name = f"{report['process']}.tarnrecord" if how == "kept" else f"exits-{report['process']}"
        assert place.names() == [name], place.names()
        info = os.stat(place.path(name))
        assert stat.S_IMODE(info.st_mode) == 0o600, oct(info.st_mode)
        with record_file.Record(place.path(name)) as record:
            assert record.header["state"] == record_file.ENDED and record.header["ended_ns"] > 0
            last = record.snapshot
            for ours, theirs in (("large_allocations", "large_allocations"), ("allocations", "allocations"),
                                 ("frees", "frees"), ("live_bytes", "live_bytes")):
                assert last[ours] == report["totals"][theirs], (ours, last[ours], report["totals"][theirs])


def memory_limit():
    """Of the control group of this process and all that it lies in; 0: none."""
    limits = []
    for line in pathlib.Path("/proc/self/cgroup").read_text(encoding="utf-8").splitlines():
        _, controllers, group = line.split(":", 2)
        mount = {"": "/sys/fs/cgroup", "memory": "/sys/fs/cgroup/memory"}.get(controllers)
        for folder in [pathlib.PurePath(group), *pathlib.PurePath(group).parents] if mount else []:
            for name in ("memory.max",) if controllers == "" else ("memory.limit_in_bytes",):
                file = pathlib.Path(mount + str(folder), name)
                if file.exists() and file.read_text(encoding="ascii").strip() != "max":
                    limits.append(int(file.read_text(encoding="ascii")))
    return min((limit for limit in limits if limit < 1 << 62), default=0)


def who(context):
    with Place() as place:
        run(context, ["record", "phases", "an argument", ""], place.settings(TARN_DIRTY="4m"), cwd=place.folder)
        with record_file.Record(place.path()) as record:
            found, header = record.who, record.header
        assert found["program"] == "record" and found["executable"] == context.program("record"), found
        assert found["arguments"][1:3] == ["phases", "an argument"], found
        assert found["directory"] == place.folder and found["forked"] == 0, found
        assert found["uid"] == os.geteuid() and found["parent"] == os.getpid() and found["start_ticks"] > 0, found
        assert set(found["options"]) == {f"TARN_RECORD={place.path()}", f"TARN_DIRTY={4 * MIB}"}, found
        assert found["backend"] == "map" and found["page_size"] == resource.getpagesize(), found
        pages = int(re.search(r"MemTotal: +(\d+)", pathlib.Path("/proc/meminfo").read_text(encoding="ascii"))[1]) * 1024
        assert found["kernel"] == os.uname().release and found["processors"] == os.sysconf("SC_NPROCESSORS_ONLN"), found
        assert found["memory"] == pages and found["memory_limit"] == memory_limit(), (found, pages, memory_limit())
        assert abs(header["started_realtime_ns"] - time.time_ns()) < 60e9 * harness.PATIENCE


def api(context):
    with Place() as place:
        silent(run(context, ["record", "phases"], place.settings()))
        with record_file.Record(place.path()) as record:
            events = record.events
        assert [e["kind"] for e in events] == [record_file.PHASE, record_file.PHASE, record_file.SNAPSHOT], events
        assert events[0]["text"] == "loading" and len(events[1]["text"]) == 79 and events[2]["text"] == "asked"
        assert [e["time_ns"] for e in events] == sorted(e["time_ns"] for e in events)


def ring_of_events(context):
    with Place() as place:
        run(context, ["record", "many_events"], place.settings())
        with record_file.Record(place.path()) as record:
            assert record.count("events") == 1300
            events = record.events
        assert [e["text"] for e in events] == [f"phase {n}" for n in range(1300 - 512, 1300)]


def out_of_memory(context):
    with Place() as place:
        run(context, ["record", "out_of_memory"], place.settings())
        with record_file.Record(place.path()) as record:
            events = record.events
        assert [(e["kind"], e["a"]) for e in events if e["kind"] == record_file.OUT_OF_MEMORY] == [
            (record_file.OUT_OF_MEMORY, 3 << 30)], events
        limits = [e["text"] for e in events if e["kind"] == record_file.LIMIT]
        assert len(limits) == 1 and "RLIMIT_AS" in limits[0], events


def misuse(context):
    with Place() as place:
        result = run(context, ["record", "double_free"], place.settings(), expected=-signal.SIGABRT)
        with record_file.Record(place.path()) as record:
            events = record.events
            assert record.header["state"] == record_file.RUNNING
        assert len(events) == 1 and events[0]["kind"] == record_file.MISUSE, events
        assert result.errors.strip().startswith(events[0]["text"]) and "double free" in events[0]["text"], events
        assert f"{events[0]['a']:#x}" in result.errors


def trims(context):
    with Place() as place:
        run(context, ["record", "trims"], place.settings())
        with record_file.Record(place.path()) as record:
            events = record.events
        assert [e["kind"] for e in events] == [record_file.TRIMMED] * 2 and events[0]["a"] > MIB, events


def modules(context):
    with Place() as place:
        library = str(context.programs / "libempty_library.so")
        run(context, ["record", "loads", library], place.settings())
        with record_file.Record(place.path()) as record:
            found = record.modules
        loaded = [m for m in found if m["path"] == library]
        assert len(loaded) == 1, [m["path"] for m in found]
        assert loaded[0]["unloaded_ns"] > loaded[0]["loaded_ns"] and len(loaded[0]["build_id"]) == 40, loaded
        others = [m for m in found if m["path"] != library]
        assert not any(m["unloaded_ns"] for m in others), others
        paths = [m["path"] for m in others]
        assert "" in paths and any("libc.so" in p for p in paths) and any("libtarn" in p for p in paths), paths
        for m in others:
            assert m["begin"] < m["end"] and m["load_bias"] <= m["begin"], m


def wait_until(holds, what):
    until = time.monotonic() + 20 * harness.PATIENCE
    while not holds():
        assert time.monotonic() < until, what
        time.sleep(0.002)


def requests(context):
    with Place() as place:
        child = subprocess.Popen([context.program("record"), "serve"], stdin=subprocess.PIPE,
                                 env=context.environment(place.settings()))
        try:
            with when_there(place.path(), writable=True) as record:
                wait_until(lambda: record.snapshot["allocations"] > 1000, "it works")
                record.ask(record_file.TRIM)
                wait_until(lambda: any(e["kind"] == record_file.TRIMMED and e["b"] == 1 for e in record.events),
                           "a trim that was asked for is done")
                for n in range(50):  # faster than snapshots come by themselves
                    before = record.snapshot["number"]
                    record.ask(record_file.PUBLISH)
                    wait_until(lambda: record.header["requests_obeyed"] == n + 2, "one request more is obeyed")
                    assert record.snapshot["number"] > before, "a snapshot is written when asked for"
                assert record.header["requests"] == 0
                record.ask(1 << 40)  # of a later version
                wait_until(lambda: record.header["requests"] == 0, "what is not known is cleared")
        finally:
            child.stdin.close()
            assert child.wait(60) == 0


def idle_process(context):
    """A process that does nothing obeys nothing until its next cold path."""
    with Place() as place:
        with start(context, ["/bin/sleep", "30"], place.settings()) as child:
            with when_there(place.path(), writable=True) as record:
                record.ask(record_file.PUBLISH)
                time.sleep(0.3)
                assert record.header["requests"] == record_file.PUBLISH and record.header["requests_obeyed"] == 0
            child.kill()


def at_most_ten_a_second(context):
    with Place() as place:
        child = start(context, ["record", "threads", place.path("shadow"), "4"], place.settings())
        with when_there(place.path()) as record:
            time.sleep(1)
            first, begun = record.snapshot, time.monotonic()
            time.sleep(2)
            last, took = record.snapshot, time.monotonic() - begun
        child.kill()
        child.wait()
        assert 3 <= last["number"] - first["number"] <= took * 10 + 2, (first["number"], last["number"], took)


def read_while_written(context):
    """Readers of all sections, and eight threads that allocate."""
    with Place() as place:
        child = start(context, ["record", "threads", place.path("shadow"), "8"], place.settings())
        try:
            reads, seconds = ("1000000", "0") if LONG else ("0", "5")
            run(context, ["record_reader", place.path(), reads, seconds], {}, preload=False, timeout=600)
        finally:
            child.kill()
            child.wait()


def off(context):
    """Without the options nothing is loaded, and nothing done."""
    with Place() as place:
        result = run(context, ["/bin/cat", "/proc/self/maps"], {"XDG_RUNTIME_DIR": place.folder})
        assert b"libtarn-record" not in result.output and b"tarnrecord" not in result.output
        assert place.names() == []
        run(context, ["record", "without"], {"XDG_RUNTIME_DIR": place.folder, "TARN_RECORD": "0"})
        assert place.names() == []


def profile_implies_record(context):
    with Place() as place:
        result = run(context, ["/bin/ls", place.path("tarn")], {"XDG_RUNTIME_DIR": place.folder, "TARN_PROFILE": "1m"})
        assert b".tarnrecord" in result.output, result.output


def small_memory(context):
    """What a small process needs more: memory of its own, the file, and what it has in memory of the module's."""
    with Place() as place:
        def memory(settings):
            output = run(context, ["/bin/cat", "/proc/self/smaps"], settings).output.decode()
            own, module, in_module = 0, 0, False
            for line in output.splitlines():
                words = line.split()
                if "-" in words[0]:
                    in_module = "libtarn-record" in line
                own += int(words[1]) if words[0] in ("Anonymous:",) else 0
                module += int(words[1]) if in_module and words[0] == "Rss:" else 0
            return own + module

        plain = min(memory({}) for _ in range(5))
        recording = min(memory(place.settings("%p")) for _ in range(5))
        used = max(os.stat(place.path(name)).st_blocks // 2 for name in place.names())
        print(f"{plain} KiB, recording {recording} KiB and a file of {used} KiB")
        assert recording + used - plain <= 300, f"{plain} KiB, recording {recording} KiB and a file of {used} KiB"
        assert used <= 96, used
