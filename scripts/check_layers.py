#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Checks that every file includes its own folder and those below it, nothing else (docs/layers.md).

usage: check_layers.py [--self-test] [ROOT]
"""
import os
import re
import sys
import tempfile

BELOW = {  # folder: the folders it may include besides its own
    "src/base": (),
    "src/pages": ("base",),
    "src/backend": ("pages", "base"),
    "src/heap": ("pages", "base"),
    "src/cache": ("heap", "pages", "base"),
    "src/stats": ("cache", "heap", "backend", "pages", "base"),
    "src/entry": ("stats", "cache", "heap", "backend", "pages", "base"),
    "src/api": ("entry", "stats", "cache", "heap", "backend", "pages", "base"),
    "preload": ("entry", "stats", "cache", "heap", "backend", "pages", "base"),
    "include/tarn": (),
}
# header: the files that may include it
ONLY = {"base/syscall.h": ("src/base/os.cpp", "src/base/os_facts.cpp", "src/base/os_files.cpp", "src/base/lock.cpp")}
SOURCE = (".h", ".hpp", ".c", ".cpp")
INCLUDE = re.compile(r'^\s*#\s*include\s*(?:"([^"]+)"|<(tarn/[^>]+)>)', re.MULTILINE)


def sources(root):
    for top in ("src", "preload", "include"):
        for folder, _, names in sorted(os.walk(os.path.join(root, top))):
            for name in sorted(names):
                if name.endswith(SOURCE):
                    yield os.path.relpath(os.path.join(folder, name), root)


def fault(file, header):
    """What is wrong with `file` including `header`, or None."""
    folder = os.path.dirname(file)
    if folder not in BELOW:
        return f"{file}: folder {folder} has no place in the layers"
    target = os.path.dirname(header)
    own = folder.removeprefix("src/").removeprefix("include/")
    if target == "tarn" or target in ("", own):
        allowed = True
    else:
        allowed = target in BELOW[folder]
    if header in ONLY and file not in ONLY[header]:
        allowed = False
    return None if allowed else f'{file}: includes "{header}"'


def faults(root):
    for file in sources(root):
        with open(os.path.join(root, file), encoding="utf-8") as text:
            headers = ["".join(pair) for pair in INCLUDE.findall(text.read())]
        for found in [fault(file, header) for header in headers or [""]]:
            if found:
                yield found


def self_test():
    """Each line must be found, or accepted, alone in a tree of its own."""
    cases = [("src/base/a.h", "pages/runs.h", 1), ("src/heap/a.h", "backend/backend.h", 1),
             ("src/api/a.cpp", "preload/a.h", 1), ("preload/a.cpp", "api/a.h", 1),
             ("include/tarn/a.h", "base/os.h", 1), ("src/pages/a.cpp", "base/syscall.h", 1),
             ("src/other/a.cpp", "base/os.h", 1), ("src/cache/a.cpp", "../entry/entry.h", 1),
             ("src/entry/a.cpp", "stats/stats.h", 0), ("src/base/os.cpp", "base/syscall.h", 0),
             ("src/stats/a.h", "tarn/tarn.h", 0), ("src/backend/a.cpp", "pages/runs.h", 0)]
    for file, header, expected in cases:
        with tempfile.TemporaryDirectory() as root:
            os.makedirs(os.path.join(root, os.path.dirname(file)))
            with open(os.path.join(root, file), "w", encoding="utf-8") as text:
                text.write(f'#pragma once\n#include "{header}"\n')
            if len(list(faults(root))) != expected:
                print(f'{file} including "{header}": expected {expected} fault(s)')
                return 1
    print(f"{len(cases)} cases judged as expected")
    return 0


def main():
    arguments = sys.argv[1:]
    if arguments == ["--self-test"]:
        return self_test()
    root = arguments[0] if arguments else os.path.join(os.path.dirname(__file__), "..")
    files, found = list(sources(root)), list(faults(root))
    print("\n".join(found) if found else f"{len(files)} files keep to their layers")
    return 1 if found or not files else 0


if __name__ == "__main__":
    sys.exit(main())
