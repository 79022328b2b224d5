# SPDX-License-Identifier: MIT
"""Calls of tarn (the first argument; the second is libtarn.so), and what the tests of its verbs share. The last argument is
the fact to test: a function of the script, which runs in a folder of its own, where records are, too."""
import os
import pathlib
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time

CANNOT_TEST = 77
TARN, LIBRARY, FACT = os.path.abspath(sys.argv[1]), os.path.abspath(sys.argv[2]), sys.argv[-1]
PYTHON = "/usr/bin/python3"
PATIENCE = 20


def run(*words, **options):
    options = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "timeout": PATIENCE, **options}
    if "input" not in options:
        options.setdefault("stdin", subprocess.DEVNULL)
    return subprocess.run([TARN, *words], check=False, text=True, **options)


def start(*words, **options):
    return subprocess.Popen([TARN, *words], stdin=subprocess.DEVNULL, text=True, **options)


def refused(status, *words, **options):
    """The command's own error: one line."""
    done = run(*words, **options)
    assert done.returncode == status and done.stdout == "", done
    assert re.fullmatch(r"tarn: [^\n]+\n", done.stderr), done
    return done.stderr


def need(program):
    found = shutil.which(program)
    if not found:
        cannot_test(f"{program} is not installed")
    return found


def cannot_test(why):
    print(why)
    sys.exit(CANNOT_TEST)


def compiled(source, *flags, compiler="gcc", name="program"):
    pathlib.Path(f"{name}.c").write_text(source, encoding="utf-8")
    done = subprocess.run([need(compiler), f"{name}.c", "-o", name, *flags], capture_output=True, text=True, timeout=PATIENCE)
    if done.returncode != 0:
        cannot_test(f"{compiler} {' '.join(flags)}: {done.stderr}")
    return os.path.abspath(name)


def script(text, name="script"):
    pathlib.Path(name).write_text(text, encoding="utf-8")
    os.chmod(name, 0o755)
    return os.path.abspath(name)


def until(holds):
    """Waits for something to become true, and gives it."""
    end = time.monotonic() + PATIENCE
    while not (found := holds()):
        assert time.monotonic() < end, f"still not so after {PATIENCE} s"
        time.sleep(0.01)
    return found


def records():
    folder = pathlib.Path("tarn")
    return sorted(path.name for path in folder.iterdir() if path.suffix == ".tarnrecord") if folder.exists() else []


def main(facts):
    # A job in the background is started with SIGINT ignored, and would hand that on to what is tested.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    for name in [name for name in os.environ if name.startswith("TARN_") or name == "LD_PRELOAD"]:
        del os.environ[name]
    with tempfile.TemporaryDirectory(prefix="tarn-command-") as directory:
        os.chdir(directory)
        os.environ.update(XDG_RUNTIME_DIR=directory, PATH="/usr/bin:/bin:/usr/sbin:/sbin")  # no shims of other tools
        facts[FACT]()
