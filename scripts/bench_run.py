#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""The benchmark driver; scripts/bench builds what it needs and starts it."""
import sys

from benchlib.cli import main

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
