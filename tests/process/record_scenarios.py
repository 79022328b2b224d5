# SPDX-License-Identifier: MIT
"""The record of a process, as tools find it: while the process runs and after it ended, whatever ended it."""
import json
import os
import pathlib
import random
import resource
import shutil
import signal
import stat
import struct
import subprocess
import sys
import tempfile
import time

import harness

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "support"))
import record_file  # noqa: E402

LONG = bool(os.environ.get("TEST_LONG"))
MIB = 1 << 20


def run(context, arguments, settings, expected=0, **other):
    result = context.run(arguments, environment=settings, **other)
    assert result.status == expected, result.short()
    return result


def start(context, arguments, settings, **other):
    return subprocess.Popen([context.program(arguments[0]), *arguments[1:]], env=context.environment(settings),
                            stdin=subprocess.DEVNULL, **other)


def silent(result):
    lines = [line for line in result.errors.splitlines() if line.startswith("tarn: ")]
    assert not lines, lines


def one_line(result, *words):
    lines = [line for line in result.errors.splitlines() if line.startswith("tarn: ")]
    assert len(lines) == 1, result.errors
    for word in words:
        assert word in lines[0], lines[0]


class Place:
    """A folder of records, and what is in it."""

    def __init__(self):
        self.folder = tempfile.mkdtemp(prefix="tarn-record-")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        shutil.rmtree(self.folder, ignore_errors=True)

    def path(self, name="record"):
        return os.path.join(self.folder, name)

    def settings(self, name="record", **more):
        return {"TARN_RECORD": self.path(name), **more}

    def names(self):
        return sorted(os.listdir(self.folder))

    def records(self):
        return [record_file.Record(self.path(name)) for name in self.names()]


def default_place(place):
    """The environment in which the default place is this folder."""
    return {"XDG_RUNTIME_DIR": place.folder, "TARN_RECORD": "1"}


# ---- the end of a process


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


# ---- children, and what is executed


def forks(context):
    with Place() as place:
        silent(run(context, ["record", "forks"], place.settings("%p")))
        records = place.records()
        whos = [record.who for record in records]
        parent = [w for w in whos if not w["forked"] and w["program"] == "record"]
        assert len(records) == 4 and len(parent) == 1, whos
        for record, w in zip(records, whos):
            events, state = record.events, record.header["state"]
            if w["pid"] == parent[0]["pid"]:
                assert [e["text"] for e in events] == ["parent"] and state == record_file.ENDED
                continue
            assert w["parent"] == parent[0]["pid"], w
            if w["program"] == "true":
                assert not w["forked"] and state == record_file.ENDED, w
                continue
            assert w["forked"] and w["arguments"] == parent[0]["arguments"], w
            assert [e["kind"] for e in events] == [record_file.FORK, record_file.PHASE] and (
                events[0]["a"] == parent[0]["pid"]), events
            assert len(record.modules) == len([m for m in records[0].modules]), "those of the parent"
            assert state in (record_file.ENDED, record_file.RUNNING)
        assert sorted(r.header["state"] for r in records) == [1, 2, 2, 2], "one was killed"
        allocations = {w["pid"]: r.snapshot["allocations"] for r, w in zip(records, whos)}
        assert all(allocations[w["pid"]] > 4000 for w in whos if w["forked"]), allocations


def a_path_for_all(context):
    """A path that says nothing of the process: it is the first one's, and others' are beside it."""
    with Place() as place:
        silent(run(context, ["record", "forks"], place.settings()))
        names = place.names()
        assert len(names) == 4 and names[0] == "record", names
        for name, record in zip(names, place.records()):
            assert name == "record" or name == f"record.{record.who['pid']}", names


def clones_without_a_word(context):
    with Place() as place:
        silent(run(context, ["record", "raw_clones"], place.settings()))
        assert place.names() == ["record"], place.names()
        with record_file.Record(place.path()) as record:
            assert [e["text"] for e in record.events] == ["before", "after"], record.events


