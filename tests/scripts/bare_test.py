#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""The tests of this folder again, where nothing is to be found but what a build needs: a PATH of the essential and
the core packages' commands, and no library of another allocator. No test may count on what another script, or
somebody, installed; one that needs a thing says so and is skipped."""
import os
import re
import sys

from checks import ROOT, Skip, expect, main, run

FOLDER = os.path.dirname(os.path.abspath(__file__))
# What scripts/lib.sh calls core, and the packages that hold the commands of these.
CORE = ("g++", "gcc", "cpp", "binutils", "binutils-*-linux-gnu", "meson", "ninja-build", "pkg-config", "pkgconf",
        "pkgconf-bin", "python3", "python3-minimal")
OPTIONAL = ("gdb", "clang", "musl-gcc", "valgrind", "spin", "git", "jq", "php", "node", "ruby", "redis-server",
            "apt-get", "sudo")
VERDICT = re.compile(r"^(ok|FAIL|SKIP)\s+[\d.]+ s  (.*)$", re.MULTILINE)


def packages():
    """Essential ones and the core, by dpkg."""
    try:
        done = run(["dpkg-query", "-W", "-f=${db:Status-Status} ${Essential} ${Package}\n"])
    except OSError:
        raise Skip("dpkg-query is not installed") from None
    essential = re.findall(r"^installed yes (\S+)$", done.stdout, re.MULTILINE)
    named = run(["dpkg-query", "-W", "-f=${db:Status-Status} ${Package}\n", *CORE]).stdout
    return [*essential, *re.findall(r"^installed (\S+)$", named, re.MULTILINE)]


def bare(directory):
    """The environment in which nothing optional is found."""
    folder = os.path.join(directory, "bin")
    os.mkdir(folder)
    for path in run(["dpkg-query", "-L", *packages()]).stdout.splitlines():
        place = os.path.join(folder, os.path.basename(path))
        if re.fullmatch(r"(/usr)?/s?bin/[^/]+", path) and os.path.exists(path) and not os.path.lexists(place):
            os.symlink(path, place)
    for word in ("sh", "awk", "cc", "c++"):  # by alternatives or a maintainer script
        if not os.path.lexists(os.path.join(folder, word)) and os.path.exists(f"/usr/bin/{word}"):
            os.symlink(f"/usr/bin/{word}", os.path.join(folder, word))
    nothing = os.path.join(directory, "nothing")  # no development package, so no command `tarn`
    return {**os.environ, "PATH": folder, "BENCH_LIBRARY_FOLDERS": nothing, "PKG_CONFIG_LIBDIR": nothing}


def verdicts(directory, file):
    done = run([sys.executable, "-B", os.path.join(FOLDER, file)], env=bare(directory), timeout=800)
    found = VERDICT.findall(done.stdout)
    expect(done.returncode == 0 and found and not any(word == "FAIL" for word, _ in found), done)
    return found


def check_view(directory):
    """what is optional cannot be found there, by a command's or an allocator's name"""
    environment = bare(directory)
    visible = sorted(os.listdir(environment["PATH"]))
    assert not set(OPTIONAL) & set(visible), set(OPTIONAL) & set(visible)
    assert {"sh", "gcc", "g++", "meson", "ninja", "python3", "readelf"} <= set(visible), visible
    done = run([sys.executable, "-B", os.path.join(ROOT, "scripts", "bench_run.py"), "bench", "--list"], env=environment)
    expect(done.stdout.count("is not installed") >= 4, done)


def check_bench(directory):
    """the tests of scripts/bench pass there, all of them"""
    assert {word for word, _ in verdicts(directory, "bench_test.py")} == {"ok"}


def check_bench_api(directory):
    """those of scripts/bench-api, all of them"""
    assert {word for word, _ in verdicts(directory, "bench_api_test.py")} == {"ok"}


def check_run(directory):
    """those of scripts/run; what needs another C library's compiler or another user says so"""
    skipped = [name for word, name in verdicts(directory, "run_test.py") if word == "SKIP"]
    known = re.compile(r": (\S+ is not installed|needs root|this file system)")
    assert all(known.search(name) for name in skipped), skipped


def check_fresh_copy(directory):
    """a fresh copy builds and runs there"""
    assert {word for word, _ in verdicts(directory, "fresh_copy_test.py")} == {"ok"}


def check_install(directory):
    """those of an installed tarn"""
    skipped = [name for word, name in verdicts(directory, "install_test.py") if word == "SKIP"]
    assert all(name.endswith(" is not installed") for name in skipped), skipped


if not os.environ.get("TEST_LONG"):  # these repeat the most, and lean on little that the others do not
    del check_bench, check_bench_api, check_install, check_fresh_copy

if __name__ == "__main__":
    sys.exit(main(globals()))
