#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""What frames of scripts cost: the programs beside this file, in turns, under tarn without a profile, with one, and under
Python's own tracemalloc. Processor time, the least of some runs.

usage: cost.py LIBTARN [ROUNDS [SCALE [PYTHON]]]      programs run SCALE times as long: the start counts less
"""
import math
import os
import pathlib
import resource
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
WAYS = {
    "tarn": ({}, []),
    "profile": ({"TARN_PROFILE": "512k"}, []),
    "malloc": ({"PYTHONMALLOC": "malloc"}, []),
    "malloc, profile": ({"PYTHONMALLOC": "malloc", "TARN_PROFILE": "512k"}, []),
    "tracemalloc": ({}, ["-X", "tracemalloc"]),
    "tracemalloc 25": ({}, ["-X", "tracemalloc=25"]),
}
SLOW = 2  # rounds of what takes several times as long, where a thousandth does not matter
AGAINST = {"profile": "tarn", "malloc, profile": "malloc", "tracemalloc": "tarn", "tracemalloc 25": "tarn"}


def processor_time(command, environment):
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(command, env={**os.environ, **environment}, check=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def main():
    library, rounds = sys.argv[1], int(sys.argv[2]) if len(sys.argv) > 2 else 5
    scale = sys.argv[3] if len(sys.argv) > 3 else "1"
    python = sys.argv[4] if len(sys.argv) > 4 else "/usr/bin/python3"
    programs = sorted(path for path in HERE.glob("*.py") if path.name != "cost.py")
    logs = {way: 0 for way in AGAINST}
    print(f"{'':14}" + "".join(f"{way:>18}" for way in AGAINST), flush=True)
    for program in programs:
        took = {way: [] for way in WAYS}
        for number in range(rounds):
            for way, (environment, options) in (reversed if number % 2 else list)(list(WAYS.items())):
                if way.startswith("tracemalloc") and number >= SLOW:
                    continue
                with tempfile.TemporaryDirectory() as folder:
                    if "TARN_PROFILE" in environment:
                        environment = {**environment, "TARN_RECORD": folder + "/r"}
                    took[way].append(processor_time([python, *options, program, scale], {"LD_PRELOAD": library, **environment}))
        ratios = {way: min(took[way]) / min(took[base]) for way, base in AGAINST.items()}
        for way, ratio in ratios.items():
            logs[way] += math.log(ratio)
        print(f"{program.name:14}" + "".join(f"{ratio:18.3f}" for ratio in ratios.values()), flush=True)
    print(f"{'mean':14}" + "".join(f"{math.exp(log / len(programs)):18.3f}" for log in logs.values()))


if __name__ == "__main__":
    main()
