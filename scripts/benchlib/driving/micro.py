# SPDX-License-Identifier: MIT
"""Micro-benchmarks (bench/micro, Google Benchmark) under each allocator in turns, and their table."""
import json
import os
import re
import subprocess
import tempfile

from ..faults import Fault
from ..results.store import geometric_mean
from ..results.text import short, table
from . import measure
from .progress import Progress
from .session import turns

ROUNDS = 3
MIN_TIME = "--benchmark_min_time=0.05"  # a first argument: what the user gives comes later and holds
# The driver asks for these itself.
TAKEN = ("--benchmark_out", "--benchmark_out_format", "--benchmark_format", "--benchmark_list_tests")
TIMEOUT = 900.0
NANOSECONDS = {"ns": 1.0, "us": 1e3, "ms": 1e6, "s": 1e9}


def nanoseconds(report):
    """{name: nanoseconds per item} of a report of Google Benchmark."""
    found = {}
    for one in report["benchmarks"]:
        if one.get("run_type", "iteration") != "iteration" or one.get("error_occurred"):
            continue
        # Repetitions have one name; their least counts.
        if rate := one.get("items_per_second"):
            number = 1e9 / rate
        else:
            number = one["real_time"] * NANOSECONDS[one["time_unit"]]
        name = one["name"].replace("/real_time", "")
        found[name] = min(number, found.get(name, number))
    return found


class Micro:
    """bench/micro, started like a workload."""

    def __init__(self, launcher, build, arguments):
        self.launcher = launcher
        self.program = os.path.join(build, "bench", "micro")
        self.arguments = arguments
        if not os.access(self.program, os.X_OK):
            raise Fault(f"{self.program} is not built: it needs the package libbenchmark-dev")
        for argument in arguments:
            if argument.partition("=")[0] in TAKEN:
                raise Fault(f"{argument}: the table needs its own {argument.partition('=')[0]}")

    def run(self, allocator):
        """({name: nanoseconds}, ''), or ({}, what went wrong)."""
        with tempfile.TemporaryDirectory(prefix="bench-") as scratch, tempfile.TemporaryFile() as errors:
            result, report = os.path.join(scratch, "result.json"), os.path.join(scratch, "report.json")
            folder = os.path.join(scratch, "work")
            os.mkdir(folder)
            command = [self.launcher.program, "-o", result]
            if allocator.libraries:
                command += ["--preload", allocator.preload()]
            command += ["--", self.program, MIN_TIME, *self.arguments, f"--benchmark_out={report}",
                        "--benchmark_out_format=json"]
            status = measure.ended(command, TIMEOUT, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                                   stderr=errors, env=measure.environment(folder, allocator), cwd=folder)
            errors.seek(0)
            return self.judged(status, measure.read_json(result), report, errors.read().decode(errors="replace"))

    def judged(self, status, taken, report, errors):
        if status is None:
            return {}, "timeout"
        if measure.NOT_LOADED.search(errors):
            return {}, "not loaded"
        if status != 0 or not taken:
            return {}, f"not started: {errors.strip()}"
        if taken["signal"] or taken["status"]:
            if re.search(r"unrecognized|Failed to match", errors):
                raise Fault(f"bench/micro: {errors.strip()}")
            return {}, "crash" if taken["signal"] else f"exit {taken['status']}"
        with open(report, encoding="utf-8") as file:
            return nanoseconds(json.load(file)), ""


def run(micro, allocators, rounds):
    """({allocator: {name: least nanoseconds}}, {allocator: failure})."""
    found, failed = {one.name: {} for one in allocators}, {}
    progress = Progress(rounds * len(allocators))
    for number, order in turns(allocators, rounds):
        for allocator in order:
            progress.before("micro-benchmarks", allocator.name, number + 1, rounds)
            if allocator.name not in failed:
                numbers, failure = micro.run(allocator)
                if failure:
                    failed[allocator.name] = failure
                least = found[allocator.name]
                for name, value in numbers.items():
                    least[name] = min(value, least.get(name, value))
            progress.after()
    progress.finish()
    return found, failed


def report(found, failed):
    names = [name for name in found if name not in failed]
    benchmarks = list(dict.fromkeys(one for name in names for one in found[name]))
    lines = [f"{name}: {why}" for name, why in failed.items()]
    if not benchmarks:
        return "\n".join([*lines, "no micro-benchmark was run"])
    rows = [["nanoseconds", *names]]
    rows += [[one, *(short(found[name].get(one)) for name in names)] for one in benchmarks]
    whole = [one for one in benchmarks if all(one in found[name] for name in names)]
    best = {one: min(found[name][one] for name in names) for one in whole}
    rows.append(["geometric mean / best",
                 *(short(geometric_mean(found[name][one] / best[one] for one in whole)) for name in names)])
    return "\n".join(["Nanoseconds per item, the least of all rounds", table(rows), *lines])
