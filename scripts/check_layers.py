#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Checks that every file includes its own room and those below it, nothing else, that no files include each other
in a circle, and that no room is crowded (docs/layers.md).

usage: check_layers.py [--self-test] [--draw] [ROOT]

--draw prints the rooms and who includes whom, for docs/layers.md.
"""
import collections
import os
import re
import sys
import tempfile

_BACKEND = ("backend/ranges", "backend/map", "backend/guarded", "backend/modules")
_BELOW_STATS = ("cache", "hardened", "mixed", "backend", "heap", "pages", "base", "os")
_BELOW_ENTRY = ("process", "export", "stats", "seam", "report", "metrics", *_BELOW_STATS)
_API = ("entry", "scan", *_BELOW_ENTRY)
_READER = ("reader", "reader/formats", "reader/live", "reader/symbols", "reader/views")
BELOW = {  # room: the rooms it may include besides its own, from the ground up
    "src/os": (),
    "src/scan": (),
    "src/unwind": ("os",),
    "src/names": (),
    "src/base": ("names", "os"),
    "src/metrics": (),
    "src/report": ("metrics", "base"),
    "src/pages": ("base", "os"),
    "src/backend/ranges": ("base", "os"),
    "src/backend/map": ("backend/ranges", "pages", "base", "os"),
    "src/backend/guarded": ("backend/map", "backend/ranges", "pages", "base", "os"),
    "src/backend/modules": ("base", "os"),
    "src/backend": (*_BACKEND, "pages", "base", "os"),
    "src/heap": ("pages", "base", "os"),
    "src/mixed": ("heap", "pages", "base", "os"),
    "src/hardened": ("mixed", "heap", "pages", "base", "os"),
    "src/cache": ("hardened", "mixed", "heap", "pages", "base", "os"),
    "src/check": ("cache", "hardened", "mixed", "heap", "pages", "base", "os"),
    "src/seam": ("cache", "base", "os"),
    "src/stats": ("seam", *_BELOW_STATS),
    "src/export": ("stats", "seam", "report", "base", "os"),
    "src/process": ("export", "stats", "seam", *_BELOW_STATS),
    "src/record/file": ("seam", "base", "os"),
    "src/record": ("record/file", "seam", "cache", "heap", "pages", "base", "os"),
    "src/profile": ("unwind", "record", "record/file", "seam", "cache", "hardened", "mixed", "heap", "pages", "base", "os"),
    "src/guard": ("profile", "unwind", "record", "record/file", "seam", "cache", "heap", "pages", "base", "os"),
    "src/host": ("seam", "process", "export", "stats", "backend/modules", *_BELOW_STATS),
    "src/entry": _BELOW_ENTRY,
    "src/api": _API,
    **{f"src/api/{part}": _API for part in ("arena", "batch", "buffer", "heap", "interner", "metrics", "pool", "string")},
    "preload": _BELOW_ENTRY + ("entry", "host"),
    # Tools: apart from the allocator, of which they use the installed headers alone.
    "src/follow": (),
    "src/reader/symbols": (),
    "src/reader": ("reader/symbols",),
    "src/reader/formats": ("reader", "reader/symbols"),
    "src/reader/views": ("reader", "reader/symbols"),
    "src/measure": (),
    "src/reader/live": ("reader", "reader/symbols"),
    "src/cli/common": (),
    "src/cli/report": ("cli/common", *_READER),
    "src/cli/top": ("cli/common", *_READER),
    # The list of metrics is headers alone.
    "src/cli/export": ("cli/common", "metrics", *_READER),
    "src/cli/report/html": ("cli/report", "cli/common", *_READER),
    "src/cli/allocators": ("cli/program", "measure"),
    "src/cli/compare": ("cli/common", "cli/allocators", "cli/program", "measure"),
    "src/cli/program": ("cli/common", "reader"),
    "src/cli/run": ("cli/common", "cli/program", "cli/report", "follow", "measure", *_READER),
    "src/cli/trim": ("cli/common", *_READER),
    "src/cli/doctor": ("cli/common", "cli/program", "cli/allocators", "measure", "names", *_READER),
    "src/cli": ("cli/common", "cli/compare", "cli/doctor", "cli/export", "cli/report", "cli/report/html", "cli/run", "cli/top",
                "cli/trim"),
    # Modules for interpreters: clients of tarn/frames.h.
    "src/frames": (),
    "src/pch": (),
    "include/tarn": (),
}
CROWDED = 16  # files in one room of src
# header: the files that may include it
ONLY = {"os/syscall.h": ("src/os/os.cpp", "src/os/facts.cpp", "src/os/files.cpp", "src/os/guard.cpp",
                         "src/os/lock.cpp", "src/os/shared_file.cpp")}
SOURCE = (".h", ".hpp", ".c", ".cpp")
INCLUDE = re.compile(r'^\s*#\s*include\s*(?:"([^"]+)"|<(tarn/[^>]+)>)', re.MULTILINE)


def sources(root):
    for top in ("src", "preload", "include"):
        for folder, _, names in sorted(os.walk(os.path.join(root, top))):
            for name in sorted(names):
                if name.endswith(SOURCE):
                    yield os.path.relpath(os.path.join(folder, name), root)


def headers(root, file):
    with open(os.path.join(root, file), encoding="utf-8") as text:
        return ["".join(pair) for pair in INCLUDE.findall(text.read())]


def name_of(folder):
    return folder.removeprefix("src/").removeprefix("include/")


def fault(file, header):
    """What is wrong with `file` including `header`, or None."""
    folder = os.path.dirname(file)
    if folder not in BELOW:
        return f"{file}: folder {folder} has no place in the layers"
    target = os.path.dirname(header)
    allowed = target in ("tarn", "", name_of(folder)) or target in BELOW[folder]
    if header in ONLY and file not in ONLY[header]:
        allowed = False
    return None if allowed else f'{file}: includes "{header}"'


def circles(includes):
    """The circles in `includes` (file: the files it includes), each once, as lists of files."""
    done, path, found = set(), [], []

    def visit(file):
        if file in path:
            found.append(path[path.index(file):] + [file])
            return
        if file in done:
            return
        path.append(file)
        for included in includes.get(file, ()):
            visit(included)
        done.add(path.pop())

    for file in includes:
        visit(file)
    return found


def crowded(files):
    counts = collections.Counter(os.path.dirname(file) for file in files if file.startswith("src/"))
    return [f"{folder}: {count} files, more than {CROWDED}" for folder, count in counts.items() if count > CROWDED]


def faults(root):
    files = list(sources(root))
    paths = {name_of(file): file for file in files}
    includes = {}
    for file in files:
        included = headers(root, file)
        includes[file] = [paths[header] for header in included if header in paths]
        yield from filter(None, [fault(file, header) for header in included or [""]])
    for circle in circles(includes):
        yield "a circle: " + " -> ".join(circle)
    yield from crowded(files)


def draw(root):
    """A line for each room: what it includes, from the top down."""
    edges = collections.defaultdict(set)
    for file in sources(root):
        room = name_of(os.path.dirname(file))
        edges[room].update(os.path.dirname(header) for header in headers(root, file))
    order = [name_of(folder) for folder in BELOW if folder != "include/tarn"]
    for room in reversed(order):
        below = [other for other in reversed(order) if other in edges[room] and other != room]
        print(f"{room:16} -> {' '.join(below)}".rstrip(" ->") if not below else f"{room:16} -> {' '.join(below)}")


def self_test():
    """Each line must be found, or accepted, alone in a tree of its own."""
    cases = [("src/os/a.h", "pages/runs.h", 1), ("src/heap/a.h", "backend/backend.h", 1),
             ("src/api/a.cpp", "preload/a.h", 1), ("preload/a.cpp", "api/a.h", 1),
             ("src/api/pool/a.cpp", "api/heap/a.h", 1), ("src/backend/map/a.cpp", "backend/blocks.h", 1),
             ("src/report/a.cpp", "stats/stats.h", 1), ("src/scan/a.cpp", "base/text.h", 1),
             ("include/tarn/a.h", "os/os.h", 1), ("src/pages/a.cpp", "os/syscall.h", 1),
             ("src/other/a.cpp", "os/os.h", 1), ("src/cache/a.cpp", "../entry/entry.h", 1),
             ("src/pages/a.h", "pages/a.h", 1), ("src/entry/a.cpp", "stats/stats.h", 0),
             ("src/os/os.cpp", "os/syscall.h", 0), ("src/stats/a.h", "tarn/tarn.h", 0),
             ("src/backend/a.cpp", "pages/runs.h", 0), ("src/reader/a.cpp", "base/text.h", 1),
             ("src/reader/symbols/a.h", "reader/record.h", 1), ("src/cli/report/a.cpp", "reader/record.h", 0),
             ("src/cli/doctor/a.cpp", "names/spelling.h", 0), ("src/cli/doctor/a.cpp", "base/text.h", 1)]
    for file, header, expected in cases:
        with tempfile.TemporaryDirectory() as root:
            os.makedirs(os.path.join(root, os.path.dirname(file)))
            with open(os.path.join(root, file), "w", encoding="utf-8") as text:
                text.write(f'#pragma once\n#include "{header}"\n')
            if len(list(faults(root))) != expected:
                print(f'{file} including "{header}": expected {expected} fault(s)')
                return 1
    if len(circles({"a": ["b"], "b": ["c", "d"], "c": ["a"], "d": []})) != 1:
        print("a circle of three files was not found once")
        return 1
    if len(crowded([f"src/os/{i}.h" for i in range(CROWDED + 1)])) != 1:
        print("a crowded folder was not found")
        return 1
    print(f"{len(cases) + 2} cases judged as expected")
    return 0


def main():
    arguments = sys.argv[1:]
    if arguments == ["--self-test"]:
        return self_test()
    drawing = arguments[:1] == ["--draw"]
    root = arguments[-1] if len(arguments) > drawing else os.path.join(os.path.dirname(__file__), "..")
    if drawing:
        draw(root)
        return 0
    files, found = list(sources(root)), list(faults(root))
    print("\n".join(found) if found else f"{len(files)} files keep to their layers")
    return 1 if found or not files else 0


if __name__ == "__main__":
    sys.exit(main())
