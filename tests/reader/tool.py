# SPDX-License-Identifier: MIT
"""Calls of tarn (the first argument), and what its tests share. The last argument is the fact to test: a function
of the script, which runs in a folder of its own."""
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

CANNOT_TEST = 77
COMMAND, FACT = os.path.abspath(sys.argv[1]), sys.argv[-1]
FOLDER = pathlib.Path(__file__).resolve().parent


def run(*words, **options):
    options = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "stdin": subprocess.DEVNULL, "timeout": 60, **options}
    return subprocess.run([COMMAND, *words], check=False, text=True, **options)


def succeed(*words):
    done = run(*words)
    assert done.returncode == 0 and done.stderr == "", done
    return done.stdout


def refused(status, *words, **options):
    done = run(*words, **options)
    assert done.returncode == status and (done.stdout or "") == "", done
    assert re.fullmatch(r"tarn: [^\n]+\n", done.stderr), done
    return done.stderr


def need(program):
    if not shutil.which(program):
        print(f"{program} is not installed")
        sys.exit(CANNOT_TEST)


def tool(*words):
    return subprocess.run(words, check=True, capture_output=True, text=True, timeout=120).stdout


def line_of(source, what):
    """The number of the line that ends in a comment "// line: WHAT"."""
    lines = (FOLDER / source).read_text(encoding="utf-8").splitlines()
    [found] = [number for number, line in enumerate(lines, 1) if line.endswith(f"// line: {what}")]
    return found


def main(facts):
    with tempfile.TemporaryDirectory(prefix="tarn-record-") as directory:
        os.chdir(directory)
        facts[FACT]()
