#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Checks each source file: at most 400 lines, and an SPDX line among the first two."""
import os
import sys

TOPS = ("src", "preload", "include", "tests", "bench", "docs", "scripts", ".ci")
KINDS = (".h", ".hpp", ".c", ".cpp", ".py", ".sh", ".pl", ".rb", ".lua", ".php", ".tcl", ".sql", ".js")
LINES_MAX = 400
SPDX = "SPDX-License-Identifier: MIT"
# Debian's formats, which have no comments.
BARE = tuple(f"scripts/debian/{name}" for name in ("changelog", "copyright", "source/format"))


def sources(root):
    for top in TOPS:
        for folder, _, names in sorted(os.walk(os.path.join(root, top))):
            for name in sorted(names):
                path = os.path.relpath(os.path.join(folder, name), root)
                if name.endswith(KINDS) or (top in ("scripts", ".ci") and "." not in name and path not in BARE):
                    yield os.path.join(folder, name)


def faults(path):
    with open(path, encoding="utf-8") as file:
        lines = file.read().splitlines()
    if len(lines) > LINES_MAX:
        yield f"{len(lines)} lines, {LINES_MAX} are allowed"
    if not any(SPDX in line for line in lines[:2]):
        yield f"no '{SPDX}' in the first two lines"


def main():
    root = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..")
    files = list(sources(root))
    found = [f"{os.path.relpath(path, root)}: {fault}" for path in files for fault in faults(path)]
    print("\n".join(found) if found else f"{len(files)} files")
    return 1 if found or not files else 0


if __name__ == "__main__":
    sys.exit(main())