def exec_replaces(context):
    with Place() as place:
        arguments = ["/bin/sh", "-c", f"exec {context.program('record')} phases"]
        child = start(context, arguments, place.settings())
        assert child.wait(60) == 0
        with record_file.Record(place.path()) as record:
            assert record.who["program"] == "record" and record.who["pid"] == child.pid, record.who
        assert place.names() == ["record"], place.names()


def exec_is_marked(context):
    """Who has the record open sees what became of the process."""
    with Place() as place:
        script = f"read x; exec {context.program('record')} phases"
        child = subprocess.Popen(["/bin/sh", "-c", script], env=context.environment(place.settings()),
                                 stdin=subprocess.PIPE)
        record = when_there(place.path())
        child.stdin.write(b"\n")
        child.stdin.close()
        assert child.wait(60) == 0
        assert record.header["state"] == record_file.EXECED and record.header["ended_ns"] > 0, record.header


def forks_in_handlers(context):
    with Place() as place:
        silent(run(context, ["record", "forks_in_handlers"], {**default_place(place), "TARN_RECORD_KEEP": "1"}))
        place.folder = place.path("tarn")
        children = 0
        for record in place.records():
            texts = {e["text"] for e in record.events if e["kind"] == record_file.PHASE}
            wanted = "child of a handler" if record.who["forked"] else "parent"
            assert texts == {wanted}, (record.who, texts)
            children += record.who["forked"]
            record.close()
        assert children > 10, children


def privileged(context):
    with Place() as place:
        folder = pathlib.Path(place.folder) / "programs"
        folder.mkdir()
        os.chmod(place.folder, 0o777)
        path = folder / "privileged"
        shutil.copy(context.program("exits_linked"), path)
        os.chown(path, 65534, 65534)
        path.chmod(stat.S_ISUID | 0o755)
        result = run(context, [str(path), "return"], place.settings(), preload=False)
        silent(result)
        assert place.names() == ["programs"], place.names()


def linked_statically(context):
    with Place() as place:
        silent(run(context, ["exits_linked", "return"], place.settings(), preload=False))
        with record_file.Record(place.path()) as record:
            assert record.snapshot["large_allocations"] >= 123 and record.header["state"] == record_file.ENDED
            assert any("exits_linked" in p or p == "" for p in (m["path"] for m in record.modules))


def descriptors_closed(context):
    with Place() as place:
        silent(run(context, ["record", "closes_all"], place.settings(), cwd=place.folder))
        for n in range(64):
            assert pathlib.Path(place.path(f"own-{n}")).read_bytes() == b"own", "a file of the program's was written to"
        with record_file.Record(place.path()) as record:
            assert record.count("events") == 1300 and record.header["state"] == record_file.ENDED
            assert record.snapshot["allocations"] > 300000, record.snapshot


# ---- files that are in the way


def runs_without(context, settings, *words, **other):
    result = run(context, ["exits", "return"], settings, **other)
    one_line(result, "nothing is recorded", *words)


def nobody_writes(context):
    with Place() as place:
        runs_without(context, place.settings("missing/record"), "no such file or directory")
        os.mkdir(place.path("folder"))
        runs_without(context, place.settings("folder"), "something else is there")
        pathlib.Path(place.path("text")).write_text("important\n")
        runs_without(context, place.settings("text"), "something else is there")
        assert pathlib.Path(place.path("text")).read_text() == "important\n"
        os.symlink(place.path("text"), place.path("link"))
        runs_without(context, place.settings("link"), "something else is there")
        os.symlink(place.path("nothing"), place.path("dangling"))
        runs_without(context, place.settings("dangling"), "something else is there")
        os.mkfifo(place.path("fifo"))
        runs_without(context, place.settings("fifo"), "something else is there")
        assert not os.path.exists(place.path("nothing"))
        assert pathlib.Path(place.path("text")).read_text() == "important\n"
        runs_without(context, {"TARN_RECORD": place.path("x" * 300)}, "the name is too long")


