#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""`tarn run` in a shell and under a terminal: stops, continues, signals to one process and to the group; one fact a call.

usage: job.py TARN LIBRARY FACT
"""
import os
import pty
import re
import select
import signal
import subprocess
import time

from tool import PATIENCE, PYTHON, TARN, main, start, until

# Writes a line for each signal; two of TERM within a moment are two lines.
COUNTS = """
import os, signal, sys, time
for each in ('TERM', 'HUP', 'USR1', 'WINCH'):
    signal.signal(getattr(signal, 'SIG' + each), lambda number, _: os.write(1, b'got %d\\n' % number))
os.write(1, b'ready %d\\n' % os.getpid())
while True:
    time.sleep(100)
"""

# A signal just before the read of input() is seen by Python only after a line: so not in there at once.
CATCHES = """
import os, select, signal
signal.signal(2, lambda *_: os.write(1, b'caught\\n'))
print('begun', flush=True)
while not select.select([0], [], [], 0.05)[0]:
    pass
input()
"""


class Counting:
    """The command that counts, in a group of its own."""

    def __enter__(self):
        self.run = start("run", "-q", PYTHON, "-c", COUNTS, stdout=subprocess.PIPE, process_group=0)
        self.pid = int(self.run.stdout.readline().split()[1])
        return self

    def __exit__(self, *_):
        self.run.kill()
        self.run.wait()

    def lines(self):
        """What it wrote until a while after its last line."""
        found = []
        while select.select([self.run.stdout], [], [], 0.5)[0]:
            found += os.read(self.run.stdout.fileno(), 4096).decode().split("\n")[:-1]
        return found


def a_signal_to_tarn_alone_reaches_the_command_once():
    with Counting() as it:
        for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGUSR1, signal.SIGWINCH):
            os.kill(it.run.pid, number)
            assert it.lines() == [f"got {number.value}"]


def a_signal_to_the_group_reaches_the_command_once():
    with Counting() as it:
        for number in (signal.SIGTERM, signal.SIGUSR1, signal.SIGTERM):
            os.killpg(it.run.pid, number)
            assert it.lines() == [f"got {number.value}"]
        os.kill(it.run.pid, signal.SIGTERM)
        assert it.lines() == [f"got {signal.SIGTERM.value}"], "what the group got before is not this one"


def a_signal_of_the_command_to_its_parent_does_not_come_back():
    code = "import os, signal, time; os.kill(os.getppid(), signal.SIGUSR1); time.sleep(0.3)"
    child = start("run", "-q", PYTHON, "-c", code)
    assert child.wait(PATIENCE) == 0


def who_kills_tarn_kills_the_command():
    with Counting() as it:
        os.kill(it.run.pid, signal.SIGKILL)
        until(lambda: not os.path.exists(f"/proc/{it.pid}"))


def state_of(pid):
    with open(f"/proc/{pid}/stat", encoding="utf-8") as file:
        return file.read().rpartition(")")[2].split()[0]


def both_stop_and_continue():
    with Counting() as it:
        for send in (lambda: os.kill(it.pid, signal.SIGSTOP), lambda: os.killpg(it.run.pid, signal.SIGTSTP),
                     lambda: os.kill(it.run.pid, signal.SIGTSTP)):
            send()
            until(lambda: state_of(it.pid) == "T" and state_of(it.run.pid) == "T")
            os.kill(it.run.pid, signal.SIGCONT)
            until(lambda: state_of(it.pid) != "T" and state_of(it.run.pid) != "T")


def ignored_signals_stay_ignored():
    code = "grep -e SigIgn -e SigBlk /proc/self/status"
    for prefix in ("", "trap '' HUP INT USR1 CHLD; "):
        alone = subprocess.run(["sh", "-c", f"{prefix}{code}"], capture_output=True, text=True, check=True)
        under = subprocess.run(["sh", "-c", f"{prefix}{TARN} run -q {code}"], capture_output=True, text=True, check=True)
        assert alone.stdout == under.stdout, (alone, under)


class Shell:
    """An interactive shell under a terminal."""

    def __init__(self, **variables):
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            os.environ.update(PS1="prompt> ", TARN=TARN, TERM="dumb", **variables)
            os.execvp("bash", ["bash", "--norc", "--noprofile", "--noediting", "-i"])
        self.text = ""
        self.wait_for("prompt> ")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        os.kill(self.pid, signal.SIGKILL)
        os.close(self.fd)
        os.waitpid(self.pid, 0)

    def wait_for(self, pattern):
        """Up to what matches, which is gone then; the match."""
        end = time.monotonic() + PATIENCE
        while not (found := re.search(pattern, self.text)):
            assert time.monotonic() < end, f"no {pattern!r} in {self.text!r}"
            if select.select([self.fd], [], [], 1)[0]:
                self.text += os.read(self.fd, 4096).decode().replace("\r\n", "\n")
        self.text = self.text[found.end():]
        return found

    def type(self, text):
        os.write(self.fd, text.encode())

    def says(self, line, pattern):
        self.type(line + "\n")
        self.wait_for(re.escape(line))
        found = self.wait_for(pattern)
        self.wait_for("prompt> ")
        return found


def a_shell_sees_the_commands_end():
    with Shell() as shell:
        shell.says("$TARN run -q sh -c 'exit 5'; echo $?", r"^\n5\n")
        shell.says("$TARN run -q sh -c 'kill -KILL $$'; echo $?", r"Killed[^\n]*\n137\n")
        shell.says("$TARN run -q sh -c 'kill -SEGV $$'; echo $?", r"Segmentation fault[^\n]*\n139\n")


def control_c_and_control_backslash_end_it():
    with Shell() as shell:
        for key, status in (("\x03", 130), ("\x1c", 131)):
            shell.type("$TARN run -q sh -c 'echo begun; exec sleep 100'\n")
            shell.wait_for(r"begun\n")
            shell.type(key)
            shell.wait_for("prompt> ")
            shell.says("echo $?", rf"\n{status}\n")


def control_c_reaches_a_command_that_catches_it_once():
    with Shell(CODE=CATCHES) as shell:
        shell.type(f"$TARN run -q {PYTHON} -c \"$CODE\"; echo status $?\n")
        shell.wait_for(r"begun\n")
        shell.type("\x03")
        shell.wait_for(r"caught\n")
        shell.type("line\n")
        shell.wait_for(r"status 0\n")
        assert "caught" not in shell.text


def control_z_stops_the_job():
    with Shell() as shell:
        shell.type("$TARN run -q cat\n")
        shell.wait_for(r"cat\n")
        shell.type("first\n")
        shell.wait_for(r"first\nfirst\n")
        shell.type("\x1a")
        shell.wait_for(r"Stopped")
        shell.wait_for("prompt> ")
        shell.says("jobs", r"Stopped +\$TARN run -q cat\n")
        shell.type("fg\n")
        shell.wait_for(r"fg\n[^\n]*cat\n")
        shell.type("second\n")
        shell.wait_for(r"second\nsecond\n")
        shell.type("\x04")
        shell.wait_for("prompt> ")
        shell.says("echo $?", r"\n0\n")


def a_job_in_the_background_stops_when_it_reads():
    with Shell() as shell:
        shell.type("$TARN run -q cat &\n")
        shell.wait_for("prompt> ")
        shell.type("sleep 0.5; jobs\n")
        shell.wait_for(r"Stopped")
        shell.wait_for("prompt> ")
        shell.type("kill %1; sleep 0.5; jobs\n")
        shell.wait_for("Terminated")


def an_interactive_shell_runs_inside():
    with Shell() as shell:
        shell.type("PS1='in''ner> ' $TARN run -q bash --norc --noprofile --noediting -i\n")
        shell.wait_for("inner> ")
        shell.type("cat\n")
        shell.wait_for(r"cat\n")
        shell.type("first\n")
        shell.wait_for(r"first\nfirst\n")
        shell.type("\x1a")
        shell.wait_for(r"Stopped +cat")
        shell.wait_for("inner> ")
        shell.type("suspend\n")
        shell.wait_for(r"Stopped")
        shell.wait_for("prompt> ")
        shell.type("fg\n")
        shell.wait_for("inner> ")
        shell.type("fg\n")
        shell.wait_for(r"fg\ncat\n")
        shell.type("line\n")
        shell.wait_for(r"line\nline\n")
        shell.type("\x03")
        shell.wait_for("inner> ")
        shell.type("exit 9\n")
        shell.wait_for("prompt> ")
        shell.says("echo $?", r"\n9\n")


if __name__ == "__main__":
    main(globals())
