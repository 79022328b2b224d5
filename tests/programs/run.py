#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Runs real programs without tarn, then with each of its backends, hardened, guarded, then recorded and profiled: output, errors, exit status
and the files they leave must be the same, byte for byte, tarn's own counts must show that it served them, and their
records must read.

usage: run.py [--build DIR] [--backend NAME]... [--jobs N] [--list] [PROGRAM...]
"""
import argparse
import concurrent.futures
import hashlib
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass

from cases import CASES

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "support"))
import record_file  # noqa: E402  pylint: disable=wrong-import-position

PROFILED = "map, profiled"
HARDENED = "map, hardened"
GUARDED = "map, guarded"
BY_TURNS = [HARDENED, "mimalloc", "jemalloc", "system", PROFILED, GUARDED]
BACKENDS = ["map", *BY_TURNS]
TIMEOUT = 120 * float(os.environ.get("TEST_PATIENCE") or 1)  # seconds; each takes a few


@dataclass
class Outcome:
    status: object
    output: bytes
    errors: bytes
    files: dict


def environment(case, directory):
    return {"PATH": "/usr/local/bin:/usr/bin:/bin", "HOME": directory, "LC_ALL": "C.UTF-8", "TZ": "UTC",
            "PYTHONHASHSEED": "0", "PYTHONDONTWRITEBYTECODE": "1", **case.environment}


def execute(command, directory, variables):
    """Runs in a group of its own, of which nothing is left behind."""
    process = subprocess.Popen(command, cwd=directory, env=variables, stdin=subprocess.DEVNULL,
                               stdout=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=True)
    try:
        output, errors = process.communicate(timeout=TIMEOUT)
        return process.returncode, output, errors
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        output, errors = process.communicate()
        return f"none after {TIMEOUT:.0f} s (TEST_PATIENCE)", output, errors


def checksum(path):
    try:
        with open(path, "rb") as file:
            return hashlib.sha256(file.read()).hexdigest()
    except OSError:
        return "not there"


def run_case(case, variables):
    """In a new directory of the same depth each time, as `work`, which the program's output may name."""
    with tempfile.TemporaryDirectory(prefix="tarn-program-", ignore_cleanup_errors=True) as directory:
        work = os.path.join(directory, "work")
        os.mkdir(work)
        base = environment(case, work)
        fill = [word.replace("{here}", HERE) for word in case.command]
        if case.prepare:
            ready = [word.replace("{here}", HERE) for word in case.prepare]
            subprocess.run(ready, cwd=work, env=base, check=True, timeout=TIMEOUT)
        status, output, errors = execute(fill, work, {**base, **variables})
        files = {name: checksum(os.path.join(work, name)) for name in case.leaves}
        return Outcome(status, output.replace(directory.encode(), b"DIR"),
                       errors.replace(directory.encode(), b"DIR"), files)


def read_reports(directory):
    """Every report of every process: a file may hold several, when a process became another program."""
    reports = []
    for name in sorted(name for name in os.listdir(directory) if name.endswith(".json")):
        with open(os.path.join(directory, name), encoding="utf-8") as file:
            text = file.read().strip()
        while text:
            report, end = json.JSONDecoder().raw_decode(text)
            reports.append(report)
            text = text[end:].strip()
    return reports


def first_difference(name, expected, found):
    if expected == found:
        return None
    if not isinstance(expected, bytes):
        return f"{name}: {expected!r} without tarn, {found!r} with it"
    for number, (one, other) in enumerate(zip(expected.splitlines() + [b"(end)"],
                                              found.splitlines() + [b"(end)"]), 1):
        if one != other:
            return f"{name}, line {number}: {one[:200]!r} without tarn, {other[:200]!r} with it"
    return f"{name}: {len(expected)} bytes without tarn, {len(found)} with it"


def fault_of_reports(case, backend, reports, least_share):
    """What speaks against tarn having served the program; None when nothing does."""
    small = sum(report["totals"]["small_allocations"] for report in reports)
    total = sum(report["totals"]["allocations"] for report in reports)
    backends = {report["backend"] for report in reports}
    if small < case.allocations:
        return f"{small} small allocations in {len(reports)} reports, at least {case.allocations} expected"
    if small < least_share * total:
        return f"pool share {small / total:.3f}, at least {least_share} expected"
    if backends != {backend}:
        return f"backends in force: {sorted(backends)}"
    return None


# Of each program, by day: the largest; to find names and lines takes longer than most programs.
REPORTS_MOST = None if os.environ.get("TEST_LONG") else 8


def fault_of_records(case, directory, build):
    """What speaks against the records that the processes left; None when nothing does."""
    records = sorted((os.path.join(directory, "tarn", name) for name in os.listdir(os.path.join(directory, "tarn"))),
                     key=lambda path: -os.stat(path).st_blocks)
    command = os.path.join(build, "tarn")
    if not records:
        return "no record"
    for path in records[:REPORTS_MOST] if os.path.exists(command) else []:
        done = subprocess.run([command, "report", "--json", path], capture_output=True, check=False, timeout=TIMEOUT)
        if done.returncode or done.stderr:
            return f"tarn report: status {done.returncode}: {done.stderr[-300:]!r}"
        state = json.loads(done.stdout)["process"]["state"]
        if state not in ("ended", "executed", "killed"):
            return f"a record of a process that is gone says it is {state}"
    sampled = 0
    for path in records:
        with record_file.Record(path) as record:
            sampled += sum(stack["allocated_objects_1024"] for stack in record.stacks) / 1024
    # All of them in the mean; some end before they have a thread's first cold end.
    return None if sampled >= case.allocations // 2 else f"{sampled:.0f} allocations by samples in {len(records)} records"


