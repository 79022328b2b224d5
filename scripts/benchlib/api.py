# SPDX-License-Identifier: MIT
"""scripts/bench-api: the programs of bench/api (Google Benchmark). Each names its cases WHO/CASE, where WHO is tarn
or a peer; the table compares those of the same CASE."""
import argparse
import glob
import json
import os
import subprocess
import sys
import tempfile

from .driving import machine, measure, micro
from .driving.progress import Progress
from .faults import Fault, choose, status_of
from .results.store import geometric_mean, load, store
from .results.text import short, table

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
SCHEMA = 1
REPETITIONS = 9
MIN_TIME = 0.1  # seconds per repetition
QUICK_MIN_TIME = 0.01
TIMEOUT = 3600.0
SELF = "tarn"


def programs(build):
    """{name: path} of what is built: api_pool is the program of the part `pool`."""
    paths = [path for path in sorted(glob.glob(os.path.join(build, "bench", "api", "api_*"))) if os.path.isfile(path)]
    return {os.path.basename(path).removeprefix("api_"): path for path in paths if os.access(path, os.X_OK)}


def command(path, report, options):
    minimum = QUICK_MIN_TIME if options.quick else MIN_TIME
    return [path, "--benchmark_enable_random_interleaving=true", f"--benchmark_repetitions={options.repetitions}",
            f"--benchmark_min_time={minimum}", *([f"--benchmark_filter={options.filter}"] if options.filter else []),
            f"--benchmark_out={report}", "--benchmark_out_format=json"]


def environment(folder):
    inherited = {key: os.environ[key] for key in measure.INHERITED if key in os.environ}
    return {**inherited, "LC_ALL": "C.UTF-8", "TMPDIR": folder}


def run(path, options):
    """({WHO/CASE: least nanoseconds}, {WHO/CASE: fault}) of one program."""
    with tempfile.TemporaryDirectory(prefix="bench-") as scratch, tempfile.TemporaryFile() as errors:
        report = os.path.join(scratch, "report.json")
        status = measure.ended(command(path, report, options), TIMEOUT, stdin=subprocess.DEVNULL,
                               stdout=subprocess.DEVNULL, stderr=errors, cwd=scratch, env=environment(scratch))
        errors.seek(0)
        said = errors.read().decode(errors="replace").strip()
        found = measure.read_json(report) if status == 0 and os.path.getsize(report) else None
    if status == 0 and found is None and options.filter and "match" in said:
        return {}, {}  # the filter leaves nothing of this program
    if status != 0 or found is None:
        raise Fault(f"{os.path.basename(path)}: {'timeout' if status is None else f'status {status}'}: {said[-500:]}")
    in_order(found)
    return micro.nanoseconds(found), faults(found)


def in_order(report):
    """As the program registers them: repetitions were written as they came by chance."""
    report["benchmarks"].sort(key=lambda one: (one.get("family_index", 0), one.get("per_family_instance_index", 0)))


def faults(report):
    return {one["name"]: one.get("error_message", "") for one in report["benchmarks"] if one.get("error_occurred")}


def paired(times):
    """{CASE: {WHO: nanoseconds}}, in the order of their first appearance."""
    cases = {}
    for name, nanoseconds in times.items():
        who, slash, case = name.partition("/")
        if slash:
            cases.setdefault(case, {})[who] = nanoseconds
    return cases


def peers(cases):
    """Everybody but tarn, in the order of their first appearance."""
    return [who for who in dict.fromkeys(who for times in cases.values() for who in times) if who != SELF]


def compared(cases):
    """The cases that tarn and at least one other have."""
    return {case: times for case, times in cases.items() if SELF in times and len(times) > 1}


def mean(cases, who):
    """How many times tarn's time `who` takes: over the cases that both have."""
    return geometric_mean(times[who] / times[SELF] for times in cases.values() if who in times)


def part_report(name, part):
    cases, failed = part["cases"], part["faults"]
    shown = compared(cases)
    lines = []
    if shown:
        others = peers(shown)
        rows = [[name, "tarn, ns", SELF, *others]]
        for case, times in shown.items():
            rows.append([case, short(times[SELF]), "1",
                         *(short(times[who] / times[SELF]) if who in times else "-" for who in others)])
        rows.append(["geometric mean", "", "1", *(short(mean(shown, who)) for who in others)])
        lines.append(table(rows))
    alone = {case: times for case, times in cases.items() if case not in shown}
    if alone:
        rows = [[f"{name}, nobody to compare with", "ns"]]
        rows += [[f"{who}/{case}", short(time)] for case, times in alone.items() for who, time in times.items()]
        lines.append(table(rows))
    lines += [f"{case}: {why}" for case, why in failed.items()]
    return "\n\n".join(lines) or f"{name}: nothing was run"


def report(results):
    head = ("Time relative to tarn's (1; more is slower than tarn): the least of "
            f"{results['repetitions']} interleaved repetitions")
    return "\n\n".join([head, *(part_report(name, part) for name, part in results["parts"].items())])


def measured(options):
    built = programs(os.path.abspath(options.build))
    if not built:
        raise Fault("no program of bench/api is built: they need the package libbenchmark-dev")
    choose("part", options.parts, list(built))
    chosen = options.parts or list(built)
    found = {"schema": SCHEMA, "quick": options.quick, "repetitions": options.repetitions, "machine": machine.facts(),
             "parts": {}}
    progress = Progress(len(chosen))
    for name in chosen:
        progress.before(f"bench/api, {name}", "all in turns", 1, 1)
        times, failed = run(built[name], options)
        found["parts"][name] = {"cases": paired(times), "faults": failed}
        progress.after()
    progress.finish()
    return found


def parser():
    found = argparse.ArgumentParser(prog="scripts/bench-api", allow_abbrev=False,
                                    description="Runs the benchmarks of the explicit interface against its peers.")
    found.add_argument("parts", nargs="*", metavar="PART", help="these only: arena, pool, ...")
    found.add_argument("--quick", action="store_true", help="shorter repetitions; less exact")
    found.add_argument("--repetitions", type=int, default=REPETITIONS, metavar="N", help=f"at least {REPETITIONS}")
    found.add_argument("--filter", metavar="REGEX", help="only benchmarks whose name has a match")
    found.add_argument("--json", action="store_true", help="prints the results as JSON, not as tables")
    found.add_argument("--output", metavar="FILE.json", help="where results go, too")
    found.add_argument("--show", metavar="FILE.json", help="prints the tables of a run again")
    found.add_argument("--build", default=os.path.join(ROOT, "build"), metavar="DIR", help="another build directory")
    return found


def perform(options):
    if options.repetitions < REPETITIONS:
        raise Fault(f"--repetitions {options.repetitions}: at least {REPETITIONS}")
    results = load(options.show, "bench-api", SCHEMA, "parts") if options.show else measured(options)
    if not options.show:
        store(options.output or os.path.join(options.build, "bench-results", "api.json"), results)
    if options.json:
        json.dump(results, sys.stdout, indent=1)
        print()
    else:
        print(report(results))
    failed = any(part["faults"] for part in results["parts"].values())
    return 1 if failed else 0


def main(arguments):
    options = parser().parse_args(arguments)
    return status_of("bench-api", lambda: perform(options))
