# SPDX-License-Identifier: MIT
"""A minimal runner: every function named check_... is a check; its first line of documentation is its name.
It passes when it returns, fails by an exception, and is skipped, by name, by Skip."""
import os
import signal
import subprocess
import tempfile
import time

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
BUILD = os.path.join(ROOT, "build")
PATIENCE = float(os.environ.get("TEST_PATIENCE") or 1)  # as scripts/test gives it: what time limits are multiplied by
MODULES = ("mimalloc", "jemalloc")


class Skip(Exception):
    """Says what is missing here."""


def run(command, **options):
    """Output as text; a time limit on everything."""
    options["timeout"] = options.get("timeout", 240) * PATIENCE
    options.setdefault("stdin", subprocess.DEVNULL)
    return subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, **options)


def succeed(command, **options):
    done = run(command, **options)
    assert done.returncode == 0, f"{command}: status {done.returncode}: {done.stdout[-2000:]}{done.stderr[-2000:]}"
    return done


def expect(condition, done):
    """`done` is shown when the condition does not hold."""
    assert condition, f"status {done.returncode}, output {done.stdout[-1500:]!r}, errors {done.stderr[-1500:]!r}"


def built_modules():
    """Backends whose module was built: their library was there when the build was configured."""
    return [name for name in MODULES if os.path.exists(os.path.join(BUILD, f"libtarn-{name}.so"))]


def need_all_modules():
    """Ends a check that went well with the modules there are, when one is missing."""
    missing = [name for name in MODULES if name not in built_modules()]
    if missing:
        raise Skip(f"lib{missing[0]}-dev is not installed")


def judge(check):
    with tempfile.TemporaryDirectory(prefix="tarn-check-") as directory:
        try:
            check(directory)
            return "ok", ""
        except Skip as missing:
            return "SKIP", f": {missing}"
        except Exception as error:  # whatever goes wrong in a check is that check's failure
            return "FAIL", f": {type(error).__name__}: {error}"


def main(module):
    # A job in the background is started with SIGINT ignored, and would hand that on to what is tested.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    failed = False
    for name, check in list(module.items()):
        if name.startswith("check_"):
            start = time.monotonic()
            verdict, why = judge(check)
            failed |= verdict == "FAIL"
            print(f"{verdict:4} {time.monotonic() - start:5.1f} s  {check.__doc__.splitlines()[0]}{why}", flush=True)
    return 1 if failed else 0
