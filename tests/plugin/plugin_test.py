#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Runs plugin_user under tarn with one backend and checks its exit status and all of standard error.

usage: plugin_test.py --library LIB --user PROGRAM --plugin PATH --fact NAME [--mode MODE] [--says PATTERN]
Without --says, standard error must be empty; with it, it must be one line that the pattern matches."""

import argparse
import os
import re
import subprocess
import sys

PATIENCE = float(os.environ.get("TEST_PATIENCE") or 1)  # of scripts/test: what time limits are multiplied by


def main():
    parser = argparse.ArgumentParser()
    for name in ("library", "user", "plugin", "fact"):
        parser.add_argument("--" + name, required=True)
    parser.add_argument("--mode", default="")
    parser.add_argument("--says")
    options = parser.parse_args()
    environment = {name: value for name, value in os.environ.items() if not name.startswith("TARN_")}
    environment.update(LD_PRELOAD=options.library, TARN_BACKEND=options.plugin, PLUGIN_MODE=options.mode)
    done = subprocess.run([options.user, options.fact, options.plugin], env=environment, text=True,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=120 * PATIENCE, check=False)
    sys.stdout.write(done.stdout + done.stderr)
    if done.returncode != 0:
        sys.exit(f"exit status {done.returncode}")
    if options.says is None and done.stderr:
        sys.exit("standard error is not empty")
    if options.says is not None and not re.fullmatch(options.says, done.stderr.removesuffix("\n")):
        sys.exit(f"standard error is not one line like: {options.says}")


if __name__ == "__main__":
    main()
