# SPDX-License-Identifier: MIT
"""Reads a record (include/tarn/record.h) the way that header says a reader must: for tests, which need no more of it."""
import os
import struct

MAGIC = 0x64726F6365726E74
RUNNING, ENDED, EXECED, STOPPED = 1, 2, 3, 4
PUBLISH, TRIM, START, STOP = 1, 2, 4, 8
OUT_OF_MEMORY, MISUSE, LIMIT, TRIMMED, PHASE, SAMPLING, FORK, SNAPSHOT = 1, 2, 3, 4, 5, 6, 7, 8
_HEADER = struct.Struct("<QIIQII11Q")
_HEADER_NAMES = ("magic", "version", "header_size", "file_size", "stats_version", "state", "started_ns",
                 "started_realtime_ns", "ended_ns", "sample_interval", "requests", "request_interval", "requests_obeyed",
                 "peak_number", "peak_ns", "peak_bytes")
_SECTION = struct.Struct("<IIQQQQ")
_SECTIONS_AT = 8 + 4 + 4 + 8 + 4 + 4 + 8 * 10 + 8 * 3
_SECTIONS = {1: "who", 2: "modules", 3: "snapshot", 4: "timeline", 5: "events", 6: "stacks", 7: "frames", 8: "samples",
             9: "names", 10: "interpreters"}
REQUESTS_AT = 8 + 4 + 4 + 8 + 4 + 4 + 8 * 4
INTERVAL_AT = REQUESTS_AT + 8
# The front of tarn_stats, to peak_resident.
_STATS = struct.Struct("<II33Q")
_STATS_NAMES = ("version classes allocations frees live_objects live_bytes small_allocations small_frees small_live_bytes fresh "
                "reused remote_frees slabs large_allocations large_frees large_live_objects large_live_bytes "
                "large_peak_bytes large_grown_in_place foreign_frees threads threads_ended orphan_slabs reserved committed "
                "in_use dirty returned backend_committed backend_cached resident peak_resident").split()
_POINT = struct.Struct("<6Q")
_POINT_NAMES = ("time_ns", "live_small", "live_large", "kept", "resident", "allocations")
_EVENT = struct.Struct("<QQIIQQQ80s")
_MODULE = struct.Struct("<6QI36s456s")

_STACK = struct.Struct("<QQII11Q")
_STACK_NAMES = ("hash first_frame depth cut first_seen_ns last_seen_ns samples allocated_objects_1024 allocated_bytes "
                "live_objects_1024 live_bytes peak_objects_1024 peak_bytes peak_at").split()
_SAMPLE = struct.Struct("<6QIIQ")
_SAMPLE_NAMES = "sequence address size objects_1024 bytes time_ns stack thread".split()


class NoRecord(Exception):
    """The file is none, or none yet."""


class Torn(Exception):
    """A section that is never whole: a fault."""


def _text(raw):
    return raw.split(b"\0", 1)[0].decode(errors="replace")


def _list(raw):
    return [item.decode(errors="replace") for item in raw.split(b"\0\0", 1)[0].split(b"\0") if item]


