#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""run_linked.py PROGRAM FACT: one fact of a program that was linked with tarn, not preloaded."""
import json
import os
import re
import subprocess
import sys

PATIENCE = float(os.environ.get("TEST_PATIENCE") or 1)  # of scripts/test: what time limits are multiplied by


def run(program, **settings):
    kept = {key: value for key, value in os.environ.items() if not key.startswith(("TARN_", "LD_PRELOAD"))}
    return subprocess.run([program], env={**kept, **settings}, capture_output=True, text=True, timeout=60 * PATIENCE)


def works(program):
    result = run(program)
    assert result.returncode == 0 and result.stdout == "ok\n", f"{result.returncode}: {result.stderr}"
    assert result.stderr == "", result.stderr


def works_hardened(program):
    result = run(program, TARN_HARDENED="1")
    assert result.returncode == 0 and result.stdout == "ok\n", f"{result.returncode}: {result.stderr}"


def reports(program):
    """The program's own report; children that end by _exit may add theirs where that can be seen."""
    result = run(program, TARN_STATS="json")
    assert result.returncode == 0 and result.stdout == "ok\n", f"{result.returncode}: {result.stderr}"
    found = [json.loads(line) for line in result.stderr.splitlines()]
    assert found and found[-1]["totals"]["allocations"] >= 1000, result.stderr[:300]


def uses_map_for(backend):
    """Nothing can be loaded into a fully static program: one line, and `map` serves."""
    def fact(program):
        result = run(program, TARN_BACKEND=backend)
        assert result.returncode == 0 and result.stdout == "ok\n", f"{result.returncode}: {result.stderr}"
        lines = result.stderr.splitlines()
        assert len(lines) == 1 and re.match(r"tarn: .*map", lines[0]), f"one line of warning: {lines}"
    return fact


def is_static(program):
    headers = subprocess.run(["readelf", "-lW", program], capture_output=True, text=True, check=True).stdout
    assert "INTERP" not in headers, "no dynamic loader is asked for"


def needs_no_cpp_library(program):
    dynamic = subprocess.run(["readelf", "-dW", program], capture_output=True, text=True, check=True).stdout
    assert "libstdc++" not in dynamic and "libtarn" not in dynamic, dynamic


def has_one_malloc(program):
    symbols = subprocess.run(["nm", program], capture_output=True, text=True, check=True).stdout
    for name in ("_int_malloc", "ptmalloc_init", "_int_free"):
        assert not re.search(rf"\b{name}\b", symbols), f"libc's {name} is in the program as well"
    assert len(re.findall(r" [TW] malloc$", symbols, re.MULTILINE)) == 1, "one malloc"


def has_no_interface(program):
    """What the program does not use stays out with --gc-sections, though the archive is one object."""
    symbols = subprocess.run(["nm", program], capture_output=True, text=True, check=True).stdout
    assert " tarn_stats_get\n" in symbols and " tarn_arena_create\n" not in symbols, "only what is used"


FACTS = {
    "works": works,
    "works_hardened": works_hardened,
    "reports": reports,
    "warns_that_mimalloc_cannot_be_loaded": uses_map_for("mimalloc"),
    "warns_that_system_cannot_serve": uses_map_for("system"),
    "is_static": is_static,
    "needs_no_cpp_library": needs_no_cpp_library,
    "has_one_malloc": has_one_malloc,
    "has_no_interface": has_no_interface,
}

if __name__ == "__main__":
    try:
        FACTS[sys.argv[2]](sys.argv[1])
    except AssertionError as why:
        sys.exit(f"does not hold: {why}")
