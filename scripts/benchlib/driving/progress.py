# SPDX-License-Identifier: MIT
"""What runs, how much is left and how long that takes; on standard error."""
import os
import sys
import time

PLAIN_INTERVAL = 10.0


def duration(seconds):
    seconds = int(round(seconds))
    if seconds < 60:
        return f"{seconds} s"
    if seconds < 3600:
        return f"{seconds // 60} min {seconds % 60:02} s"
    return f"{seconds // 3600} h {seconds % 3600 // 60:02} min"


class Progress:
    """A line that is rewritten on a terminal; elsewhere a line every ten seconds."""

    def __init__(self, runs, stream=sys.stderr, clock=time.monotonic):
        self.runs = runs  # how many there are in all
        self.done = 0
        self.stream = stream
        self.clock = clock
        self.start = clock()
        self.last = None
        self.terminal = stream.isatty()

    def left(self):
        """Seconds to go, from the mean of the runs so far; None before the first ended."""
        return (self.clock() - self.start) / self.done * (self.runs - self.done) if self.done else None

    def before(self, workload, allocator, number, rounds):
        left = self.left()
        self.show(f"[{self.done + 1}/{self.runs}] {workload}, {allocator}, round {number} of {rounds}"
                  + (f"; {duration(left)} to go" if left is not None else ""))

    def show(self, line):
        now = self.clock()
        if self.terminal:
            width = os.get_terminal_size(self.stream.fileno()).columns or 80
            self.stream.write("\r\033[K" + line[:width - 1])
        elif self.last is None or now - self.last >= PLAIN_INTERVAL:
            self.last = now
            self.stream.write(line + "\n")
        self.stream.flush()

    def after(self, runs=1):
        """`runs` more have ended, or will not take place."""
        self.done += runs

    def say(self, line):
        """A line that stays."""
        self.stream.write(("\r\033[K" if self.terminal else "") + line + "\n")
        self.stream.flush()

    def finish(self):
        if self.terminal:
            self.stream.write("\r\033[K")
        self.say(f"{self.done} runs in {duration(self.clock() - self.start)}")
