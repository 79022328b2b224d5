#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""What scripts/bench promises: nothing that failed is counted or dropped, a stopped run goes on, noise is not
called a change, and plots are readable. On made-up numbers, and on a few commands that end at once."""
import io
import itertools
import json
import os
import random
import re
import subprocess
import sys
import xml.etree.ElementTree

from bench_data import fake_build, fake_peer, fake_table, launcher, made_entry, made_results, made_run, refused
from checks import ROOT, expect, main, run

from benchlib.drawing import plots, svg
from benchlib.driving import allocators, machine, micro, progress, session, workloads
from benchlib.driving.measure import Launcher
from benchlib.results import compare, store, text

DRIVER = [sys.executable, "-B", os.path.join(ROOT, "scripts", "bench_run.py"), "bench"]
WORK = "echo work 7 ops"


def close(number, expected):
    assert number is not None and abs(number - expected) < 1e-9, f"{number}, not {expected}"


def silent(runs):
    return progress.Progress(runs, io.StringIO())


def ran(directory, commands, *peers, timeout=20.0):
    """Two rounds of these commands under glibc and the peers; the results."""
    build = fake_build(directory)
    listed = workloads.load(fake_table(directory, commands), build, ROOT)
    chosen = [allocators.Allocator("glibc"), *peers]
    found = store.new("made", {}, 2, False, chosen, listed)
    path = os.path.join(directory, "made.json")
    session.Session(Launcher(build, timeout), found, path, progress=silent).run(listed, chosen)
    assert store.load(path) == found
    return found


def check_means(_):
    """least time, median memory, ratios and geometric means"""
    entries = [made_entry("one", {"glibc": [made_run(2.0, 10), made_run(4.0, 30), made_run(3.0, 20)],
                                  "tarn": [made_run(1.0, 40), made_run(9.0, 40)]}),
               made_entry("two", {"glibc": [made_run(1.0, 10)], "tarn": [made_run(2.0, 10)]})]
    names = ["glibc", "tarn"]
    close(store.value(entries[0], "glibc", "wall"), 2.0)
    close(store.value(entries[0], "glibc", "peak"), 20.0)
    close(store.ratio(entries[0], "glibc", "wall", names), 2.0)
    close(store.ratio(entries[0], "tarn", "wall", names, "glibc"), 0.5)
    close(store.mean_ratio(entries, "glibc", "wall", names), 2.0 ** 0.5)
    close(store.mean_ratio(entries, "tarn", "wall", names, "glibc"), 1.0)
    close(store.mean_ratio(entries, "tarn", "peak", names, "glibc"), 2.0 ** 0.5)


def check_failures_counted(_):
    """a failure leaves its workload out of all means, and the report names it"""
    good = made_entry("good", {"glibc": [made_run(1.0)], "tarn": [made_run(3.0)]})
    bad = made_entry("bad", {"glibc": [made_run(1.0)], "tarn": [made_run(0.1), made_run(0.1, failure="crash")]})
    found = made_results([good, bad], ["glibc", "tarn"])
    kept, left_out = store.common(found)
    assert kept == [good] and [(entry, failed) for entry, failed in left_out] == [(bad, {"tarn": "crash"})]
    report = text.report(found)
    assert "bad: tarn: crash" in report and "over the 1 workloads" in report, report
    assert re.search(r"^bad +1\.00 +1\.00 +crash$", report, re.MULTILINE), report


def check_outputs(_):
    """an output that differs is no result; glibc's is right, or else the commonest"""
    entry = made_entry("x", {"glibc": [made_run(1.0)], "a": [made_run(1.0, output="b")],
                             "tarn": [made_run(1.0, output="b")]})
    assert [store.failure(entry, name) for name in ("glibc", "a", "tarn")] == ["", "wrong output", "wrong output"]
    del entry["runs"]["glibc"]
    entry["runs"]["c"] = [made_run(1.0, output="c")]
    assert [store.failure(entry, name) for name in ("a", "tarn", "c")] == ["", "", "wrong output"]
    entry["runs"]["tarn"].append(made_run(1.0, output="d"))
    assert store.failure(entry, "tarn") == "wrong output"
    assert store.failure(entry, "absent") == "not run"


