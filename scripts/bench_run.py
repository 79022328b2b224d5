#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Runs one of the benchmarks; the script of the same name builds what it needs and starts this.

usage: bench_run.py bench|bench-api|bench-translator|bench-waste [ARGUMENT...]
"""
import sys

from benchlib import api, cli, translator, waste

MAINS = {"bench": cli.main, "bench-api": api.main, "bench-translator": translator.main,
         "bench-waste": waste.main}

if __name__ == "__main__":
    sys.exit(MAINS[sys.argv[1]](sys.argv[2:]))
