# SPDX-License-Identifier: MIT
"""A terminal: as much of a vt100 as terminfo's description of it uses, and a program on it."""
import codecs
import fcntl
import os
import pty
import re
import select
import signal
import struct
import termios
import time

from live import begin

SEQUENCE = re.compile(r"\x1b(?:\[([?0-9;]*)([@-~])|([()])(.)|([=>78MDE]))|([\x00-\x1f])|([^\x00-\x1f]+)", re.DOTALL)


class Grid:
    """What stands on the screen."""

    def __init__(self, height, width):
        self.cells = []
        self.row = self.column = 0
        self.resize(height, width)

    def resize(self, height, width):
        """What stood there stays, as far as there is room."""
        old = self.cells
        self.height, self.width, self.top, self.bottom = height, width, 0, height - 1
        self.cells = [(old[row][:width] if row < len(old) else []) for row in range(height)]
        for row in self.cells:
            row += [" "] * (width - len(row))
        self.row, self.column = min(self.row, height - 1), min(self.column, width - 1)

    def lines(self):
        return ["".join(row).rstrip() for row in self.cells]

    def take(self, text):
        """All but an unfinished sequence at the end, which is returned."""
        place = 0
        while place < len(text):
            found = SEQUENCE.match(text, place)
            if not found:
                return text[place:]
            place = found.end()
            numbers, order, _, _, single, control, plain = found.groups()
            if order:
                self.obey(order, numbers)
            elif single == "M":
                self.up()
            elif single == "D":
                self.down()
            elif control:
                self.control(control)
            elif plain:
                self.write(plain)
        return ""

    def write(self, text):
        for letter in text:
            if self.column >= self.width:
                self.column = 0
                self.down()
            self.cells[self.row][self.column] = letter
            self.column += 1

    def control(self, letter):
        if letter == "\r":
            self.column = 0
        elif letter == "\n":
            self.down()
        elif letter == "\b":
            self.column = max(min(self.column, self.width - 1) - 1, 0)

    def down(self):
        if self.row == self.bottom:
            del self.cells[self.top]
            self.cells.insert(self.bottom, [" "] * self.width)
        else:
            self.row = min(self.row + 1, self.height - 1)

    def up(self):
        if self.row == self.top:
            del self.cells[self.bottom]
            self.cells.insert(self.top, [" "] * self.width)
        else:
            self.row = max(self.row - 1, 0)

    def obey(self, order, words):
        numbers = [int(word) if word.isdigit() else 0 for word in words.split(";")]
        first = max(numbers[0], 1)
        if order == "H":
            second = max(numbers[1], 1) if len(numbers) > 1 else 1
            self.row, self.column = min(first, self.height) - 1, min(second, self.width) - 1
        elif order in "ABCD":
            row, column = {"A": (-1, 0), "B": (1, 0), "C": (0, 1), "D": (0, -1)}[order]
            self.row = min(max(self.row + row * first, 0), self.height - 1)
            self.column = min(max(self.column + column * first, 0), self.width - 1)
        elif order == "J":
            begin = (self.row, self.column) if numbers[0] == 0 else (0, 0)
            self.erase(begin, (self.row, self.column) if numbers[0] == 1 else (self.height, 0))
        elif order == "K":
            begin = self.column if numbers[0] == 0 else 0
            self.erase((self.row, begin), (self.row, self.column + 1 if numbers[0] == 1 else self.width))
        elif order == "r":
            self.top, self.bottom = first - 1, (numbers[1] if len(numbers) > 1 and numbers[1] else self.height) - 1
        else:
            assert order in "mhl", f"a sequence that no vt100 is sent: {words}{order}"

    def erase(self, begin, end):
        for row in range(self.height):
            for column in range(self.width):
                if begin <= (row, column) < end:
                    self.cells[row][column] = " "


class Terminal:
    """A program on a terminal of its own."""

    def __init__(self, *words, height=24, width=80, kind="vt100", **environment):
        self.kind = kind
        self.outer, self.inner = pty.openpty()
        self.set_size(height, width)
        self.before = termios.tcgetattr(self.inner)
        self.grid, self.rest, self.bytes = Grid(height, width), "", b""
        self.decoder = codecs.getincrementaldecoder("utf-8")(errors="replace")
        self.process = begin(*words, stdin=self.inner, stdout=self.inner, stderr=self.inner, start_new_session=True,
                             env={**os.environ, "TERM": kind, "LC_ALL": "C.UTF-8", **environment})

    def set_size(self, height, width):
        fcntl.ioctl(self.inner, termios.TIOCSWINSZ, struct.pack("HHHH", height, width, 0, 0))

    def resize(self, height, width):
        self.set_size(height, width)
        self.grid.resize(height, width)
        self.process.send_signal(signal.SIGWINCH)

    def type(self, text):
        os.write(self.outer, text.encode())

    def read(self, seconds):
        """What comes within so long; whether there was anything."""
        if not select.select([self.outer], [], [], seconds)[0]:
            return False
        piece = os.read(self.outer, 65536)
        self.bytes += piece
        if self.kind == "vt100":
            self.rest = self.grid.take(self.rest + self.decoder.decode(piece))
        return True

    def lines(self):
        return self.grid.lines()

    def see(self, pattern, seconds=20):
        """The match, as soon as it is on the screen and nothing more comes."""
        end = time.monotonic() + seconds
        while True:
            more = self.read(0.05)
            found = re.search(pattern, "\n".join(self.lines()), re.MULTILINE)
            if found and not more:
                return found
            assert time.monotonic() < end, (pattern, "\n".join(self.lines()), self.process.poll())

    def ended(self, seconds=20):
        """Its status, when it has ended."""
        end = time.monotonic() + seconds
        while self.process.poll() is None:
            self.read(0.05)
            assert time.monotonic() < end, "it goes on"
        while self.read(0):
            pass
        return self.process.returncode

    def is_restored(self):
        return termios.tcgetattr(self.inner) == self.before