def check_verdicts(directory):
    """real commands: crash, exit status, timeout, no work line, other output, skipped"""
    commands = {"good": WORK + "; echo left 3.5 MiB", "crash": "kill -SEGV $$",
                "inner-crash": "sh -c 'kill -ABRT $$'; exit $?", "status": "exit 3", "slow": "sleep 30",
                "silent": "true", "differs": "echo work ${LD_PRELOAD:+1}7 ops",
                "same": ("echo $LD_PRELOAD", {"output": "same"}), "absent": (WORK, {"needs": "no-such-command"})}
    peer = allocators.Allocator("peer", libraries=(fake_peer(directory, "peer"),))
    found = ran(directory, commands, peer, timeout=2.0)
    entries = {entry["name"]: entry for entry in found["workloads"]}
    verdicts = {name: (store.failure(entry, "glibc"), store.failure(entry, "peer"))
                for name, entry in entries.items() if not entry["skipped"]}
    assert verdicts == {"good": ("", ""), "crash": ("crash",) * 2, "inner-crash": ("crash",) * 2,
                        "status": ("exit 3",) * 2, "slow": ("timeout",) * 2, "silent": ("no work line",) * 2,
                        "differs": ("", "wrong output"), "same": ("", "wrong output")}, verdicts
    assert "no-such-command" in entries["absent"]["skipped"]
    assert store.extras(entries["good"]) == {("left", "MiB"): {"glibc": 3.5, "peer": 3.5}}
    assert len(entries["crash"]["runs"]["glibc"]) == 1, "what failed is not run again"


def check_not_loaded(directory):
    """an allocator that the loader refuses is not measured as if it had served"""
    library = fake_table(directory, {"x": WORK})  # a file, but nothing that can be loaded
    found = ran(directory, {"good": WORK}, allocators.Allocator("peer", libraries=(library,)))
    assert store.failure(found["workloads"][0], "peer") == "not loaded"


def check_environment(directory):
    """workloads inherit nothing that tunes an allocator, and LD_PRELOAD is theirs alone"""
    os.environ["MALLOC_ARENA_MAX"] = "1"
    try:
        found = ran(directory, {"good": "echo work ${MALLOC_ARENA_MAX-0}${LD_PRELOAD-0} ops"})
    finally:
        del os.environ["MALLOC_ARENA_MAX"]
    assert found["workloads"][0]["runs"]["glibc"][0]["work"] == [0.0, "ops"], found["workloads"]


def check_measures(directory):
    """time and peak memory are the command's and its children's, not the driver's"""
    ballast = bytearray(b"x" * 100_000_000)
    python = f"{sys.executable} -S -c 'x = b\"x\" * 60_000_000; print(\"work 7 ops\")'; true"
    found = ran(directory, {"small": "sleep 0.2; " + WORK, "large": python})
    small, large = (entry["runs"]["glibc"][0] for entry in found["workloads"])
    assert len(ballast) and small["peak_kib"] < 20_000 and 55_000 < large["peak_kib"] < 90_000, (small, large)
    assert 0.2 <= small["wall"] < 5 and large["user"] + large["system"] > 0, (small, large)


def check_one_processor(directory):
    """a workload with one thread at work has one processor, the same for all allocators; others have all; a wrong one is
    refused"""
    shown = "echo work $(nproc) ops; echo processor $(awk '/^Cpus_allowed_list/ { print int($2) }' /proc/self/status) no"
    peer = allocators.Allocator("peer", libraries=(fake_peer(directory, "peer"),))
    found = ran(directory, {"alone": (shown, {"one_processor": True}), "free": shown}, peer)
    alone, free = ([one for runs in entry["runs"].values() for one in runs] for entry in found["workloads"])
    assert {one["work"][0] for one in alone} == {1.0} and len(alone) == 4, alone
    assert len({one["extra"]["processor"][0] for one in alone}) == 1, alone
    assert {one["work"][0] for one in free} == {float(len(os.sched_getaffinity(0)))}, free
    assert machine.fastest_processor() in os.sched_getaffinity(0)
    for wrong in ("", "x", "1x", "-1", "999999"):
        status = subprocess.run([launcher(), "-o", f"{directory}/r", "--processor", wrong, "--", "true"],
                                stderr=subprocess.PIPE, text=True, check=False)
        assert status.returncode == 2 and "--processor" in status.stderr, (wrong, status)


def check_turns(_):
    """all allocators in each round, each of them first in turn"""
    orders = [order for _, order in session.turns(["a", "b", "c"], 6)]
    assert all(sorted(order) == ["a", "b", "c"] for order in orders)
    assert [order[0] for order in orders] == ["a", "b", "c", "a", "b", "c"]


