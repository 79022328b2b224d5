# SPDX-License-Identifier: MIT
"""The command line of scripts/bench."""
import argparse
import os
import re
import sys
import time

from .drawing import plots
from .driving import allocators, drift, machine, micro, progress, workloads
from .driving.measure import Launcher
from .driving.session import Session, check_same
from .faults import Fault, status_of
from .results import compare, store, text
from .results import drift as drifted

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
ROUNDS = 5
QUICK_ROUNDS = 2
QUICK_BUDGET = 270.0  # seconds, of the five minutes that --quick promises
TABLE = os.path.join(ROOT, "bench", "workloads.json")
QUICK_TIMEOUT = 30.0
TIMEOUT = 120.0

HELP = """
examples:
  scripts/bench --quick                                  within 5 minutes
  scripts/bench --workloads group:servers,perl --allocators glibc,jemalloc,tarn
  scripts/bench --peer snmalloc=/opt/libsnmalloc.so --output mine.json
  scripts/bench --long --workloads drift                 how memory ages in 30 minutes
  scripts/bench --resume mine.json                       goes on where that run stopped
  scripts/bench --show mine.json --plot DIRECTORY        the tables and plots again
  scripts/bench --compare before.json after.json
  scripts/bench --micro --benchmark_filter=pair          micro-benchmarks under each allocator

Results go to build/bench-results/NAME.json, plots to NAME-plots beside them; docs/benchmark.md has the method."""


def words(text_):
    return [word for word in re.split(r"[,\s]+", text_) if word]


def parser():
    found = argparse.ArgumentParser(prog="scripts/bench", epilog=HELP, allow_abbrev=False,
                                    formatter_class=argparse.RawDescriptionHelpFormatter,
                                    description="Runs workloads under tarn and other allocators, in turns.")
    found.add_argument("--quick", action="store_true",
                       help=f"a part of the workloads, {QUICK_ROUNDS} rounds, ends within 5 minutes")
    found.add_argument("--long", action="store_true",
                       help=f"the load that drifts goes on for {drift.LONG_MINUTES} minutes instead of {drift.MINUTES}")
    found.add_argument("--rounds", type=int, metavar="N", help=f"rounds, at least {ROUNDS} unless --quick")
    found.add_argument("--workloads", type=words, default=[], metavar="A,B,group:G", help="these only")
    found.add_argument("--allocators", type=words, default=[], metavar="A,B", help="these only")
    found.add_argument("--peer", action="append", default=[], metavar="NAME=FILE.so",
                       help="one more allocator; may be given again")
    found.add_argument("--output", metavar="FILE.json", help="where results go")
    found.add_argument("--resume", metavar="FILE.json", help="goes on with a run that was stopped")
    found.add_argument("--plot", metavar="DIR", help="where plots go; otherwise to NAME-plots beside the results")
    found.add_argument("--show", metavar="FILE.json", help="prints the tables of a run again")
    found.add_argument("--compare", nargs=2, metavar=("A.json", "B.json"), help="what changed from A to B")
    found.add_argument("--list", action="store_true", help="lists workloads and allocators")
    found.add_argument("--table", default=TABLE, metavar="FILE",
                       help="another table of workloads")
    found.add_argument("--build", default=os.path.join(ROOT, "build"), metavar="DIR", help="the build directory")
    found.add_argument("--micro", nargs=argparse.REMAINDER, metavar="ARG",
                       help="micro-benchmarks; what follows goes to Google Benchmark")
    return found


def table_of(options):
    return workloads.load(options.table, os.path.abspath(options.build), ROOT)


def list_all(options):
    rows = [["workload", "group", "quick", "what it does"]]
    for one in table_of(options):
        why = one.missing()
        rows.append([one.name, one.group, "yes" if one.quick else "", one.title + (f" [{why}]" if why else "")])
    load, why = drift.workload(os.path.abspath(options.build), drift.MINUTES), drift.missing(options.build)
    rows.append([load.name, load.group, "", load.title + (f" [{why}]" if why else "")])
    print(text.table(rows, 4) + "\n")
    known = allocators.known(os.path.abspath(options.build), options.peer)
    print(text.table([["allocator", "what it is"], *([one.name, one.absent or one.version] for one in known)], 2))


def chosen_allocators(options, known):
    wanted = options.allocators
    if not wanted and options.quick:
        present = {one.name for one in known if not one.absent}
        peers = [word.partition("=")[0] for word in options.peer]
        wanted = [name for name in (*allocators.QUICK, *peers) if name in present]
    for one in known:
        if one.absent and not wanted:
            print(f"{one.name} is left out: {one.absent}", file=sys.stderr)
    return allocators.select(known, wanted)


def drift_is_due(options):
    """It is named, or no workload is and the run is a full one."""
    return drift.NAME in options.workloads or not (options.quick or options.workloads or options.table != TABLE)


