#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Counts the instructions of an allocation and its release, the caller's loop included, and compares them
with fast_path.txt: one pair after another, and waves of many objects that are made and then freed.

    fast_path.py --library LIB.so --program PAIRS --compiler ID      compares
    fast_path.py ... --update                                        writes fast_path.txt anew

With the compiler that fast_path.txt names, no count may be larger than there; with another one, none may
exceed its limit. Exit status 77: valgrind is not installed."""
import argparse
import os
import re
import shutil
import subprocess
import sys
import tempfile

PATIENCE = float(os.environ.get("TEST_PATIENCE") or 1)  # of scripts/test: what time limits are multiplied by

GOLDEN = os.path.join(os.path.dirname(os.path.abspath(__file__)), "fast_path.txt")
LIMITS = {"malloc+free": 46, "new+delete": 48, "aligned+free": 56, "waves-of-1600": 125, "waves-of-400": 165}
PAIRS, WAVES = 3000 - 1000, 30 - 10  # pairs.cpp: what the longer counted pass does more
WAVES_VARY = 1  # with the address where windows lie
PASSES = 3
FUNCTIONS = ("count_malloc", "count_new", "count_aligned", "count_waves")


def pairs_of(case):
    waves = re.match(r"waves-of-(\d+) ", case)
    return WAVES * int(waves[1]) if waves else PAIRS


def instructions(path):
    """Of one dump of callgrind."""
    with open(path, encoding="ascii") as file:
        return int(re.search(r"^(?:summary|totals): (\d+)", file.read(), re.M)[1])


def measure(library, program):
    """{case: instructions per pair}"""
    with tempfile.TemporaryDirectory() as folder:
        command = ["valgrind", "--tool=callgrind", f"--callgrind-out-file={folder}/out", "--toggle-collect=count_*",
                   *(f"--dump-after={function}" for function in FUNCTIONS), program]
        environment = {name: value for name, value in os.environ.items() if not name.startswith("TARN_")}
        done = subprocess.run(command, env={**environment, "LD_PRELOAD": library}, timeout=240 * PATIENCE, check=False,
                              text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        cases = done.stdout.split("\n")[:-1]
        dumps = [f"{folder}/out.{number}" for number in range(1, PASSES * len(cases) + 1)]
        if done.returncode or not cases or not all(map(os.path.exists, dumps)):
            sys.exit(f"status {done.returncode}, {len(cases)} cases, {os.listdir(folder)}\n{done.stderr}")
        counts = [instructions(dump) for dump in dumps]
    return {case: (counts[PASSES * i + 2] - counts[PASSES * i + 1]) / pairs_of(case) for i, case in enumerate(cases)}


def write(counts, compiler):
    with open(GOLDEN, "w", encoding="ascii") as file:
        file.write("# Instructions per pair, 10 of them the loop and the jumps into the library; see fast_path.py.\n")
        file.write(f"compiler {compiler}\n")
        file.writelines(f"{case} {round(count) + WAVES_VARY if case.startswith('waves') else count:g}\n"
                        for case, count in counts.items())


def read():
    """(compiler, {case: count})"""
    with open(GOLDEN, encoding="ascii") as file:
        lines = [line.rsplit(" ", 1) for line in file.read().splitlines() if not line.startswith("#")]
    golden = dict(lines)
    return golden.pop("compiler"), {case: float(count) for case, count in golden.items()}


def compare(counts, compiler):
    """The number of faults."""
    known, golden = read()
    faults = 0
    if counts.keys() != golden.keys():
        print("the cases are not those of fast_path.txt: run with --update")
        faults += 1
    for case, count in counts.items():
        limit = LIMITS[case.split()[0]]
        allowed = min(golden.get(case, limit), limit) if compiler == known else limit
        verdict = "ok" if count == allowed or case.startswith("waves") and count <= allowed else "fewer" if count < allowed else "TOO MANY"
        faults += count > allowed
        print(f"{case:20} {count:8g}  {allowed:g} allowed  {verdict}")
    return faults


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--library", required=True)
    parser.add_argument("--program", required=True)
    parser.add_argument("--compiler", required=True, help="id and major version, as in fast_path.txt")
    parser.add_argument("--update", action="store_true")
    arguments = parser.parse_args()
    if not shutil.which("valgrind"):
        print("valgrind is not installed")
        return 77
    counts = measure(os.path.abspath(arguments.library), os.path.abspath(arguments.program))
    if arguments.update:
        write(counts, arguments.compiler)
        return 0
    return 1 if compare(counts, arguments.compiler) else 0


if __name__ == "__main__":
    sys.exit(main())
