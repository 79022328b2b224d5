# SPDX-License-Identifier: MIT
"""Runs one program under one library, and judges how it ended. A program that outlives its time is killed
together with everything it started."""
import dataclasses
import importlib
import os
import pathlib
import re
import resource
import signal
import subprocess
import tempfile

LACKS_SYMBOL = 3
CANNOT_TEST = 77
PATIENCE = float(os.environ.get("TEST_PATIENCE") or 1)  # of scripts/test: what time limits are multiplied by
LIMITS = {"as": resource.RLIMIT_AS, "data": resource.RLIMIT_DATA, "fsize": resource.RLIMIT_FSIZE}


class Skip(Exception):
    """This machine cannot show the fact."""


@dataclasses.dataclass
class Result:
    status: int  # as subprocess: negative is a signal
    output: bytes
    errors: str
    timed_out: bool

    def short(self):
        words = f"status {self.status}" + (", timed out" if self.timed_out else "")
        lines = self.errors.strip().splitlines()
        return words + (": " + " / ".join(lines[-3:]) if lines else "")


class Context:
    """A library and the folder of the test programs."""

    def __init__(self, library, programs):
        self.library = None if library == "none" else str(pathlib.Path(library).resolve())
        self.programs = pathlib.Path(programs).resolve()
        path = pathlib.Path(self.library) if self.library else None
        self.name = path.name.split(".so")[0] if path else "glibc"
        self.is_tarn = bool(path) and b"tarn_version" in path.read_bytes()

    def program(self, name):
        return name if name.startswith("/") else str(self.programs / name)

    def environment(self, extra, preload=True):
        kept = {k: v for k, v in os.environ.items() if not k.startswith(("TARN_", "LD_", "MALLOC_"))}
        kept["LC_ALL"] = "C"
        if preload and self.library:
            kept["LD_PRELOAD"] = self.library
        return {**kept, **extra}

    def run(self, command, environment=None, limits=None, timeout=60, preload=True, **other):
        """Runs `command` to its end. Standard output and error go to files: a pipe could block it."""
        def restrict():
            resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
            for key, value in (limits or {}).items():
                resource.setrlimit(LIMITS[key], (value, value))

        command = [self.program(command[0]), *command[1:]]
        with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
            arguments = {"stdin": subprocess.DEVNULL, "stdout": out, "stderr": err, **other}
            child = subprocess.Popen(command, env=self.environment(environment or {}, preload),
                                     preexec_fn=restrict, start_new_session=True, **arguments)
            timed_out = not wait(child, timeout * PATIENCE)
            out.seek(0), err.seek(0)
            return Result(child.returncode, out.read(), err.read().decode(errors="replace"), timed_out)

    def run_fact(self, fact):
        return self.run(fact.command, fact.environment, fact.limits, fact.timeout)

    def scenario(self, fact):
        module, _, function = fact.scenario.partition(".")
        getattr(importlib.import_module(module), function)(self, *fact.command[1:])


def wait(child, timeout):
    """False when the time ran out; then the whole session that `child` leads is killed."""
    try:
        child.wait(timeout)
        return True
    except subprocess.TimeoutExpired:
        os.killpg(child.pid, signal.SIGKILL)
        child.wait()
        return False


def verdict(fact, result, context):
    if result.timed_out:
        return "FAIL", f"hangs, or needs more than {fact.timeout * PATIENCE:.0f} s (TEST_PATIENCE): {result.short()}"
    if result.status == CANNOT_TEST:
        return "skip", result.errors.strip()
    if fact.dies:
        return died(fact, result, context)
    if result.status != 0:
        return "FAIL", result.short()
    if fact.says:
        spoken = len([line for line in result.errors.splitlines() if re.search(fact.says, line)])
        return ("pass", "") if spoken == 1 else ("FAIL", f"said {spoken} times: {result.errors.strip()}")
    unasked = [line for line in result.errors.splitlines() if line.startswith("tarn: ")]
    return ("FAIL", f"says {unasked[0]}") if unasked else ("pass", "")


def died(fact, result, context):
    if not context.is_tarn:
        return ("pass", "") if result.status < 0 else ("FAIL", f"goes on: {result.short()}")
    if result.status != -signal.SIGABRT:
        return "FAIL", f"no abort: {result.short()}"
    if not re.search(fact.dies, result.errors, re.MULTILINE):
        return "FAIL", f"says something else: {result.errors.strip()}"
    return "pass", ""