def chosen_workloads(options):
    words_ = [word for word in options.workloads if word != drift.NAME]
    if options.workloads and not words_:
        return []
    found = workloads.select(table_of(options), words_)
    if options.quick and not options.workloads:
        found = [one for one in found if one.quick]
    if not found:
        raise Fault("the table has no workload for --quick")
    return found


def rounds_of(options):
    least = 1 if options.quick else ROUNDS
    rounds = options.rounds if options.rounds is not None else QUICK_ROUNDS if options.quick else ROUNDS
    if rounds < least:
        raise Fault(f"--rounds {rounds}: at least {least}" + ("" if options.quick else "; --quick takes fewer"))
    return rounds


def keep(path):
    """Results that are there are not lost: they may have taken an hour, or are what to compare with."""
    if os.path.exists(path):
        store.load(path)  # what is no results file must not be moved
        before = path.removesuffix(".json") + "-before.json"
        os.replace(path, before)
        print(f"the results that were there are {before} now", file=sys.stderr)


def begin(options, known):
    """(results, path, workloads, allocators) of a new run. What is wrong is said before anything else is."""
    listed, rounds = chosen_workloads(options), rounds_of(options)
    if options.long and not drift_is_due(options):
        raise Fault("--long is for the load that drifts, which this run leaves out: name drift among --workloads")
    if drift_is_due(options) and (why := drift.missing(os.path.abspath(options.build))):
        raise Fault(why)
    if options.output and not options.output.endswith(".json"):
        raise Fault(f"--output {options.output}: the name must end in .json")
    chosen = chosen_allocators(options, known)
    name = "quick" if options.quick else "full"
    path = options.output or os.path.join(options.build, "bench-results", f"{name}.json")
    name = os.path.basename(path).removesuffix(".json")
    keep(path)
    found = store.new(name, machine.facts(), rounds, options.quick, chosen, listed)
    if drift_is_due(options):
        found["drift"] = drift.planned(drift.LONG_MINUTES if options.long else drift.MINUTES)
    return found, path, listed, chosen


def go_on(options, known):
    """The same of a run that was stopped: its own choice of everything holds."""
    found = store.load(options.resume)
    for option in ("quick", "long", "rounds", "workloads", "allocators", "output"):
        if getattr(options, option):
            raise Fault(f"--resume takes what the run began with: leave --{option} out")
    present = [one for one in known if not one.absent]
    check_same(found, present)
    by_name = {one.name: one for one in present}
    listed = workloads.select(table_of(options), found["planned"]) if found["planned"] else []
    return found, options.resume, listed, [by_name[name] for name in store.names(found)]


def report(results):
    parts = [text.report(results)]
    if results.get("drift", {}).get("runs"):
        parts.append(drifted.report(results))
    return "\n\n".join(parts)


def run(options, started):
    known = allocators.known(os.path.abspath(options.build), options.peer)
    found, path, listed, chosen = (go_on if options.resume else begin)(options, known)
    quick = found["quick"]
    launcher = Launcher(os.path.abspath(options.build), QUICK_TIMEOUT if quick else TIMEOUT)
    deadline = started + QUICK_BUDGET if quick else None
    if quick:
        listed = workloads.interleaved(listed)
    try:
        if "drift" in found:
            drift.run(launcher, found, path, chosen, progress.Progress)
        if listed:
            Session(launcher, found, path, deadline).run(listed, chosen)
        else:
            found["complete"] = True
            store.store(path, found)
    except KeyboardInterrupt:
        print(f"\nstopped; go on with: scripts/bench --resume {path}", file=sys.stderr)
        return 130
    print(report(found))
    drawn = plots.write(found, options.plot or path.removesuffix(".json") + "-plots")
    print("\n".join([f"results: {path}", *(f"plot: {one}" for one in drawn)]), file=sys.stderr)
    return 0 if "drift" not in found or drifted.holds(found) else 1


def show(options):
    found = store.load(options.show)
    print(report(found))
    if options.plot:
        for path in plots.write(found, options.plot):
            print(f"plot: {path}", file=sys.stderr)


def run_micro(options):
    build = os.path.abspath(options.build)
    known = allocators.known(build, options.peer)
    chosen = chosen_allocators(options, known)
    rounds = options.rounds or (1 if options.quick else micro.ROUNDS)
    print(micro.report(*micro.run(micro.Micro(Launcher(build), build, options.micro), chosen, rounds)))
    return 0


def dispatch(options, started):
    if options.list:
        list_all(options)
    elif options.show:
        show(options)
    elif options.compare:
        print(compare.report(*map(store.load, options.compare)))
    elif options.micro is not None:
        return run_micro(options)
    else:
        return run(options, started)
    return 0


def main(arguments):
    # What the set-up took counts among the minutes of --quick.
    started = time.monotonic() - float(os.environ.pop("TARN_BENCH_SETUP_SECONDS", "0"))
    options = parser().parse_args(arguments)
    return status_of("bench", lambda: dispatch(options, started))
