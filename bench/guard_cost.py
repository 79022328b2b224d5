#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""What an option of tarn's costs in programs: processor time and peak memory with it against without, the least of some runs
in turns.

usage: guard_cost.py LIBTARN.so [RUNS [NAME=VALUE]]        TARN_GUARD=1 unless another one is given
"""
import math
import os
import pathlib
import shutil
import subprocess
import sys

PROGRAMS = pathlib.Path(__file__).resolve().parent / "programs"
COMMANDS = {"python3": ["/usr/bin/python3", "-S", "{}/records.py"], "perl": ["perl", "{}/records.pl"],
            "ruby": ["ruby", "{}/records.rb"], "lua": ["lua", "{}/records.lua"], "php": ["php", "{}/records.php"],
            "sqlite3": ["sqlite3", "-batch", "-bail", ":memory:", ".read {}/tables.sql"],
            "g++": ["g++", "-std=c++20", "-O1", "-S", "-o", "-", "{}/templates.cpp"]}
SETTINGS = {"PYTHONMALLOC": "malloc", "USE_ZEND_ALLOC": "0", "PYTHONHASHSEED": "0", "PERL_HASH_SEED": "0"}


def take(command, environment):
    """(seconds of processor time, KiB at the peak)"""
    with subprocess.Popen(command, env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL) as process:
        _, status, used = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    assert process.returncode == 0, (command, process.returncode)
    return used.ru_utime + used.ru_stime, used.ru_maxrss


def main():
    library = os.path.abspath(sys.argv[1])
    runs = int(sys.argv[2]) if len(sys.argv) > 2 else 5
    name, _, value = (sys.argv[3] if len(sys.argv) > 3 else "TARN_GUARD=1").partition("=")
    kept = {key: text for key, text in os.environ.items() if not key.startswith("TARN_")}
    without = {**kept, **SETTINGS, "LD_PRELOAD": library}
    quotients = []
    for program, words in COMMANDS.items():
        if not shutil.which(words[0]):
            continue
        command = [word.format(PROGRAMS) for word in words]
        taken = {False: [], True: []}
        for run in range(2 * runs):
            option = run % 4 in (0, 3)
            taken[option].append(take(command, {**without, name: value} if option else without))
        (seconds, peak), (seconds_with, peak_with) = (map(min, zip(*taken[option])) for option in (False, True))
        quotients.append(seconds_with / seconds)
        print(f"{program:10} {seconds:7.3f} s  {quotients[-1]:.3f}  {peak:8} KiB {peak_with - peak:+6}", flush=True)
    print(f"mean of time {math.exp(sum(map(math.log, quotients)) / len(quotients)):.3f}")


if __name__ == "__main__":
    main()
