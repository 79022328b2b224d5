#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""The benchmark of the two translators; scripts/bench-translator builds what it needs and starts it."""
import sys

from benchlib.translator import main

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
