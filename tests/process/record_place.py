# SPDX-License-Identifier: MIT
"""What the scenarios about records share: a place for records, and programs that make some."""
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import time

import harness

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "support"))
import record_file  # noqa: E402

LONG = bool(os.environ.get("TEST_LONG"))
MIB = 1 << 20


def run(context, arguments, settings, expected=0, **other):
    result = context.run(arguments, environment=settings, **other)
    assert result.status == expected, result.short()
    return result


def start(context, arguments, settings, **other):
    return subprocess.Popen([context.program(arguments[0]), *arguments[1:]], env=context.environment(settings),
                            stdin=subprocess.DEVNULL, **other)


def silent(result):
    lines = [line for line in result.errors.splitlines() if line.startswith("tarn: ")]
    assert not lines, lines


def one_line(result, *words):
    lines = [line for line in result.errors.splitlines() if line.startswith("tarn: ")]
    assert len(lines) == 1, result.errors
    for word in words:
        assert word in lines[0], lines[0]


class Place:
    """A folder of records, and what is in it."""

    def __init__(self):
        self.folder = tempfile.mkdtemp(prefix="tarn-record-")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        shutil.rmtree(self.folder, ignore_errors=True)

    def path(self, name="record"):
        return os.path.join(self.folder, name)

    def settings(self, name="record", **more):
        return {"TARN_RECORD": self.path(name), **more}

    def names(self):
        return sorted(os.listdir(self.folder))

    def records(self):
        return [record_file.Record(self.path(name)) for name in self.names()]


def default_place(place):
    """The environment in which the default place is this folder."""
    return {"XDG_RUNTIME_DIR": place.folder, "TARN_RECORD": "1"}


def when_there(path, writable=False):
    until = time.monotonic() + 20 * harness.PATIENCE
    while True:
        try:
            return record_file.Record(path, writable)
        except (record_file.NoRecord, FileNotFoundError):
            assert time.monotonic() < until, "no record comes"
            time.sleep(0.002)
