# SPDX-License-Identifier: MIT
"""Records of processes that were killed, and what their programs counted themselves."""
import os
import random
import resource
import signal
import struct
import subprocess
import time

import harness
from record_place import LONG, MIB, Place, record_file, start


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
        """The number of the last operation for which key(operation) is false, by bisection; -1: not among those that were kept."""
        first = low = max(0, self.count - self.COUNT + 1)
        high = self.count
        while low < high:
            middle = (low + high) // 2
            if key(self.at(middle)):
                high = middle
            else:
                low = middle + 1
        return low - 1 if low > first else -1


# What the largest operation of mode shadowed is, in bytes as usable.
LARGEST = 640 << 10


def agree_one_thread(record, shadow):
    """The snapshot is that of one moment of the program, in the middle of one operation, and not long past."""
    last = record.snapshot
    made = last["allocations"] - shadow.base_allocations
    freed = last["frees"] - shadow.base_frees
    if made <= 0:
        return False
    assert shadow.at(shadow.count - 1)[3] - last["time_ns"] < 1.2e9 * harness.PATIENCE, "not long past"
    number = shadow.find(lambda done: done[0] + done[1] > made + freed)
    if number < 0:
        return False
    done = shadow.at(number)
    assert abs(done[0] - made) <= 1 and abs(done[1] - freed) <= 1, (done, made, freed)
    live = last["live_bytes"] - shadow.base_live
    assert abs(live - done[2]) <= LARGEST, (live, done)
    assert abs(last["time_ns"] - done[3]) < 50e6 * harness.PATIENCE, (last["time_ns"], done)
    return True


def agree_threads(record, shadow, threads):
    last = record.snapshot
    before = shadow.find(lambda done: done[3] > last["time_ns"])
    # The snapshot's clock is read before its counts, the shadow's after them, and another thread may have the processor meanwhile:
    # the snapshot may be that much later, and no earlier.
    apart = int(20e6 * harness.PATIENCE)
    after = shadow.find(lambda done: done[3] > last["time_ns"] + apart) + 1
    if before < 0 or not before < after < shadow.count:
        return False
    low, high = shadow.at(before - 1 if before else before), shadow.at(after)
    made = last["allocations"] - shadow.base_allocations
    freed = last["frees"] - shadow.base_frees
    assert low[0] - threads <= made <= high[0] + threads, (low, made, high)
    assert low[1] - threads <= freed <= high[1] + threads, (low, freed, high)
    return True


def killed(context, mode, runs):
    runs = int(runs) * (50 if LONG else 1)
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