def without_rights(context):
    with Place() as place:
        os.chmod(place.folder, 0o755)
        result = context.run(["exits", "return"], environment=place.settings(), user=65534)
        one_line(result, "nothing is recorded", "permission denied")
        assert result.status == 0 and place.names() == []


def anothers_folder(context):
    """The default place, made by somebody else or open to others: nothing is written there."""
    with Place() as place:
        os.mkdir(place.path("tarn"))
        os.chown(place.path("tarn"), 65534, 65534)
        os.chmod(place.path("tarn"), 0o777)
        settings = {**default_place(place), "TARN_RECORD_KEEP": "1"}
        result = context.run(["exits", "return"], environment=settings)
        assert result.status == 0 and os.listdir(place.path("tarn")) == []
        os.chown(place.path("tarn"), os.geteuid(), -1)
        result = context.run(["exits", "return"], environment=settings)
        assert result.status == 0 and os.listdir(place.path("tarn")) == []
        shutil.rmtree(place.path("tarn"))
        os.symlink(place.folder, place.path("tarn"))
        result = context.run(["exits", "return"], environment=settings)
        assert result.status == 0 and place.names() == ["tarn"], place.names()
        for left in pathlib.Path(f"/dev/shm/tarn-{os.geteuid()}").glob("*.tarnrecord"):
            with record_file.Record(left) as record:
                ours = record.who["program"] == "exits" and record.header["state"] == record_file.ENDED
            if ours:
                left.unlink()


def stale_is_replaced(context):
    with Place() as place:
        child = start(context, ["record", "leaks_until_killed"], place.settings())
        when_there(place.path()).close()
        child.kill()
        child.wait()
        run(context, ["record", "phases"], place.settings())
        with record_file.Record(place.path()) as record:
            assert record.who["arguments"][1] == "phases", record.who
        assert place.names() == ["record"]


def forged(context):
    """Files with the right front and nonsense behind it: they are replaced, as records of this user are, or left alone."""
    with Place() as place:
        rng = random.Random(7)
        for n in range(40):
            front = bytearray(rng.randbytes(rng.choice((8, 100, 776, 5000))))
            front[:8] = struct.pack("<Q", record_file.MAGIC)
            if n % 2 and len(front) >= 776:  # a section table that says where who is
                struct.pack_into("<IIQQQQ", front, record_file._SECTIONS_AT, 1, 7328, rng.choice((0, 832, 1 << 62)), 1, 0, 0)
            pathlib.Path(place.path()).write_bytes(front)
            result = run(context, ["record", "phases" if len(front) >= 776 else "without"], place.settings())
            if len(front) >= 776:
                silent(result)
            else:
                one_line(result, "something else is there")
            os.unlink(place.path())


def limit_on_files(context):
    with Place() as place:
        result = run(context, ["exits", "return"], place.settings(), limits={"fsize": MIB})
        one_line(result, "the limit on the size of files")
        assert place.names() == [], place.names()


class SmallDisk:
    """A tmpfs of its own."""

    def __init__(self, size):
        self.folder = tempfile.mkdtemp(prefix="tarn-disk-")
        if subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size}", "tarn-test", self.folder],
                          stderr=subprocess.DEVNULL, check=False).returncode:
            os.rmdir(self.folder)
            raise harness.Skip("no right to mount")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        subprocess.run(["umount", self.folder], check=False)
        os.rmdir(self.folder)


def full_at_start(context):
    with SmallDisk("16k") as disk:
        result = run(context, ["exits", "return"], {"TARN_RECORD": disk.folder + "/record"})
        one_line(result, "nothing is recorded", "no space left on the device")
        assert os.listdir(disk.folder) == []