class Record:
    """An open record; every property reads anew."""

    def __init__(self, path, writable=False):
        self.path = path
        self.fd = os.open(path, os.O_RDWR if writable else os.O_RDONLY)
        front = os.pread(self.fd, 4096, 0)
        if len(front) < 64 or struct.unpack_from("<Q", front)[0] != MAGIC:
            self.close()
            raise NoRecord(path)
        self.sections = {}
        for i in range(16):
            kind, size, offset, capacity, _, _ = _SECTION.unpack_from(front, _SECTIONS_AT + i * _SECTION.size)
            if kind in _SECTIONS:
                self.sections[_SECTIONS[kind]] = (size, offset, capacity, i)

    def close(self):
        """The file is not needed any more."""
        os.close(self.fd)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    @property
    def header(self):
        """All numbers of the header, by name."""
        values = _HEADER.unpack_from(os.pread(self.fd, _HEADER.size, 0))
        return dict(zip(_HEADER_NAMES, values))

    def _section(self, name):
        size, offset, capacity, number = self.sections[name]
        raw = os.pread(self.fd, _SECTION.size, _SECTIONS_AT + number * _SECTION.size)
        return size, offset, capacity, _SECTION.unpack(raw)[4]

    def count(self, name):
        """Entries begun so far."""
        return self._section(name)[3]

    @property
    def who(self):
        """Who it is."""
        _, at, _, _ = self._section("who")
        strings_end = 32 + 64 + 512 + 512 + 32 + 32 + 4096 + 2048
        raw = os.pread(self.fd, strings_end + 64 + 24, at)
        pid, uid, parent, page, ticks, forked, _ = struct.unpack_from("<IIIIQII", raw)
        strings, place = [], 32
        for size in (64, 512, 512, 32, 32, 4096, 2048):
            strings.append(raw[place:place + size])
            place += size
        processors, _, memory, limit = struct.unpack_from("<IIQQ", raw, strings_end + 64)
        return {"kernel": _text(raw[strings_end:strings_end + 64]), "processors": processors, "memory": memory, "memory_limit": limit,
                "pid": pid, "uid": uid, "parent": parent, "page_size": page, "start_ticks": ticks, "forked": forked,
                "program": _text(strings[0]), "executable": _text(strings[1]), "directory": _text(strings[2]),
                "tarn_version": _text(strings[3]), "backend": _text(strings[4]), "arguments": _list(strings[5]),
                "options": _list(strings[6])}

    def _word(self, place):
        return struct.unpack("<Q", os.pread(self.fd, 8, place))[0]

    def _copies(self, name, length):
        """The newer one of two copies that are whole: (sequence, bytes)."""
        size, at, _, _ = self._section(name)
        for _ in range(1000):
            best, torn = (0, b"", 0), False
            for i in range(2):
                place = at + i * size
                before = self._word(place)
                raw = os.pread(self.fd, length, place)
                if before == 0 or before % 2 or self._word(place) != before:
                    torn = torn or before != 0
                elif before > best[0]:
                    best = (before, raw, place)
            if best[0] and (not torn or self._word(best[2]) == best[0]):
                return best[:2]
        raise Torn(name)

    @property
    def snapshot(self):
        """The newest snapshot."""
        sequence, raw = self._copies("snapshot", 32 + _STATS.size)
        _, time_ns, number, _ = struct.unpack_from("<4Q", raw)
        stats = dict(zip(_STATS_NAMES, _STATS.unpack_from(raw, 32)))
        return {"sequence": sequence, "time_ns": time_ns, "number": number, **stats}

    @property
    def timeline(self):
        """(step, points)"""
        size = self.sections["timeline"][0]
        _, raw = self._copies("timeline", size)
        _, step, count, _ = struct.unpack_from("<4Q", raw)
        return step, [dict(zip(_POINT_NAMES, _POINT.unpack_from(raw, 32 + i * _POINT.size))) for i in range(count)]

    @property
    def events(self):
        """Those that are whole, oldest first."""
        size, at, capacity, count = self._section("events")
        found = []
        for number in range(max(0, count - capacity), count):
            raw = os.pread(self.fd, _EVENT.size, at + number % capacity * size)
            sequence, time_ns, kind, thread, a, b, stack, text = _EVENT.unpack(raw)
            if sequence == 2 * number + 2:
                found.append({"number": number, "time_ns": time_ns, "kind": kind, "thread": thread, "a": a, "b": b,
                              "stack": stack, "text": _text(text)})
        return found

    @property
    def modules(self):
        """All that there were."""
        size, at, _, count = self._section("modules")
        found = []
        for number in range(count):
            raw = os.pread(self.fd, _MODULE.size, at + number * size)
            begin, end, offset, bias, loaded, unloaded, length, build_id, path = _MODULE.unpack(raw)
            found.append({"begin": begin, "end": end, "file_offset": offset, "load_bias": bias, "loaded_ns": loaded,
                          "unloaded_ns": unloaded, "build_id": build_id[:length].hex(), "path": _text(path)})
        return found

    @property
    def stacks(self):
        """All that there are: frames, the innermost first, and the numbers of tarn_record_stack by name."""
        size, at, _, count = self._section("stacks")
        frames_at = self.sections["frames"][1]
        found = []
        for number in range(count):
            raw = os.pread(self.fd, _STACK.size, at + number * size)
            stack = dict(zip(_STACK_NAMES, _STACK.unpack(raw)))
            frames = os.pread(self.fd, 8 * stack["depth"], frames_at + 8 * stack["first_frame"])
            stack["frames"] = struct.unpack(f"<{stack['depth']}Q", frames)
            at_peak = "peak" if stack["peak_at"] == self.header["peak_number"] else "live"
            stack["at_peak_bytes"] = stack[f"{at_peak}_bytes"]
            found.append(stack)
        return found

    @property
    def samples(self):
        """Those of live objects."""
        size, at, _, count = self._section("samples")
        found = []
        for number in range(count):
            raw = os.pread(self.fd, _SAMPLE.size, at + number * size)
            sample = dict(zip(_SAMPLE_NAMES, _SAMPLE.unpack(raw)))
            if sample["address"] and sample["sequence"] % 2 == 0:
                found.append(sample)
        return found

    def name(self, frame):
        """Of a frame that is one."""
        at = self.sections["names"][1] + (frame & 0xFFFFFFFF)
        length = struct.unpack("<H", os.pread(self.fd, 2, at))[0]
        return os.pread(self.fd, length, at + 2).decode(errors="replace")

    def script_frame(self, frame):
        """(function, file, line, whether it stands in the place of a native frame) of a frame of a script; None: it is none."""
        if frame >> 62 != 3:
            return None
        function, _, file = self.name(frame).partition("\t")
        return function, file, frame >> 32 & (1 << 29) - 1, bool(frame >> 61 & 1)

    @property
    def interpreters(self):
        """(name, whether its frames are in the stacks, note) of each that was found."""
        size, at, _, count = self._section("interpreters")
        found = []
        for i in range(count):
            raw = os.pread(self.fd, size, at + i * size)
            found.append((_text(raw[16:80]), struct.unpack_from("<I", raw, 8)[0] == 1, _text(raw[80:336])))
        return found

    def ask(self, bits, interval=0):
        """Sets bits of requests, as a tool does that is alone."""
        os.pwrite(self.fd, struct.pack("<Q", interval), INTERVAL_AT)
        os.pwrite(self.fd, struct.pack("<Q", bits | self.header["requests"]), REQUESTS_AT)
