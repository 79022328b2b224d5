#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""scripts/run in a clone that was never built."""
import os
import shutil
import sys

from checks import ROOT, expect, main, run


def check_fresh_copy(directory):
    """a fresh copy, in a directory with a space in its name, builds and runs"""
    copy = os.path.join(directory, "a copy")
    shutil.copytree(ROOT, copy, ignore=shutil.ignore_patterns(".git", "build*", "__pycache__"))
    done = run([os.path.join(copy, "scripts", "run"), "/usr/bin/python3", "-c", "print('out')"], timeout=600,
               env={**os.environ, "XDG_CACHE_HOME": os.path.join(directory, "cache")})
    expect(done.returncode == 0 and done.stdout == "out\n" and "building" in done.stderr
           and "hit rate" in done.stderr, done)


if __name__ == "__main__":
    sys.exit(main(globals()))