def full_later(context):
    with SmallDisk("256k") as disk:
        path = disk.folder + "/record"
        result = run(context, ["record", "fills", disk.folder], {"TARN_RECORD": path})
        one_line(result, "its file system is full")
        with record_file.Record(path) as record:
            assert record.header["state"] == record_file.STOPPED and record.header["ended_ns"] > 0
            assert record.snapshot["number"] >= 1


# ---- tools


def when_there(path, writable=False):
    until = time.monotonic() + 20 * harness.PATIENCE
    while True:
        try:
            return record_file.Record(path, writable)
        except (record_file.NoRecord, FileNotFoundError):
            assert time.monotonic() < until, "no record comes"
            time.sleep(0.002)


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
                    wait_until(lambda: record.snapshot["number"] > before, "a snapshot is written when asked for")
                    assert record.header["requests_obeyed"] == n + 2, record.header
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
            for mode, much in (("read", "1000000"),) if LONG else (("read_for", "5"),):
                run(context, ["record", mode, place.path(), much], {}, preload=False, timeout=600)
        finally:
            child.kill()
            child.wait()


# ---- killed


class Shadow:
    """What the program counted itself (Shadow in record.cpp)."""

    OPERATION = struct.Struct("<4Q")
    COUNT = 1 << 20

    def __init__(self, path):
        with open(path, "rb") as file:
            front = file.read(32)
            if len(front) < 32:
                self.count = 0
                return
            self.base_allocations, self.base_frees, self.base_live, self.count = struct.unpack("<4Q", front)
            self.raw = file.read(self.COUNT * self.OPERATION.size)

    def at(self, number):
        return self.OPERATION.unpack_from(self.raw, number % self.COUNT * self.OPERATION.size)

    def find(self, key):
        """The number of the last operation for which key(operation) is false, by bisection."""
        low, high = max(0, self.count - self.COUNT + 1), self.count
        while low < high:
            middle = (low + high) // 2
            if key(self.at(middle)):
                high = middle
            else:
                low = middle + 1
        return low - 1


# What the largest operation of mode shadowed is, in bytes as usable.
LARGEST = 640 << 10


def agree_one_thread(record, shadow):
    """The snapshot is that of one moment of the program, in the middle of one operation, and not long past."""
    last = record.snapshot
    made = last["allocations"] - shadow.base_allocations
    freed = last["frees"] - shadow.base_frees
    if made <= 0:
        return False
    number = shadow.find(lambda done: done[0] + done[1] > made + freed)
    if number < 0:
        return False
    done = shadow.at(number)
    assert abs(done[0] - made) <= 1 and abs(done[1] - freed) <= 1, (done, made, freed)
    live = last["live_bytes"] - shadow.base_live
    assert abs(live - done[2]) <= LARGEST, (live, done)
    assert abs(last["time_ns"] - done[3]) < 50e6 * harness.PATIENCE, (last["time_ns"], done)
    assert shadow.at(shadow.count - 1)[3] - last["time_ns"] < 1.2e9 * harness.PATIENCE, "not long past"
    return True


def agree_threads(record, shadow, threads):
    last = record.snapshot
    before = shadow.find(lambda done: done[3] > last["time_ns"])
    if before < 0 or before + 2 >= shadow.count:
        return False
    low, high = shadow.at(before - 1 if before else before), shadow.at(before + 2)
    made = last["allocations"] - shadow.base_allocations
    freed = last["frees"] - shadow.base_frees
    assert low[0] - threads <= made <= high[0] + threads, (low, made, high)
    assert low[1] - threads <= freed <= high[1] + threads, (low, freed, high)
    return True


