#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Figures in the documentation and in comments are those of the code: constants are read from the sources, and each
figure named below must be found and be right.

usage: figures.py [ROOT]
"""
import pathlib
import re
import sys

KIB, MIB = 1 << 10, 1 << 20
CONSTANT = re.compile(
    r"constexpr\s+(?:[\w:]+\s+)+?(k\w+) = ((?:[^;,{]|\{[^}]*\})+?)(?:, (k\w+) = ([^;,]+))?;(?:[ \t]*// ?([^\n]*))?")
ENUMERATOR = re.compile(r"^    (TARN_\w+) = ([^,\n]+),", re.MULTILINE)

# file, text around the figures (any white space where there is a blank), what they are
FIGURES = [
    ("docs/design.md", "windows of (N) MiB", ["kWindowSize // MIB"]),
    ("docs/design.md", "bytes for every (N) KiB from address 0", ["kUnitSize // KIB"]),
    ("docs/design.md", r"to (N) KiB of objects \((N) to (N) of them\)", ["kBinBytes // KIB", "kBinFewest", "kBinMost"]),
    ("docs/design.md", "after (N) of them the limit is halved", ["kOverflowsMost"]),
    ("docs/design.md", "empty slabs, its share of (N) MiB for all threads and (N) KiB at least",
     ["kEmptyUnitsOfAll * kUnitSize // MIB", "kEmptyUnitsLeast * kUnitSize // KIB"]),
    ("docs/design.md", "with every (N)th refill", ["kShedEvery"]),
    ("docs/design.md", "what it uses, and (N) KiB", ["kSpareLeast // KIB"]),
    ("docs/design.md", r"outgoing\.h`: (N) slabs", ["kParcels"]),
    ("docs/design.md", "serves, at most (N) KiB", ["kSmallMax // KIB"]),
    ("docs/guide/metrics.md", "those of (N) size classes", ["kClasses"]),
    ("docs/guide/metrics.md", r"\((N) KiB for each size class in use", ["kBinBytes // KIB"]),
    ("docs/guide/metrics.md", "up to (N) KiB: 700 KiB", ["kFastMax // KIB"]),
    ("docs/guide/metrics.md", r"1/(N) of the peak \((N) KiB at least, (N) MiB at most\)",
     ["kBudgetShare", "kBudgetLeast // KIB", "kBudgetMost // MIB"]),
    ("docs/guide/pool.md", r"stack keeps up to (N) KiB of free objects \((N) where",
     ["kStackBytes // KIB", "kFewestSlots"]),
    ("docs/guide/pool.md", "chunks grow from (N) KiB to (N) MiB", ["kFirstBytes // KIB", "kMostBytes // MIB"]),
    ("docs/guide/pool.md", r"aligned as asked \(up to (N)\)", ["kMostAlignment"]),
    ("docs/guide/arena.md", "Chunks double from (N) KiB to (N) MiB", ["TARN_ARENA_FIRST_CHUNK // KIB", "TARN_ARENA_LARGEST_CHUNK // MIB"]),
    ("include/tarn/pool.h", "a thread keeps (N) KiB of free", ["kStackBytes // KIB"]),
    ("include/tarn/backend.h", "request above (N) KiB", ["kSmallMax // KIB"]),
    ("docs/contract.md", "at most (N) KiB of stack", ["2"]),
]


def plain(expression):
    """A C++ expression as Python reads it."""
    expression = re.sub(r"\w+\{([^{}]*)\}", r"(\1)", expression)
    expression = re.sub(r"static_cast<\w+>", "", expression)
    return re.sub(r"(?<=\d)'(?=\d)", "", expression).replace("//", "/").replace("/", "//")


class Constants(dict):
    """Those whose value follows from literals and other constants."""

    def __init__(self, root):
        super().__init__(KIB=KIB, MIB=MIB)
        self.texts, self.comments = {}, []
        for path in sorted(root.glob("src/**/*")) + sorted(root.glob("include/tarn/*.h")):
            if path.suffix not in (".h", ".cpp"):
                continue
            text = path.read_text(encoding="utf-8")
            for name, value, second, second_value, comment in CONSTANT.findall(text):
                self.texts.setdefault(name, value)
                if second:
                    self.texts.setdefault(second, second_value)
                if comment and not second:
                    self.comments.append((path.relative_to(root), name, value, comment))
            for name, value in ENUMERATOR.findall(text):
                self.texts.setdefault(name, value)

    def __missing__(self, name):
        self[name] = self.value(self.texts[name])
        return self[name]

    def value(self, expression):
        return eval(plain(expression), {"__builtins__": {}}, self)  # literals of our own sources


def wrong_in_text(root, constants):
    for file, around, expressions in FIGURES:
        pattern = r"[\s/*]+".join(around.replace("N", r"[\d,]+").split(" "))
        found = re.search(pattern, (root / file).read_text(encoding="utf-8"))
        if not found:
            yield f"{file}: nothing like '{around}'"
            continue
        for figure, expression in zip(found.groups(), expressions, strict=True):
            if int(figure.replace(",", "")) != constants.value(expression):
                yield f"{file}: {figure} in '{around}', {expression} is {constants.value(expression)}"


def wrong_in_comments(constants):
    """'constexpr size_t kName = 32;  // 512 KiB', of bytes or of units."""
    checked = 0
    for file, name, value, comment in constants.comments:
        size = re.match(r"([\d,]+) (KiB|MiB)\b", comment)
        if not size:
            continue
        checked += 1
        said = int(size[1].replace(",", "")) * (KIB if size[2] == "KiB" else MIB)
        is_now = constants.value(value) * (constants["kUnitSize"] if "Units" in name else 1)
        if said != is_now:
            yield f"{file}: {name} is {is_now}, its comment says {comment}"
    if checked < 3:
        yield f"only {checked} comments with a size: the pattern is wrong"


def main():
    root = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else pathlib.Path(__file__).parents[2])
    constants = Constants(root)
    wrong = [*wrong_in_text(root, constants), *wrong_in_comments(constants)]
    print("\n".join(wrong) if wrong else f"{len(FIGURES)} places have the figures of the code")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
