# SPDX-License-Identifier: MIT
"""Records of processes that fork, execute, or close what they have; and files that are in the way."""
import os
import pathlib
import random
import shutil
import stat
import struct
import subprocess
import tempfile

import harness
from record_place import MIB, Place, default_place, one_line, record_file, run, silent, start, when_there


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


def without_children(context):
    """TARN_RECORD_CHILDREN=0: what is forked has none, nor the parent's file; what is executed has one."""
    with Place() as place:
        silent(run(context, ["record", "forks"], place.settings("%p", TARN_RECORD_CHILDREN="0")))
        records = place.records()
        assert sorted(record.who["program"] for record in records) == ["record", "true"], place.names()
        assert not any(record.who["forked"] for record in records)
    with Place() as place:
        silent(run(context, ["record", "forks_in_handlers"], place.settings("%p", TARN_RECORD_CHILDREN="0")))
        [record] = place.records()
        assert {e["text"] for e in record.events if e["kind"] == record_file.PHASE} == {"parent"}, record.events
    with Place() as place:
        run(context, ["profile", "forks", "200"], place.settings("%p", TARN_PROFILE="2", TARN_RECORD_CHILDREN="0"))
        assert len(place.names()) == 1, place.names()


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


def left_behind(context):
    """Records of processes that were killed do not pile up in the default place, and those of living ones stay."""
    with Place() as place:
        children = [start(context, ["/bin/sleep", "100"], default_place(place)) for _ in range(20)]
        folder = pathlib.Path(place.path("tarn"))
        names = [f"{child.pid}.tarnrecord" for child in children]
        for name in names:
            when_there(str(folder / name)).close()
        stale = (folder / names[0]).read_bytes()
        for n in range(100):  # of a process that is gone
            (folder / f"x{n}").write_bytes(stale[:832] + struct.pack("<I", 1 << 30) + stale[836:20000])
            os.utime(folder / f"x{n}", (n, n))
        (folder / "text").write_text("mine\n")
        for n in range(100):
            run(context, ["exits", "return"], default_place(place))
        left = set(os.listdir(folder))
        assert set(names) <= left and "text" in left, "only what is stale goes"
        assert 63 <= len(left) <= 66 and "x99" in left and "x0" not in left, (len(left), sorted(left))
        for child in children:
            child.kill()
            child.wait()


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


def limit_on_files_of_what_is_executed(context):
    """The old record cannot be marked: no SIGXFSZ, it is replaced or one line is written."""
    with Place() as place:
        script = f"ulimit -f 0; exec {context.program('exits')} return"
        child = start(context, ["/bin/sh", "-c", script], place.settings(), stderr=subprocess.PIPE)
        errors = child.communicate(timeout=60)[1].decode()
        assert child.returncode == 0 and "the limit on the size of files" in errors, (child.returncode, errors)


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
