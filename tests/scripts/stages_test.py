#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""What scripts/test says of its time limits, and that it leaves nothing running."""
import os
import sys
import time

from checks import ROOT, expect, main, run

TEST = os.path.join(ROOT, "scripts", "test")
sys.path.insert(0, os.path.join(ROOT, "scripts"))
import test_stages  # noqa: E402


def alive(pid):
    try:
        with open(f"/proc/{pid}/stat", encoding="utf-8") as file:
            return file.read().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def check_late(directory):
    """a command that takes too long is ended with all that it started, and how to give it more time is said"""
    test_stages.LOGS, limit = directory, test_stages.COMMAND_TIMEOUT
    test_stages.COMMAND_TIMEOUT = 0.5
    try:
        status, log, seconds = test_stages.run("late", ["sh", "-c", "sleep 60 & echo $!; wait"])
    finally:
        test_stages.COMMAND_TIMEOUT = limit
    with open(log, encoding="utf-8") as file:
        started = int(file.read())
    assert "none after 0.5 s" in status and "--patience" in status and "TEST_PATIENCE" in status, status
    assert 0.4 < seconds < 30, seconds
    end = time.monotonic() + 10
    while alive(started) and time.monotonic() < end:
        time.sleep(0.01)
    assert not alive(started), f"process {started} goes on"


def check_status(directory):
    """exit statuses, and a command that does not exist"""
    test_stages.LOGS = directory
    assert test_stages.run("seven", ["sh", "-c", "exit 7"])[0] == 7
    assert "no-such-command" in test_stages.run("absent", ["no-such-command"])[0]


def check_patience(_):
    """the multiplier reaches every time limit"""
    ask = "import test_stages as t; print(t.COMMAND_TIMEOUT)"
    for settings, seconds in (({}, 900), ({"TEST_PATIENCE": "3"}, 2700), ({"TEST_LONG": "1"}, 9000)):
        kept = {name: value for name, value in os.environ.items() if not name.startswith("TEST_")}
        done = run([sys.executable, "-B", "-c", ask], env={**kept, **settings}, cwd=os.path.join(ROOT, "scripts"))
        expect(done.stdout == f"{seconds}\n", done)


def check_arguments(_):
    """--help names what can be set; what is wrong is refused before anything is installed or built"""
    done = run([TEST, "--help"])
    words = ("--patience N", "TEST_PATIENCE", "--long")
    expect(done.returncode == 0 and all(word in done.stdout for word in words), done)
    for words in (["--patience", "0"], ["--patience=x"], ["--patience"], ["--no-such"]):
        done = run([TEST, *words])
        expect(done.returncode in (1, 2) and done.stdout == "", done)


if __name__ == "__main__":
    sys.exit(main(globals()))
