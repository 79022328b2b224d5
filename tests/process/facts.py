# SPDX-License-Identifier: MIT
"""Reads facts/*.txt. One fact a line:

    name = command and arguments ; option ; option

The command is a program of this folder, an absolute path, or @module.function for a scenario in Python.
Options: `dies REGEX` (SIGABRT, and standard error matches), `says REGEX` (a line of standard error
matches; otherwise no line may begin with "tarn: "), `env NAME=VALUE`, `as=SIZE` and `data=SIZE` (limits on
address space and data), `time=SECONDS`, `long ARGUMENT` (in the place of the last one, with ten times the time, where
the environment has TEST_LONG), `tarn` (makes no sense for a peer), `library` (nor for glibc), `root`,
`threads`, `alone` (measures time or memory: Meson runs nothing beside it), `nightly` (among all of them only
where the environment has TEST_LONG), `known` (tarn fails it to this day: Meson expects that, and says so when it no longer does).
"""
import dataclasses
import os
import pathlib
import shlex

FOLDER = pathlib.Path(__file__).resolve().parent / "facts"
DEFAULT_TIMEOUT = 60
LONG = 10  # scripts/test --long: how much more is done, and time given


@dataclasses.dataclass
class Fact:
    full_name: str
    command: list
    dies: str = ""
    says: str = ""
    environment: dict = dataclasses.field(default_factory=dict)
    limits: dict = dataclasses.field(default_factory=dict)
    timeout: int = DEFAULT_TIMEOUT
    long: str = ""
    tarn_only: bool = False
    needs_root: bool = False
    absent_glibc: bool = False
    alone: bool = False
    known: bool = False
    nightly: bool = False

    @property
    def scenario(self):
        return self.command[0][1:] if self.command[0].startswith("@") else ""


def size(text):
    units = {"k": 10, "M": 20, "G": 30}
    return int(text[:-1]) << units[text[-1]] if text[-1] in units else int(text)


def apply(fact, option):
    word, _, rest = option.partition(" ")
    key, _, value = option.partition("=")
    if word == "dies":
        fact.dies = rest
    elif word == "says":
        fact.says = rest
    elif word == "env":
        name, _, setting = rest.partition("=")
        fact.environment[name] = setting
    elif key in ("as", "data"):
        fact.limits[key] = size(value)
    elif key == "time":
        fact.timeout = int(value)
    elif word == "long":
        fact.long = rest
    elif option in ("tarn", "root", "library"):
        fact.tarn_only |= option == "tarn"
        fact.needs_root |= option == "root"
        fact.absent_glibc |= option == "library"
    elif option in ("alone", "known", "nightly"):
        setattr(fact, option, True)
    elif option != "threads":
        raise SystemExit(f"{fact.full_name}: unknown option {option!r}")


def parse(group, line):
    name, _, rest = line.partition(" = ")
    command, *options = [part.strip() for part in rest.split(" ; ")]
    fact = Fact(f"{group}/{name.strip()}", shlex.split(command))
    for option in options:
        apply(fact, option)
    if fact.long and os.environ.get("TEST_LONG"):
        fact.command[-1] = fact.long
        fact.timeout *= LONG
    return fact


def read_all():
    found = []
    for path in sorted(FOLDER.glob("*.txt")):
        for line in path.read_text().splitlines():
            if line.strip() and not line.startswith("#"):
                found.append(parse(path.stem, line))
    return found