def fault_under_tarn(case, backend, build, expected):
    with tempfile.TemporaryDirectory(prefix="tarn-reports-") as reports:
        watched = {}
        if backend == PROFILED:
            backend = "map"
            watched = {"TARN_PROFILE": "16k", "TARN_RECORD_KEEP": "1", "XDG_RUNTIME_DIR": reports}
        elif backend == HARDENED:
            backend = "map"
            watched = {"TARN_HARDENED": "1"}
        elif backend == GUARDED:
            backend = "map"
            watched = {"TARN_GUARD": "1/64"}
        libraries = [os.path.join(build, "libtarn.so")]
        if backend == "jemalloc":
            libraries.append(os.path.join(build, "libtarn-jemalloc.so"))
        found = run_case(case, {"LD_PRELOAD": ":".join(libraries), "TARN_BACKEND": backend,
                                "TARN_STATS": "json", "TARN_STATS_FILE": os.path.join(reports, "%p.json"), **watched})
        for name in ("status", "errors", "output", "files"):
            fault = first_difference(name, getattr(expected, name), getattr(found, name))
            if fault:
                return fault
        # While sampled, objects of more than 14 KiB become large blocks.
        sampled = "TARN_PROFILE" in watched
        share = 0 if sampled else case.least_share
        told = read_reports(reports)
        guarded = any(report["totals"]["guarded_allocations"] for report in told)
        if "TARN_GUARD" in watched and not guarded and case.allocations >= 10000:
            return "nothing was guarded"
        return fault_of_reports(case, backend, told, share) or (
            fault_of_records(case, reports, build) if sampled else None)


def missing_programs(case):
    return [name for name in [case.command[0], *case.needs] if not shutil.which(name)]


def judge(case, backends, build):
    """One line per backend: (name, verdict, why, seconds)."""
    missing = missing_programs(case)
    if missing:
        return [(case.name, "SKIP", f"not installed: {', '.join(missing)}", 0.0)]
    expected = run_case(case, {})
    lines = []
    for backend in backends:
        start = time.monotonic()
        name = f"{case.name} with {backend}"
        if backend in ("mimalloc", "jemalloc") and not os.path.exists(f"{build}/libtarn-{backend}.so"):
            lines.append((name, "SKIP", f"libtarn-{backend}.so was not built", 0.0))
            continue
        fault = f"status {expected.status} without tarn: {expected.errors[-300:]!r}" if expected.status else (
            fault_under_tarn(case, backend, build, expected))
        lines.append((name, "FAIL" if fault else "ok", fault or "", time.monotonic() - start))
    return lines


def judge_safely(case, backends, build):
    try:
        return judge(case, backends, build)
    except Exception as error:  # a broken report or preparation is a failure of this case, not of all
        return [(case.name, "FAIL", f"{type(error).__name__}: {error}", 0.0)]


def of_turn(number):
    """What case so many has by turns: two of six."""
    return ["map", *(BY_TURNS[(2 * number + number // 3 + k) % len(BY_TURNS)] for k in range(2))]


def run_all(cases, backends_of, build, jobs):
    counts = {"ok": 0, "FAIL": 0, "SKIP": 0}
    with concurrent.futures.ThreadPoolExecutor(jobs) as pool:
        for future in [pool.submit(judge_safely, case, backends_of(case), build) for case in cases]:
            for name, verdict, why, seconds in future.result():
                counts[verdict] += 1
                print(f"{verdict:4} {seconds:5.1f} s  {name}{': ' if why else ''}{why}", flush=True)
    print(f"{counts['ok']} passed, {counts['FAIL']} failed, {counts['SKIP']} skipped")
    return 1 if counts["FAIL"] or not counts["ok"] else 0


def main():
    parser = argparse.ArgumentParser(description="real programs under tarn")
    parser.add_argument("--build", default=os.path.join(HERE, "..", "..", "build"))
    parser.add_argument("--backend", action="append", help="one of " + ", ".join(BACKENDS))
    parser.add_argument("--turns", action="store_true", help="map, and of the others two of six for each program, by turns")
    parser.add_argument("--jobs", type=int, default=min(os.cpu_count() or 1, 4))
    parser.add_argument("--list", action="store_true", help="names only")
    parser.add_argument("program", nargs="*", help="all when none is named")
    arguments = parser.parse_args()
    cases = [case for case in CASES
             if (case.name in arguments.program if arguments.program else os.environ.get("TEST_LONG") or not case.nightly)]
    unknown = set(arguments.program) - {case.name for case in CASES}
    if unknown:
        parser.error(f"no such program: {', '.join(sorted(unknown))}")
    if arguments.list:
        print("\n".join(case.name for case in cases))
        return 0
    chosen = arguments.backend or BACKENDS

    def backends_of(case):
        return of_turn(CASES.index(case)) if arguments.turns else chosen

    return run_all(cases, backends_of, os.path.abspath(arguments.build), arguments.jobs)


if __name__ == "__main__":
    sys.exit(main())
