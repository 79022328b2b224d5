#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""What scripts/bench-api and scripts/bench-translator promise: the least of all repetitions, pairs that belong
together, nothing that failed counted. On made-up numbers, and on programs that only write a report."""
import io
import json
import os
import re
import sys

from bench_data import fake_build, refused
from checks import ROOT, expect, main, run

from benchlib import api, translator
from benchlib.driving.progress import Progress

DRIVER = [sys.executable, "-B", os.path.join(ROOT, "scripts", "bench_run.py"), "bench-api"]


def benchmark(name, nanoseconds, **more):
    return {"name": name, "run_type": "iteration", "real_time": nanoseconds, "time_unit": "ns", **more}


def fake_program(build, name, benchmarks, status=0):
    """A program of bench/api that writes this report, and its own arguments beside itself."""
    path = os.path.join(build, "bench", "api", f"api_{name}")
    os.makedirs(os.path.dirname(path), exist_ok=True)
    report = json.dumps({"benchmarks": benchmarks})
    with open(path, "w", encoding="utf-8") as file:
        file.write("#!/bin/sh\necho \"$@\" >\"$0.arguments\"\n"
                   "for word; do case $word in --benchmark_out=*) out=${word#*=} ;; esac; done\n"
                   f"cat >\"$out\" <<'END'\n{report}\nEND\nexit {status}\n")
    os.chmod(path, 0o755)
    return path


def check_pairs(_):
    """cases are paired by name; what nobody shares is no comparison"""
    cases = api.paired({"tarn/small/64": 2.0, "glibc/small/64": 6.0, "boost/small/64": 1.0, "tarn/large": 1.0,
                        "glibc/other": 9.0, "nameless": 1.0})
    assert cases == {"small/64": {"tarn": 2.0, "glibc": 6.0, "boost": 1.0}, "large": {"tarn": 1.0},
                     "other": {"glibc": 9.0}}, cases
    assert list(api.compared(cases)) == ["small/64"] and api.peers(cases) == ["glibc", "boost"]


def check_order(_):
    """cases come as the program registers them, whatever the order of the repetitions"""
    report = {"benchmarks": [benchmark("tarn/b", 1.0, family_index=1, per_family_instance_index=0),
                             benchmark("tarn/a/2", 1.0, family_index=0, per_family_instance_index=1),
                             benchmark("tarn/a/1", 1.0, family_index=0, per_family_instance_index=0)]}
    api.in_order(report)
    assert [one["name"] for one in report["benchmarks"]] == ["tarn/a/1", "tarn/a/2", "tarn/b"], report


def check_table(_):
    """ratios to tarn, their geometric mean over what a peer has, and what stands alone"""
    cases = {"a": {"tarn": 2.0, "glibc": 8.0, "boost": 1.0}, "b": {"tarn": 4.0, "glibc": 4.0}, "c": {"tarn": 7.0}}
    shown = api.part_report("pool", {"cases": cases, "faults": {"boost/b": "out of memory"}})
    assert re.search(r"^pool +tarn, ns +tarn +glibc +boost$", shown, re.MULTILINE), shown
    assert re.search(r"^a +2.00 +1 +4.00 +0.500$", shown, re.MULTILINE), shown
    assert re.search(r"^b +4.00 +1 +1.00 +-$", shown, re.MULTILINE), shown
    assert re.search(r"^geometric mean +1 +2.00 +0.500$", shown, re.MULTILINE), shown
    assert re.search(r"^tarn/c +7.00$", shown, re.MULTILINE) and "boost/b: out of memory" in shown, shown


def check_run(directory):
    """the least of interleaved repetitions, aggregates and errors left out; results stored and shown again"""
    build, output = os.path.join(directory, "build"), os.path.join(directory, "out.json")
    path = fake_program(build, "arena", [
        benchmark("tarn/bump", 3.0), benchmark("tarn/bump", 2.0), benchmark("glibc/bump", 8.0),
        benchmark("glibc/bump", 9.0), benchmark("tarn/bump_mean", 1.0, run_type="aggregate"),
        benchmark("talloc/bump", 0.0, error_occurred=True, error_message="not the same result")])
    done = run([*DRIVER, "--build", build, "--output", output, "--quick"])
    expect(done.returncode == 1 and re.search(r"^bump +2.00 +1 +4.00$", done.stdout, re.MULTILINE)
           and "talloc/bump: not the same result" in done.stdout, done)
    with open(path + ".arguments", encoding="utf-8") as file:
        given = file.read()
    assert "--benchmark_enable_random_interleaving=true" in given and "--benchmark_repetitions=9" in given, given
    again = run([*DRIVER, "--show", output])
    expect(again.stdout == done.stdout, again)
    asjson = run([*DRIVER, "--show", output, "--json"])
    expect(json.loads(asjson.stdout)["parts"]["arena"]["cases"] == {"bump": {"tarn": 2.0, "glibc": 8.0}}, asjson)


def check_arguments(directory):
    """wrong arguments and programs that fail: one line that says what is right"""
    build = os.path.join(directory, "build")
    empty = run([*DRIVER, "--build", build])
    expect(empty.returncode == 2 and "libbenchmark-dev" in empty.stderr, empty)
    fake_program(build, "pool", [], status=3)
    for words, said in ((["no-part"], "unknown part: no-part; known are: pool"), (["pool"], "api_pool: status 3"),
                        (["--repetitions", "5"], "at least 9"), (["--show", "/no/such"], "cannot read"),
                        (["--show", __file__], "cannot read")):
        done = run([*DRIVER, "--build", build, *words])
        expect(done.returncode == 2 and said in done.stderr and "Traceback" not in done.stderr, done)


def turn(least, first, peak, work=10):
    return {"first": first, "least": least, "processor": least, "peak": peak, "work": work, "allocations": 3.0}


def check_translators(_):
    """each variant once per turn, each turn beginning with another; the least of all turns; ratios to glibc"""
    order = []

    def one(_, variant, files, threads):
        order.append(variant)
        scale = {"plain, glibc": 8.0, "plain, tarn's malloc": 4.0, "tarn's interface": 2.0}[variant]
        return turn(scale + len(order) / 100, 2 * scale + len(order), 100 * scale)

    cases = translator.measured("", [10], [2], 3, one, lambda runs: Progress(runs, io.StringIO()))
    names = list(translator.VARIANTS)
    assert order == names + [*names[1:], names[0]] + [names[2], *names[:2]], order
    found = cases[0]["variants"]
    assert abs(found["plain, glibc"]["least"] - 8.01) < 1e-9 and abs(found["tarn's interface"]["least"] - 2.03) < 1e-9
    shown = translator.report({"cases": [{"files": 10, "threads": 2, "variants": {
        names[0]: turn(8.0, 9.0, 2048), names[1]: turn(4.0, 6.0, 4096), names[2]: turn(2.0, 3.0, 1024)}}]})
    assert re.search(r"^10 +2 +8.00 +2.00 +2.00 +1.50 +\+100% +4.00 +3.00 +-50% +3.00$", shown, re.MULTILINE), shown


def check_translators_agree(_):
    """a translator that writes less is not compared"""
    def one(_, variant, files, threads):
        return turn(1.0, 1.0, 1, work=9 if "interface" in variant else 10)

    refused("different amounts", translator.measured, "", [10], [1], 1, one, lambda runs: Progress(runs, io.StringIO()))


def check_translator_process(directory):
    """a process's numbers are read from what it prints; one that fails is no result"""
    build = fake_build(directory)
    folder = os.path.join(build, "bench", "translator")
    os.makedirs(folder)
    for name, text in (("translate_plain", "echo first 3 ms; echo least 2.5 ms; echo work 7 bytes; echo $@ >&2"),
                       ("translate", "echo no >&2; exit 1")):
        with open(os.path.join(folder, name), "w", encoding="utf-8") as file:
            file.write(f"#!/bin/sh\n{text}\n")
        os.chmod(os.path.join(folder, name), 0o755)
    found = translator.run(build, "plain, glibc", 500, 2)
    assert found["peak"] > 0 and {**found, "peak": 1} == {"first": 3.0, "least": 2.5, "peak": 1, "work": 7.0}, found
    assert translator.command(build, "plain, glibc", 500, 2)[1:] == ["--plain", "--files", "500", "--threads", "2",
                                                                     "--rounds", "4"]
    refused("tarn's interface, 500 files: no", translator.run, build, "tarn's interface", 500, 1)


if __name__ == "__main__":
    sys.exit(main(globals()))