def check_resume(directory):
    """a stopped run goes on with the workloads that it lacks, unless an allocator has changed"""
    build, library = fake_build(directory), fake_peer(directory, "peer")
    table = fake_table(directory, {"one": f"echo >>{directory}/one; {WORK}",
                                   "two": f"echo >>{directory}/two; test -e {directory}/two-may && {WORK}"
                                          f" || kill -INT $(cut -d' ' -f4 /proc/$PPID/stat)"})
    output = os.path.join(directory, "out.json")
    options = ["--table", table, "--build", build, "--peer", f"peer={library}"]
    done = run([*DRIVER, *options, "--quick", "--allocators", "glibc,peer", "--output", output])
    expect(done.returncode == 130 and f"--resume {output}" in done.stderr, done)
    with open(f"{directory}/two-may", "w", encoding="utf-8"):
        pass
    done = run([*DRIVER, *options, "--resume", output])
    expect(done.returncode == 0 and "2 workloads that every allocator finished" in done.stdout, done)
    with open(f"{directory}/one", encoding="utf-8") as file:
        assert len(file.readlines()) == 4, "the first workload ran again"
    with open(output, encoding="utf-8") as file:
        first = file.read()
    done = run([*DRIVER, *options, "--quick", "--allocators", "glibc", "--output", output])
    expect(done.returncode == 0 and "out-before.json" in done.stderr, done)
    os.replace(os.path.join(directory, "out-before.json"), output)
    with open(output, encoding="utf-8") as file:
        assert file.read() == first, "the results of the run before are not kept"
    done = run([*DRIVER, *options[:-2], "--resume", output])
    expect(done.returncode == 2 and "name a peer's file by --peer again" in done.stderr, done)
    fake_peer(directory, "peer", "int peer, other;\n")
    done = run([*DRIVER, *options, "--resume", output])
    expect(done.returncode == 2 and "peer is not what it was" in done.stderr, done)


def check_deadline(directory):
    """when time is up, complete workloads are kept and the others are named"""
    build = fake_build(directory)
    listed = workloads.load(fake_table(directory, {"one": WORK, "two": WORK}), build, ROOT)
    chosen = [allocators.Allocator("glibc")]
    found = store.new("made", {"processor": "", "cores": 1, "memory_mib": 1, "kernel": "", "libc": ""}, 2, True,
                        chosen, listed)
    ticks = itertools.chain([0.0] * 5, itertools.repeat(100.0))
    session.Session(Launcher(build), found, os.path.join(directory, "x.json"), 50.0, lambda: next(ticks),
                    silent).run(listed, chosen)
    assert [entry["name"] for entry in found["workloads"]] == ["one"] and not found["complete"], found
    assert text.left_out(found) == ["two: not reached"] and "NOT COMPLETE" in text.report(found)


def compared(factor):
    """tarn `factor` times as slow, everything a tenth slower, peers unchanged but for noise."""
    random.seed(1)
    names = ["glibc", "peer", "tarn"]

    def entries(scale, of_tarn):
        return [made_entry(f"w{number}", {name: [made_run(scale * (of_tarn if name == "tarn" else 1.0)
                                                          * random.uniform(1.0, 1.015)) for _ in range(5)]
                                          for name in names}) for number in range(12)]

    files = {name: [{"file": name, "bytes": 1, "sha256": name}] for name in names}
    after = {**files, "tarn": [{"file": "tarn", "bytes": 2, "sha256": "other"}]}
    return compare.Change(made_results(entries(1.0, 1.0), names, files),
                          made_results(entries(1.1, factor), names, after), "wall")


def check_compare(_):
    """a change is marked, noise and a slower machine are not"""
    table = compared(1.0).table()
    assert "+" not in table and "-" not in table, table
    for factor, sign in ((1.08, "+"), (0.9, "-")):
        change = compared(factor)
        rows = [line.split() for line in change.table().splitlines()[1:-1]]
        assert all(row[3].endswith(sign) and row[1][-1].isdigit() for row in rows), change.table()
        assert change.same == ["glibc", "peer"] and abs(change.machine - 1.1) < 0.01, change.rule()
        assert abs(float(change.table().splitlines()[-1].split()[-1]) - 1.1 * factor) < 0.02, change.table()


