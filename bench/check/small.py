#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Runs a workload with little work, twice: both runs must print one line `work N unit`, the same.

usage: small.py COMMAND...                    a workload and its arguments
       small.py --faulty LIBRARY COMMAND...   with a faulty allocator preloaded: the workload must find the fault
"""
import os
import re
import signal
import subprocess
import sys

PATIENCE = float(os.environ.get("TEST_PATIENCE") or 1)  # of scripts/test: what time limits are multiplied by


def run(command, library=None):
    preload = [f"LD_PRELOAD={library}"] if library else []  # for the workload alone
    return subprocess.run(["/usr/bin/env", *preload, *command], text=True, timeout=60 * PATIENCE,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE)


def main():
    if sys.argv[1] == "--faulty":
        done = run(sys.argv[3:], sys.argv[2])
        print(f"status {done.returncode}: {done.stdout}{done.stderr}")
        # Found it is when it is said; another thread may meet it, too, before the process ends.
        return 0 if done.returncode in (1, -signal.SIGSEGV) and "fault: " in done.stderr else 1
    lines = []
    for _ in range(2):
        done = run(sys.argv[1:])
        found = re.findall(r"^work [1-9]\d* [a-z]+$", done.stdout, re.MULTILINE)
        odd = [line for line in done.stdout.splitlines()
               if not re.fullmatch(r"[a-z_]+ \d+(\.\d+)? \w+", line) and not line.startswith("sample ")]
        if done.returncode or done.stderr or odd or len(found) != 1:
            print(f"status {done.returncode}: {done.stdout}{done.stderr}")
            return 1
        lines += found
    print("\n".join(lines))
    return 0 if lines[0] == lines[1] else 1


if __name__ == "__main__":
    sys.exit(main())
