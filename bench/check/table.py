#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Checks that bench/workloads.json is well-formed and names what there is.

usage: table.py SOURCE PROGRAM...   (SOURCE: the repository; PROGRAM: the names that are built into build/bench)
"""
import json
import os
import re
import sys

GROUPS = ("servers", "small", "large", "life", "startup", "programs", "threads")
KEYS = {"name": str, "group": str, "title": str, "source": str, "command": list, "quick": bool, "output": str}
OPTIONAL = {"environment": dict, "needs": str, "one_processor": bool}


def faults(table, source, programs):
    names, used = set(), set()
    for work in table:
        name = str(work.get("name"))
        for key, kind in KEYS.items():
            if not isinstance(work.get(key), kind) or work[key] in ("", []):
                yield f"{name}: {key} is missing or not of type {kind.__name__}"
        for key, value in work.items():
            if key not in KEYS and not (key in OPTIONAL and isinstance(value, OPTIONAL[key])):
                yield f"{name}: {key} is not known, or not of its type"
        if not re.fullmatch(r"[a-z0-9-]+", name):
            yield f"{name}: not a name"
        if name in names:
            yield f"{name}: twice"
        names.add(name)
        if work.get("group") not in GROUPS:
            yield f"{name}: no such group"
        if work.get("output") not in ("work", "same"):
            yield f"{name}: output is work or same"
        command = work.get("command") or [""]
        words = [str(word) for word in [*command, *dict(work.get("environment") or {}).values()]]
        for program in re.findall(r"\{build\}/bench/(\w+)", " ".join(words)):
            used.add(program)
            if program not in programs:
                yield f"{name}: {program} is not built"
        for path in re.findall(r"\{source\}/(\S+)", " ".join(words)):
            if not os.path.isfile(os.path.join(source, path)):
                yield f"{name}: there is no {path}"
        if command[0].startswith("{source}/") and not os.access(command[0].format(source=source), os.X_OK):
            yield f"{name}: its script is not executable"
        if not command[0].startswith("{") and not work.get("needs"):
            yield f"{name}: runs a command that may be absent, but needs none"
    for program in programs:
        if program not in used:
            yield f"{program}: built, but no workload runs it"


def self_test(source):
    """Each change to a right table must be found."""
    right = {"name": "a-1", "group": "small", "title": "t", "source": "own", "command": ["{build}/bench/a", "--threads", "1"],
             "quick": True, "output": "work"}
    assert not list(faults([right], source, ["a"])), "a right table is refused"
    changes = ({"name": "A"}, {"group": "other"}, {"title": ""}, {"command": "a"}, {"command": ["{build}/bench/b"]},
               {"command": ["{build}/bench/a", "{source}/none"]}, {"quick": 1}, {"output": "both"}, {"unknown": 1},
               {"command": ["true", "{build}/bench/a"]}, {"environment": []},
               {"command": ["{source}/LICENSE", "{build}/bench/a"]})
    for change in changes:
        assert list(faults([right | change], source, ["a"])), f"not found: {change}"
    assert list(faults([right, right], source, ["a"])), "not found: the same name twice"
    assert list(faults([right], source, ["a", "b"])), "not found: a program that nothing runs"


def main():
    source, programs = sys.argv[1], sys.argv[2:]
    self_test(source)
    with open(os.path.join(source, "bench", "workloads.json"), encoding="utf-8") as file:
        table = json.load(file)
    found = list(faults(table, source, programs))
    print("\n".join(found) if found else f"{len(table)} workloads")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
