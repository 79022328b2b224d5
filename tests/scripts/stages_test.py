#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""What scripts/test says of its time limits, and that it leaves nothing running."""
import os
import signal
import subprocess
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


# Each stage ends when the others have begun; the compiler of a later one is the file `compiled`.
TOGETHER = """
import sys, test_stages as t
t.LOGS = sys.argv[1]
wait = "touch $0/$1; for name in $2; do until [ -e $0/$name ]; do sleep 0.01; done; done"
def begun(name, others):
    t.check(name, ["sh", "-c", wait, sys.argv[1], name, others])
t.sanitized = lambda directory, *_: t.check("compiled", ["touch", sys.argv[1] + "/compiled"])
t.STAGES = {"style": lambda: begun("style", ""), "programs": lambda: begun("programs", "style commands compiled"),
            "commands": lambda: begun("commands", "programs"), "asan": lambda: begun("asan" if t.AHEAD.compiled("asan") else "-", "programs")}
print(*[name for name, _ in t.run_stages(list(t.STAGES))], t.TALLY.names)
"""


def check_together(directory):
    """stages that may go together do, and what a later one needs is compiled meanwhile"""
    done = run([sys.executable, "-B", "-c", TOGETHER, directory], cwd=os.path.join(ROOT, "scripts"), timeout=60)
    expect("style programs commands asan {" in done.stdout and "'FAIL': []" in done.stdout, done)


def check_interrupted(directory):
    """who ends a run of several stages ends all of their commands"""
    code = TOGETHER.replace('"programs"),', '"programs never"),')
    child = subprocess.Popen([sys.executable, "-B", "-c", code, directory], cwd=os.path.join(ROOT, "scripts"),
                             stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    end = time.monotonic() + 60
    while not os.path.exists(f"{directory}/commands"):
        assert time.monotonic() < end and child.poll() is None
        time.sleep(0.01)
    left = [pid for pid in os.listdir("/proc") if pid.isdigit() and waits_in(pid, directory)]
    child.send_signal(signal.SIGINT)
    assert left and child.wait(60) != 0
    while time.monotonic() < end and any(alive(pid) for pid in left):
        time.sleep(0.01)
    assert not any(alive(pid) for pid in left), left


def waits_in(pid, directory):
    try:
        with open(f"/proc/{pid}/cmdline", encoding="utf-8", errors="replace") as file:
            words = file.read().split("\0")
            return words[0] == "sh" and directory in words
    except OSError:
        return False


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
