#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Writes a source that includes others: a folder of src/ is then compiled as one file. The build calls it.

usage: whole_room.py OUTPUT SOURCE..."""
import os
import sys

# Warnings of names that one file has for itself and another uses otherwise, of types of a file's own in those of all, and of
# what g++ makes of more inlining. Each file by itself is compiled with them.
NOT_MEANT = ("-Wshadow",)
NOT_MEANT_BY_GCC = ("-Wsubobject-linkage", "-Wstringop-overflow")

IGNORED = '#pragma GCC diagnostic ignored "{}"\n'.format


def main():
    output, *sources = sys.argv[1:]
    with open(output, "w", encoding="utf-8") as file:
        file.writelines(map(IGNORED, NOT_MEANT))
        file.writelines(["#ifndef __clang__\n", *map(IGNORED, NOT_MEANT_BY_GCC), "#endif\n"])
        file.writelines(f'#include "{os.path.abspath(source)}"\n' for source in sources)


if __name__ == "__main__":
    main()
