#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Runs an example and compares its standard output with a file.

usage: check.py PROGRAM EXPECTED
"""
import difflib
import os
import shlex
import subprocess
import sys


def main():
    program, expected = sys.argv[1:]
    with open(expected, encoding="utf-8") as file:
        wanted = file.read()
    emulator = shlex.split(os.environ.get("MESON_EXE_WRAPPER", ""))  # for another machine's programs
    done = subprocess.run([*emulator, program], stdout=subprocess.PIPE, text=True, timeout=60, check=False)
    difference = list(difflib.unified_diff(wanted.splitlines(), done.stdout.splitlines(), "expected", "printed", lineterm=""))
    print("\n".join(difference) or "as expected")
    return 1 if difference or done.returncode else 0


if __name__ == "__main__":
    sys.exit(main())
