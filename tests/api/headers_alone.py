#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Compiles each C header of include/tarn alone, as strict C99 without a warning.

usage: headers_alone.py COMPILER

Status 77, which Meson shows as skipped: the compiler is not installed.
"""
import pathlib
import shutil
import subprocess
import sys

INCLUDE = pathlib.Path(__file__).resolve().parents[2] / "include"
FLAGS = ["-std=c99", "-pedantic", "-Wall", "-Wextra", "-Werror", "-fsyntax-only"]


def main():
    compiler = sys.argv[1]
    if not shutil.which(compiler):
        print(f"skipped: {compiler} is not installed")
        return 77
    failed = 0
    for header in sorted(INCLUDE.glob("tarn/*.h")):
        source = f'#include "tarn/{header.name}"\n'
        done = subprocess.run([compiler, *FLAGS, f"-I{INCLUDE}", "-x", "c", "-"], input=source, text=True,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=60, check=False)
        print(f"{'failed' if done.returncode else 'fine'}: {header.name}\n{done.stdout[:2000]}", end="")
        failed += done.returncode != 0
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
