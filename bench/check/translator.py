#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""translator.py TRANSLATE TRANSLATE_PLAIN: both translators write the same C and report the same faults."""
import os
import subprocess
import sys
import tempfile

PATIENCE = float(os.environ.get("TEST_PATIENCE") or 1)  # of scripts/test: what time limits are multiplied by

TRANSLATE, PLAIN = sys.argv[1:]
ALLOCATIONS_MOST = 75  # per file, of the translator on tarn's interface


def run(*words):
    done = subprocess.run(words, capture_output=True, text=True, errors="replace", timeout=60 * PATIENCE)
    if done.returncode != 0:
        sys.exit(f"{' '.join(words)}: status {done.returncode}: {done.stdout[-500:]}{done.stderr[-500:]}")
    return done.stdout.splitlines()


def number(lines, key):
    return next(float(line.split()[1]) for line in lines if line.startswith(key + " "))


def check(condition, what):
    if not condition:
        sys.exit(what)


def same_output():
    for threads in ("1", "2"):
        lines = run(TRANSLATE, "--check", "--files", "12", "--threads", threads)
        check(number(lines, "translators") == 2, "two translators were to be compared")
        check(number(lines, "faults") == 0 and number(lines, "work") > 10000, "a project without faults")


def same_faults():
    """Also of the program without tarn; several kinds of fault come up."""
    words = set()
    for seed in map(str, range(1, 25)):
        options = ("--check", "--files", "100", "--threads", "2", "--seed", seed, "--spoil", seed)
        lines = run(TRANSLATE, *options)
        check(number(lines, "faults") > 5, f"seed {seed}: a spoilt project has faults")
        check(lines[:-3] == run(PLAIN, *options)[:-3], f"seed {seed}: faults differ without tarn")
        words.update(line.split(": ", 1)[-1].split(" '")[0] for line in lines[:-3])
    check(len(words) >= 6, f"few kinds of fault: {sorted(words)}")


def same_project():
    with tempfile.TemporaryDirectory() as directory:
        texts = []
        for program, seed in ((TRANSLATE, "1"), (PLAIN, "1"), (PLAIN, "2")):
            run(program, "--write", directory, "--files", "3", "--seed", seed)
            texts.append([open(os.path.join(directory, name), encoding="utf-8").read()
                          for name in sorted(os.listdir(directory))])
    check(len(texts[0]) == 6 and texts[0] == texts[1], "the same seed makes the same project")
    check(texts[1] != texts[2], "another seed makes another project")
    check("fn " in texts[0][1] and "#include" in texts[0][0], "sources and their C are written")


def few_allocations():
    lines = run(TRANSLATE, "--tarn", "--files", "100")
    check(0 < number(lines, "allocations") < ALLOCATIONS_MOST, f"allocations per file: {number(lines, 'allocations')}")
    check(number(run(TRANSLATE, "--plain", "--files", "100"), "allocations") > ALLOCATIONS_MOST, "they are counted")


for part in (same_output, same_faults, same_project, few_allocations):
    part()
    print(f"{part.__name__.replace('_', ' ')}: ok")
