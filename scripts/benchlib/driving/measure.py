# SPDX-License-Identifier: MIT
"""One run of one workload under one allocator, by the launcher bench/measure."""
import hashlib
import json
import os
import re
import signal
import subprocess
import tempfile

from ..faults import Fault

# All that a workload inherits: nothing that tunes an allocator or an interpreter.
INHERITED = ("PATH", "HOME", "USER", "LOGNAME")
# On standard error: the allocator under test was not the one that served.
NOT_LOADED = re.compile(r"cannot be preloaded|^tarn: .*(map serves|nothing is recorded)", re.MULTILINE)
EXTRA_LINE = re.compile(r"([A-Za-z][\w.-]*) (-?[\d.]+(?:e[-+]?\d+)?) (\S+)", re.ASCII)
# What a load that goes on for long says of itself: seconds, MiB live, MiB resident.
SAMPLE = re.compile(r"^sample \d+ step ([\d.]+) s ([\d.]+) live (-?[\d.]+) resident \d+ threads$", re.MULTILINE)
ERRORS_KEPT = 500
RUNNING = set()  # launchers, which stop() ends


def environment(folder, allocator, own=()):
    """All variables that a command gets; LD_PRELOAD comes from the launcher."""
    inherited = {key: os.environ[key] for key in INHERITED if key in os.environ}
    scratch = os.path.dirname(folder)
    settings = {key: value.replace("{scratch}", scratch) for key, value in allocator.environment.items()}
    return {**inherited, "LC_ALL": "C.UTF-8", "TMPDIR": folder, **dict(own), **settings}


class Launcher:
    """Where the launcher is, and how long a run may take."""

    def __init__(self, build, timeout=120):
        self.build = build
        self.program = os.path.join(build, "bench", "measure")
        self.timeout = timeout
        if not os.access(self.program, os.X_OK):
            raise Fault(f"{self.program} is not built")

    def run(self, workload, allocator, timeout=None, processor=None):
        """One entry of the results' "runs"; whatever goes wrong is told in its "failure"."""
        with tempfile.TemporaryDirectory(prefix="bench-") as scratch:
            return self.run_in(scratch, workload, allocator, timeout or self.timeout, processor)

    def run_in(self, scratch, workload, allocator, timeout, processor):
        result = os.path.join(scratch, "result.json")
        folder = os.path.join(scratch, "work")
        os.mkdir(folder)
        command = [self.program, "-o", result]
        if allocator.libraries:
            command += ["--preload", allocator.preload()]
        if processor is not None:
            command += ["--processor", str(processor)]
        with tempfile.TemporaryFile(dir=scratch) as output, tempfile.TemporaryFile(dir=scratch) as errors:
            status = ended([*command, "--", *workload.command], timeout, stdin=subprocess.DEVNULL, stdout=output,
                           stderr=errors, cwd=folder,
                           env=environment(folder, allocator, workload.environment))
            output.seek(0)
            errors.seek(0)
            return judged(workload, status, read_json(result), output.read(),
                          errors.read().decode(errors="replace"), timeout)


def ended(command, timeout, **streams):
    """The launcher's status; None after `timeout` seconds. Nothing of its process group lives on."""
    process = subprocess.Popen(command, start_new_session=True, **streams)
    RUNNING.add(process)
    try:
        return process.wait(timeout)
    except subprocess.TimeoutExpired:
        return None
    finally:
        RUNNING.discard(process)
        end_group(process)
        process.wait()


def end_group(process):
    try:
        os.killpg(process.pid, signal.SIGKILL)
    except ProcessLookupError:
        pass


def stop():
    """Ends what other threads wait for."""
    for process in list(RUNNING):
        end_group(process)


def read_json(path):
    try:
        with open(path, encoding="utf-8") as file:
            return json.load(file)
    except OSError:
        return None


def judged(workload, status, taken, output, errors, timeout):
    """Puts together what was measured, printed and went wrong."""
    run = {"wall": float(timeout), "user": 0.0, "system": 0.0, "peak_kib": 0, "minor_faults": 0, "major_faults": 0,
           "status": None, "signal": 0, **(taken or {})}
    text = output.decode(errors="replace")
    run["work"], run["extra"] = printed(text)
    if samples := SAMPLE.findall(text):
        run["curve"] = [[float(number) for number in sample] for sample in samples]
    run["output"] = digest(workload, output, run["work"])
    run["failure"] = why_failed(workload, status, taken, run, errors)
    if run["failure"]:
        run["errors"] = errors[-ERRORS_KEPT:]
    return run


def why_failed(workload, status, taken, run, errors):
    if status is None:
        return "timeout"
    if NOT_LOADED.search(errors):
        return "not loaded"
    if status != 0 or taken is None:
        return "not started"
    if run["signal"]:
        return "crash"
    if run["status"]:
        # A shell gives a child's death by a signal this way.
        return "crash" if run["status"] > 128 else f"exit {run['status']}"
    if workload.output == "work" and not run["work"]:
        return "no work line"
    return ""


def printed(text):
    """(the work line's count and unit, or None; {key: [value, unit]} of the other lines of that form)."""
    work, extra = None, {}
    for line in text.splitlines():
        found = EXTRA_LINE.fullmatch(line.strip())
        if not found:
            continue
        try:
            number = float(found[2])
        except ValueError:
            continue
        if found[1] == "work":
            work = [number, found[3]]
        else:
            extra[found[1]] = [number, found[3]]
    return work, extra


def digest(workload, output, work):
    """What must be equal under every allocator, in short."""
    compared = output if workload.output == "same" else repr(work).encode()
    return hashlib.sha256(compared).hexdigest()[:16]