def killed(context, mode, runs):
    runs = int(runs) * (10 if LONG else 1)
    rng = random.Random(int(runs))
    agreed = 0
    for _ in range(runs):
        with Place() as place:
            arguments = ["record", mode, place.path("shadow")] + (["4"] if mode == "threads" else [])
            child = start(context, arguments, place.settings())
            time.sleep(rng.uniform(0.0, 0.25))
            child.kill()
            child.wait()
            try:
                record = record_file.Record(place.path())
            except (record_file.NoRecord, FileNotFoundError):
                assert not os.path.exists(place.path("shadow")), "a program that was at work has a record"
                continue
            with record:
                assert record.header["state"] == record_file.RUNNING and record.who["pid"] == child.pid
                if record.header["state"] and not os.path.exists(place.path("shadow")):
                    continue
                _, points = record.timeline
                assert all(a["time_ns"] < b["time_ns"] for a, b in zip(points, points[1:])), points
                assert all(p["allocations"] and p["resident"] for p in points), points
                shadow = Shadow(place.path("shadow"))
                if shadow.count:
                    agreed += (agree_one_thread(record, shadow) if mode == "shadowed" else
                               agree_threads(record, shadow, 4))
    assert agreed > runs // 10, f"{agreed} of {runs} were at work long enough to be compared"


def killed_by_the_kernel(context):
    """Out of memory in a cgroup of its own; where none can be made, a limit on address space."""
    with Place() as place:
        limit = memory_cgroup(64 * MIB)
        try:
            child = start(context, ["record", "leaks_until_killed"], place.settings(), stderr=subprocess.DEVNULL,
                          preexec_fn=lambda: limit.enter(), )
            status = child.wait(120 * harness.PATIENCE)
        finally:
            limit.leave()
        assert status in (-signal.SIGKILL, -signal.SIGSEGV), status
        with record_file.Record(place.path()) as record:
            last, (_, points) = record.snapshot, record.timeline
            assert record.header["state"] == record_file.RUNNING
            assert record.events[0]["text"] == "begins to leak"
            if status == -signal.SIGSEGV:  # malloc gave NULL, and the program used it
                assert any(e["kind"] == record_file.OUT_OF_MEMORY for e in record.events), record.events
        assert last["live_bytes"] > 32 * MIB or len(points) >= 1, last
        assert points[-1]["live_large"] <= last["large_live_bytes"], (points, last)


class Cgroup:
    """A memory cgroup, of version 2 or 1."""

    def __init__(self, folder, file, size):
        self.folder = folder
        os.mkdir(folder)
        with open(os.path.join(folder, file), "w", encoding="ascii") as out:
            out.write(str(size))

    def enter(self):
        with open(os.path.join(self.folder, "cgroup.procs"), "w", encoding="ascii") as out:
            out.write(str(os.getpid()))

    def leave(self):
        os.rmdir(self.folder)


class AddressSpace:
    """A limit on address space in its place."""

    def __init__(self, size):
        self.size = size

    def enter(self):
        resource.setrlimit(resource.RLIMIT_AS, (self.size, self.size))

    def leave(self):
        pass


def memory_cgroup(size):
    name = f"tarn-test-{os.getpid()}"
    for base, file in (("/sys/fs/cgroup/memory", "memory.limit_in_bytes"), ("/sys/fs/cgroup", "memory.max")):
        try:
            return Cgroup(os.path.join(base, name), file, size)
        except OSError:
            if os.path.isdir(os.path.join(base, name)):
                os.rmdir(os.path.join(base, name))
    return AddressSpace(8 * size)


# ---- off


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
    """A small process that records needs little more: memory by the kernel's proportional count."""
    with Place() as place:
        def pss(settings):
            output = run(context, ["/bin/cat", "/proc/self/smaps_rollup"], settings).output.decode()
            return int([line for line in output.splitlines() if line.startswith("Pss:")][0].split()[1])

        plain = min(pss({}) for _ in range(5))
        recording = min(pss(place.settings("%p")) for _ in range(5))
        assert recording - plain <= 300, f"{plain} KiB, recording {recording} KiB"
        used = max(os.stat(place.path(name)).st_blocks * 512 for name in place.names())
        assert used <= 96 << 10, used
