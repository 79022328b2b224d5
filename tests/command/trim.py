#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""What `tarn trim` promises, one fact a call.

usage: trim.py TARN LIBRARY FACT
"""
import json
import os
import re
import signal
import subprocess

from tool import PYTHON, compiled, cannot_test, main, refused, run, start

# 50 MiB that were freed in pieces, and a little work now and then.
HOLDER = """#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
int main(int count, char **words) {
    static char *blocks[50000];
    for (int i = 0; i < 50000; ++i) memset(blocks[i] = malloc(1000), 1, 1000);
    for (int i = 0; i < 50000; ++i) free(blocks[i]);
    puts("ready");
    fflush(stdout);
    while (count == 1) {
        usleep(10000);
        for (int i = 0; i < 200; ++i) blocks[i] = malloc(1000);
        for (int i = 0; i < 200; ++i) free(blocks[i]);
    }
    pause();
}
"""


class Holder:
    def __init__(self, *words):
        self.words = words

    def __enter__(self):
        self.run = start("run", "-q", "-o", "record", compiled(HOLDER, "-O1"), *self.words, stdout=subprocess.PIPE,
                         env={**os.environ, "TARN_DIRTY": "1g"})
        assert self.run.stdout.readline() == "ready\n"
        return self

    def __exit__(self, *_):
        self.run.kill()
        self.run.wait()


def memory_becomes_free():
    with Holder():
        done = run("trim", "record")
        assert done.returncode == 0, done
        found = re.fullmatch(r"program, process \d+: ([\d.]+) MiB given back; ([\d.]+) MiB resident before, ([\d.]+) MiB now\n",
                             done.stdout)
        assert found and float(found[1]) > 40 and float(found[2]) > 50 > 15 > float(found[3]), done
        done = run("trim", "--json", "record")
        shown = json.loads(done.stdout)
        assert done.returncode == 0 and shown["obeyed"] and shown["given_back"] < 10 << 20, shown


def an_idle_process_obeys_later():
    with Holder("idle"):
        refusal = refused(3, "trim", "--wait", "0.2", "record")
        assert "has not obeyed for 0.2 s" in refusal and "asleep" in refusal, refusal
        done = run("trim", "--wait", "0.1", "--json", "record")
        assert done.returncode == 3 and not json.loads(done.stdout)["obeyed"], done


def who_cannot_be_asked_gets_one_line():
    assert "there is none" in refused(1, "trim", "99999999")
    assert f"no record in {os.getcwd()}" in refused(1, "trim", str(os.getpid()))
    assert "No such file" in refused(1, "trim", "missing")
    run("run", "-q", "-o", "record", "true")
    assert "ended: there is nobody to ask" in refused(1, "trim", "record")
    refused(2, "trim")
    refused(2, "trim", "record", "--wait", "long")


def another_users_process_is_named():
    nobody = {"user": 65534, "group": 65534, "extra_groups": [], "cwd": "/"} if os.geteuid() == 0 else {}
    try:
        refusal = refused(1, "trim", "1", **nobody)
    except PermissionError:
        cannot_test("other users may not go to the build")
    assert "root's; ask as root" in refusal, refusal


if __name__ == "__main__":
    main(globals())