def check_compare_failures(_):
    """a crash that came or went is named"""
    before = made_results([made_entry("x", {"glibc": [made_run(1.0)], "tarn": [made_run(1.0)]})], ["glibc", "tarn"])
    after = json.loads(json.dumps(before))
    after["workloads"][0]["runs"]["tarn"][0]["failure"] = "crash"
    assert "ok > crash" in compare.report(before, after) and "crash > ok" in compare.report(after, before)


def many(peers=8, count=45):
    """As many as a full run has."""
    random.seed(2)
    names = ["glibc", "tarn", "tarn-system", *(f"peer{number}" for number in range(peers))]
    rows = [f"server-{threads}" for threads in (1, 2, 4, 8, 16)] + [f"w<{number}&>" for number in range(count - 5)]
    entries = [made_entry(row, {name: [made_run(random.uniform(0.5, 2.0), random.randint(10, 30))] for name in names})
               for row in rows]
    entries[7]["runs"]["tarn"][0]["failure"] = "crash"
    return made_results(entries, names), names, rows


def check_plots(directory):
    """well-formed SVG that names every workload and allocator"""
    found, names, rows = many()
    paths = plots.write(found, directory)
    assert sorted(map(os.path.basename, paths)) == ["memory.svg", "plane.svg", "threads.svg", "time.svg"]
    for path in paths:
        tree = xml.etree.ElementTree.parse(path)
        words = {"".join(element.itertext()) for element in tree.iter("{http://www.w3.org/2000/svg}text")}
        file = os.path.basename(path)
        wanted = [name for name in names if file != "threads.svg" or not name.startswith("tarn-")]
        wanted += [*rows, "crash"] if file in ("time.svg", "memory.svg") else []
        assert set(wanted) <= words, f"{file} lacks {set(wanted) - words}"
        width = float(tree.getroot().get("width"))
        assert 400 <= width <= 1000, f"{file} is {width} wide"


def check_plots_of_little(directory):
    """one workload, no thread families, nobody without a failure: still no error"""
    entry = made_entry("x", {"glibc": [made_run(1.0, failure="crash")], "tarn": [made_run(1.0)]})
    paths = plots.write(made_results([entry], ["glibc", "tarn"]), directory)
    assert sorted(map(os.path.basename, paths)) == ["memory.svg", "time.svg"]
    entry["runs"]["glibc"] = [made_run(1.0)]
    assert len(plots.write(made_results([entry], ["glibc", "tarn"]), directory)) == 3


def check_labels(_):
    """labels overlap neither each other nor a point, even where points crowd"""
    random.seed(3)
    for spread in (400, 60, 15):
        points = [(400 + random.uniform(-spread, spread) / 2, 250 + random.uniform(-spread, spread) / 2, 6,
                   f"allocator{number}", False) for number in range(12)]
        boxes = svg.place_labels(points, 13, (0, 0, 800, 500))
        for one, other in itertools.combinations(boxes, 2):
            assert svg.overlap(one, other) == 0, (spread, one, other)
        for (x, y, radius, _, _), box in itertools.product(points, boxes):
            assert svg.overlap(box, (x - radius, y - radius, x + radius, y + radius)) == 0, (spread, box)
    moved = svg.spread_apart([5.0, 5.0, 6.0, 99.0], 10.0, 0.0, 100.0)
    assert all(b - a >= 9.999 for a, b in itertools.pairwise(moved)) and moved[-1] <= 100.0, moved


def check_table_of_workloads(directory):
    """a table with a mistake is refused with its place"""
    for more, words in (({"group": "none"}, "unknown group"), ({"output": "?"}, "unknown output"),
                        ({"quick": "yes"}, "'quick'"), ({"colour": 1}, "unknown key 'colour'"),
                        ({"command": []}, "at least one"), ({"name": "A b"}, "a-z")):
        refused(words, workloads.load, fake_table(directory, {"x": (WORK, more)}), "/build", ROOT)
    found = workloads.load(fake_table(directory, {"x": "{build}/x", "y": ("y", {"group": "life"})}), "/b", ROOT)
    assert found[0].command[-1] == "/b/x"
    assert [one.name for one in workloads.select(found, ["group:life", "x"])] == ["x", "y"]
    refused("known are: x, y", workloads.select, found, ["z"])
    assert [one.name for one in workloads.interleaved([*found[:1] * 2, found[1]])] == ["x", "y", "x"]


