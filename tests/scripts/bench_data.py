# SPDX-License-Identifier: MIT
"""Made-up results, workloads and allocators for the tests of the benchmarks."""
import atexit
import functools
import json
import os
import shutil
import sys
import tempfile

from checks import ROOT, Skip, succeed

sys.path.insert(0, os.path.join(ROOT, "scripts"))

from benchlib.faults import Fault


def made_run(wall, peak_mib=10, failure="", output="same", work=1000):
    return {"wall": wall, "user": wall, "system": 0.0, "peak_kib": peak_mib * 1024, "minor_faults": 0,
            "major_faults": 0, "status": 0, "signal": 0, "failure": failure, "output": output,
            "work": [work, "ops"], "extra": {}}


def made_entry(name, runs, group="small"):
    return {"name": name, "group": group, "title": name, "source": "own", "skipped": "", "runs": runs}


def made_results(entries, names, files=None):
    return {"schema": 1, "name": "made", "quick": False, "rounds": 5, "complete": True,
            "machine": {"processor": "made", "cores": 2, "memory_mib": 1000, "kernel": "6", "libc": "glibc 2.36"},
            "allocators": [{"name": name, "version": "1", "environment": {}, "files": (files or {}).get(name, [])}
                           for name in names],
            "planned": [entry["name"] for entry in entries], "workloads": entries}


def fake_build(directory):
    """A build directory that has the launcher alone."""
    build = os.path.join(directory, "build")
    os.makedirs(os.path.join(build, "bench"))
    shutil.copy(launcher(), f"{build}/bench/measure")
    return build


@functools.cache
def launcher():
    """Built once for all checks of a file."""
    if not shutil.which("g++"):
        raise Skip("g++ is not installed")
    folder = tempfile.mkdtemp(prefix="tarn-launcher-")
    atexit.register(shutil.rmtree, folder)
    sources = [os.path.join(ROOT, file) for file in ("bench/measure.cpp", "src/measure/child.cpp")]
    succeed(["g++", "-std=c++20", f"-I{ROOT}/src", *sources, "-o", f"{folder}/measure"])
    return f"{folder}/measure"


def fake_peer(directory, name, text="int peer;\n"):
    """A shared object that is no allocator: good enough to be preloaded."""
    source, library = f"{directory}/{name}.c", f"{directory}/{name}.so"
    with open(source, "w", encoding="utf-8") as file:
        file.write(text)
    succeed(["gcc", "-shared", "-fPIC", source, "-o", library])
    return library


def fake_table(directory, commands):
    """A table of shell commands: {name: command, or (command, other keys)}."""
    table = []
    for name, command in commands.items():
        command, more = command if isinstance(command, tuple) else (command, {})
        table.append({"name": name, "group": "small", "title": name, "source": "own", "command": ["sh", "-c", command],
                      "quick": True, "output": "work", **more})
    path = os.path.join(directory, "table.json")
    with open(path, "w", encoding="utf-8") as file:
        json.dump(table, file)
    return path


def refused(words, action, *arguments):
    """`action` ends with a message that has `words`."""
    try:
        action(*arguments)
    except Fault as fault:
        assert words in str(fault), f"'{fault}' says nothing of '{words}'"
        return
    raise AssertionError(f"'{words}' was to be refused")
