#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Runs the load that drifts under tarn, without pauses, and fails when its memory ages more than it may.

usage: drift.py DRIFT LIBRARY
"""
import os
import re
import subprocess
import sys

STEPS = 1200
MOST = 1.65  # resident to live, at the end and over the second half
PATIENCE = float(os.environ.get("TEST_PATIENCE") or 1)


def main():
    program, library = map(os.path.abspath, sys.argv[1:])
    done = subprocess.run(["/usr/bin/env", f"LD_PRELOAD={library}", program, "--steps", str(STEPS)], text=True,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=280 * PATIENCE)
    found = {key: float(value) for key, value in re.findall(r"^(ratio\w*) ([\d.]+) ratio$", done.stdout, re.MULTILINE)}
    print(f"status {done.returncode}, {found}, at most {MOST}; {done.stderr}")
    curve = re.findall(r"^sample .*$", done.stdout, re.MULTILINE)
    print("\n".join(curve[::12]))
    whole = done.returncode == 0 and not done.stderr and set(found) == {"ratio", "ratio_half"} and len(curve) >= 300
    return 0 if whole and all(1 < value <= MOST for value in found.values()) else 1


if __name__ == "__main__":
    sys.exit(main())
