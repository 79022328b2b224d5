# SPDX-License-Identifier: MIT
"""scripts/bench-translator: the translators of bench/translator in turns, each run a process of its own."""
import argparse
import json
import os
import subprocess
import sys
import tempfile

from .driving import allocators, machine, measure
from .driving.progress import Progress
from .driving.session import turns
from .faults import Fault, status_of
from .results.store import load, store
from .results.text import short, table

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
SCHEMA = 1
SIZES = (10, 100, 1000)
THREADS = (1, 2)
TURNS = 9
QUICK_TURNS = 3
TRANSLATED = 2000  # files per process, in as many rounds as that takes; three rounds at the least
TIMEOUT = 300.0
METRICS = ("first", "least", "processor", "peak", "allocations")
# Name: program, option, whether tarn is preloaded.
VARIANTS = {"plain, glibc": ("translate_plain", "--plain", False),
            "plain, tarn's malloc": ("translate_plain", "--plain", True),
            "tarn's interface": ("translate", "--tarn", False)}
BASE, SELF = "plain, glibc", "tarn's interface"


def command(build, variant, files, threads):
    program, option, _ = VARIANTS[variant]
    rounds = max(3, TRANSLATED // files)
    return [os.path.join(build, "bench", "translator", program), option, "--files", str(files), "--threads",
            str(threads), "--rounds", str(rounds)]


def run(build, variant, files, threads):
    """The numbers that one process prints; the peak is what the kernel says of it."""
    with tempfile.TemporaryDirectory(prefix="bench-") as scratch, tempfile.TemporaryFile() as output, \
            tempfile.TemporaryFile() as errors:
        result = os.path.join(scratch, "result.json")
        words = [os.path.join(build, "bench", "measure"), "-o", result]
        if VARIANTS[variant][2]:
            words += ["--preload", os.path.join(build, "libtarn.so")]
        status = measure.ended([*words, "--", *command(build, variant, files, threads)], TIMEOUT,
                               stdin=subprocess.DEVNULL, stdout=output, stderr=errors, cwd=scratch,
                               env=measure.environment(scratch, allocators.Allocator(variant)))
        taken = measure.read_json(result)
        output.seek(0)
        errors.seek(0)
        said = errors.read().decode(errors="replace").strip()
        if status != 0 or not taken or taken["signal"] or taken["status"]:
            raise Fault(f"{variant}, {files} files: {said or 'it did not end well'}")
        work, numbers = measure.printed(output.read().decode(errors="replace"))
    found = {key: numbers[key][0] for key in METRICS if key in numbers}
    return {**found, "peak": taken["peak_kib"], "work": work[0]}


def better(before, now):
    """Of all turns the least time; peak and allocations likewise, since both only vary upwards."""
    return {key: min(value, before.get(key, value)) for key, value in now.items()}


def measured(build, sizes, threads, count, one=run, progress=Progress):
    """[{files, threads, variants: {name: numbers}}]"""
    cases = [{"files": files, "threads": used, "variants": {}} for used in threads for files in sizes]
    shown = progress(len(cases) * count * len(VARIANTS))
    for case in cases:
        for number, order in turns(list(VARIANTS), count):
            for variant in order:
                shown.before(f"{case['files']} files, {case['threads']} threads", variant, number + 1, count)
                now = one(build, variant, case["files"], case["threads"])
                case["variants"][variant] = better(case["variants"].get(variant, {}), now)
                shown.after()
        check_work(case)
    shown.finish()
    return cases


def check_work(case):
    written = {variant: numbers["work"] for variant, numbers in case["variants"].items()}
    if len(set(written.values())) != 1:
        raise Fault(f"{case['files']} files: the translators wrote different amounts of C: {written}")


def ratio(case, metric, variant):
    """How many times better than BASE."""
    return case["variants"][BASE][metric] / case["variants"][variant][metric]


def report(results):
    rows = [["files", "threads", "plain, ms", "peak, MiB", *(f"{name}: {title}" for name in list(VARIANTS)[1:]
                                                          for title in ("time", "first", "peak")), "allocations/file"]]
    for case in results["cases"]:
        base, mine = case["variants"][BASE], case["variants"][SELF]
        rows.append([str(case["files"]), str(case["threads"]), short(base["least"]), short(base["peak"] / 1024),
                     *(cell for name in list(VARIANTS)[1:]
                       for cell in (short(ratio(case, "least", name)), short(ratio(case, "first", name)),
                                    f"{100 / ratio(case, 'peak', name) - 100:+.0f}%")),
                     short(mine.get("allocations"))])
    return "\n".join([
        "Plain translator under glibc's malloc (least time of a translation, peak memory of the process),",
        "and how many times faster the others are: least time of all rounds (time), of first rounds (first);",
        "and their peak memory beside it", "", table(rows)])


def numbers_of(word):
    found = [int(part) for part in word.split(",")]
    if min(found) < 1:
        raise ValueError(word)
    return found


def parser():
    found = argparse.ArgumentParser(prog="scripts/bench-translator", allow_abbrev=False,
                                    description="A translator written plainly, and with tarn's interface, in turns.")
    found.add_argument("--files", type=numbers_of, default=list(SIZES), metavar="N,N", help="sizes of the project")
    found.add_argument("--threads", type=numbers_of, default=list(THREADS), metavar="N,N")
    found.add_argument("--turns", type=int, metavar="N", help=f"processes of each; {TURNS} unless given")
    found.add_argument("--quick", action="store_true", help=f"{QUICK_TURNS} turns")
    found.add_argument("--json", action="store_true", help="prints the results as JSON, not as a table")
    found.add_argument("--output", metavar="FILE.json", help="where results go, too")
    found.add_argument("--show", metavar="FILE.json", help="prints the table of a run again")
    found.add_argument("--build", default=os.path.join(ROOT, "build"), metavar="DIR", help="another build directory")
    return found


def perform(options):
    if options.show:
        results = load(options.show, "bench-translator", SCHEMA, "cases")
    else:
        count = options.turns or (QUICK_TURNS if options.quick else TURNS)
        build = os.path.abspath(options.build)
        results = {"schema": SCHEMA, "turns": count, "machine": machine.facts(),
                   "cases": measured(build, options.files, options.threads, count)}
        store(options.output or os.path.join(options.build, "bench-results", "translator.json"), results)
    if options.json:
        json.dump(results, sys.stdout, indent=1)
        print()
    else:
        print(report(results))
    return 0


def main(arguments):
    options = parser().parse_args(arguments)
    return status_of("bench-translator", lambda: perform(options))
