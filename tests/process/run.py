#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Runs the facts of facts/*.txt under an allocator and judges exit status and standard error.

    run.py --library LIB.so --programs DIR --fact GROUP/NAME     one fact, as Meson does
    run.py --library LIB.so --programs DIR [--only REGEX]        all of them, one line each
    run.py --library LIB.so --programs DIR --jobs N [--only ...] the same, N at once, for scripts/test
    run.py --library A.so --library B.so --programs DIR --table  a table of who fails what

LIB.so is preloaded; "none" stands for glibc alone. A library that does not export tarn_version is a
peer: facts marked `tarn` are left out, and a program that must die may die by any signal, saying anything.
"""
import argparse
import os
import pathlib
import re
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
import facts  # noqa: E402
import harness  # noqa: E402
import side_by_side  # noqa: E402


def judge(fact, context):
    """The verdict on one fact: (word, explanation)."""
    if fact.needs_root and os.geteuid() != 0:
        return "skip", "needs root"
    if fact.tarn_only and not context.is_tarn:
        return "-", "about tarn alone"
    if fact.absent_glibc and context.library is None:
        return "-", "glibc has no library file"
    try:
        if fact.scenario:
            context.scenario(fact)
            return "pass", ""
        return harness.verdict(fact, context.run_fact(fact), context)
    except harness.Skip as why:
        return "skip", str(why)
    except PermissionError as why:
        if os.geteuid() != 0 or not str(why.filename).startswith(str(context.programs)):
            raise
        return "skip", f"lies where another user may not run it: {why.filename}"
    except AssertionError as why:
        return "FAIL", str(why) or "assertion"


def run_one(fact, context):
    word, why = judge(fact, context)
    print(f"{fact.full_name}: {word} {why}")
    return {"pass": 0, "skip": 77}.get(word, 1)


def run_all(chosen, context):
    failed = 0
    for fact in chosen:
        word, why = judge(fact, context)
        failed += word == "FAIL"
        print(f"{word:4} {fact.full_name:70} {why.splitlines()[0][:120] if why else ''}", flush=True)
    print(f"{len(chosen)} facts, {failed} failed")
    return 1 if failed else 0


def run_table(chosen, contexts):
    """Markdown: one row per fact that at least one library fails."""
    names = [context.name for context in contexts]
    print("| fact | " + " | ".join(names) + " |")
    print("|---" * (len(names) + 1) + "|")
    totals = [0] * len(contexts)
    for fact in chosen:
        words = [judge(fact, context)[0] for context in contexts]
        for i, word in enumerate(words):
            totals[i] += word == "FAIL"
        if "FAIL" in words:
            cells = " | ".join({"pass": "", "FAIL": "**fails**"}.get(word, word) for word in words)
            print(f"| {fact.full_name} | {cells} |", flush=True)
    print("| **failed** | " + " | ".join(str(total) for total in totals) + " |")
    return 0


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--library", action="append", required=True)
    parser.add_argument("--programs", required=True, help="folder of the built programs")
    parser.add_argument("--fact")
    parser.add_argument("--only", default="", help="a regular expression on GROUP/NAME")
    parser.add_argument("--jobs", type=int)
    parser.add_argument("--table", action="store_true")
    options = parser.parse_args()
    contexts = [harness.Context(library, options.programs) for library in options.library]
    everything = facts.read_all()
    if options.fact:
        return run_one(next(f for f in everything if f.full_name == options.fact), contexts[0])
    chosen = [fact for fact in everything if re.search(options.only, fact.full_name) and
              (options.only or not fact.nightly or os.environ.get("TEST_LONG"))]
    if options.jobs:
        return side_by_side.run(chosen, judge, contexts[0], options.jobs)
    if options.table:
        return run_table(chosen, contexts)
    return max(run_all(chosen, context) for context in contexts)


if __name__ == "__main__":
    sys.exit(main())
