#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""The benchmark of the explicit interface; scripts/bench-api builds what it needs and starts it."""
import sys

from benchlib.api import main

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