def check_arguments(directory):
    """wrong arguments: one line that says what is right"""
    build, table = fake_build(directory), fake_table(directory, {"x": WORK})
    for words, said in ((["--workloads", "z"], "unknown workload: z; known are: x"),
                        (["--allocators", "z"], "unknown allocator: z; known are: glibc, mimalloc"),
                        (["--allocators", "tarn"], "libtarn.so is not built"), (["--rounds", "3"], "at least 5"),
                        (["--peer", "z=/no/such.so"], "there is no file /no/such.so"),
                        (["--peer", f"z={table}"], "no shared object"), (["--show", table], "no results file"),
                        (["--show", "/no/such"], "cannot read"), (["--table", "/no/such"], "cannot read")):
        done = run([*DRIVER, "--table", table, "--build", build, *words])
        expect(done.returncode == 2 and said in done.stderr and len(done.stderr.splitlines()) == 1, done)


def check_absent_allocators(directory):
    """an allocator that this machine lacks is named with its package, and asked for by name refused"""
    options = ["--table", fake_table(directory, {"x": WORK}), "--build", fake_build(directory)]
    nothing = {**os.environ, "BENCH_LIBRARY_FOLDERS": directory}
    done = run([*DRIVER, *options, "--quick"], env=nothing)
    expect(done.returncode == 0 and "mimalloc" not in done.stdout, done)
    done = run([*DRIVER, *options, "--list"], env=nothing)
    listed = re.findall(r"^(\w+) +package (\S+) is not installed$", done.stdout, re.MULTILINE)
    assert listed == [(name, package) for name, _, package in allocators.DEBIAN], listed
    done = run([*DRIVER, *options, "--allocators", "tbbmalloc"], env=nothing)
    expect(done.returncode == 2 and "package libtbbmalloc2 is not installed" in done.stderr, done)


def check_watched_allocators(directory):
    """tarn with a record and with samples: only where named, records in the run's scratch folder"""
    build = fake_build(directory)
    for name in ("libtarn.so", "libtarn-record.so"):
        os.rename(fake_peer(directory, "made"), f"{build}/{name}")
    known = allocators.known(build)
    assert not {"tarn-record", "tarn-profile"} & {one.name for one in allocators.select(known, [])}
    chosen = allocators.select(known, ["tarn", "tarn-record", "tarn-profile"])
    assert [[file["file"] for file in one.files()][1:] for one in chosen] == [[], *[["libtarn-record.so"]] * 2]
    shown = ('echo work 7 ops; echo "$TARN_RECORD $TARN_PROFILE" >&2; [ "$XDG_RUNTIME_DIR" = "${TMPDIR%/work}" ]'
             ' && touch "$XDG_RUNTIME_DIR/kept" || [ -z "$TARN_RECORD$TARN_PROFILE" ]')
    listed = workloads.load(fake_table(directory, {"x": shown}), build, ROOT)
    for allocator in chosen:
        result = Launcher(build).run(listed[0], allocator)
        assert not result["failure"], result
    silent_one = workloads.load(fake_table(directory, {"x": "echo work 7 ops; echo 'tarn: nothing is recorded: x' >&2"}),
                                build, ROOT)
    assert Launcher(build).run(silent_one[0], chosen[1])["failure"] == "not loaded"
    os.remove(f"{build}/libtarn-record.so")
    refused("libtarn-record.so is not built", allocators.select, allocators.known(build), ["tarn-profile"])


def check_micro(_):
    """Google Benchmark's report becomes a table: the least of repetitions, failures named"""
    report = {"benchmarks": [
        {"name": "a/64/real_time", "run_type": "iteration", "items_per_second": 1e8, "real_time": 1, "time_unit": "us"},
        {"name": "a/64/real_time", "run_type": "iteration", "items_per_second": 2e8, "real_time": 1, "time_unit": "us"},
        {"name": "b", "run_type": "iteration", "real_time": 2, "time_unit": "us"},
        {"name": "b_mean", "run_type": "aggregate", "real_time": 2, "time_unit": "us"}]}
    assert micro.nanoseconds(report) == {"a/64": 5.0, "b": 2000.0}
    shown = micro.report({"glibc": {"a": 8.0}, "tarn": {"a": 4.0}, "peer": {}}, {"peer": "crash"})
    assert re.search(r"^geometric mean / best +2\.00 +1\.00$", shown, re.MULTILINE) and "peer: crash" in shown, shown


if __name__ == "__main__":
    sys.exit(main(globals()))
