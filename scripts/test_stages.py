#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Every test, stage by stage; scripts/test starts it. One line per check; the output of each command goes
to build/test-logs and is shown in full when it fails."""
import concurrent.futures
import json
import os
import re
import resource
import shutil
import signal
import subprocess
import sys
import time

from test_choice import needed_by, tests_of
from test_tally import Tally

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
BUILD = os.path.join(ROOT, "build")
LOGS = os.path.join(BUILD, "test-logs")
SOURCES = ("src", "preload", "include", "tests", "bench", "docs")
PROCESSES = str(2 * (os.cpu_count() or 1))  # many tests wait most of the time
PATIENCE = int(os.environ.get("TEST_PATIENCE") or 1)
LONG = 10 if os.environ.get("TEST_LONG") else 1
COMMAND_TIMEOUT = 900 * PATIENCE * LONG
RUNNER_LINE = re.compile(r"^(ok|FAIL|SKIP)\s+([\d.]+) s  (.*)$")

TALLY = Tally()
CHILDREN = set()  # commands that run now


def run(name, command, environment=None):
    """Runs to a log file; (status, log path, seconds)."""
    os.makedirs(LOGS, exist_ok=True)
    log = os.path.join(LOGS, re.sub(r"[^\w.-]+", "-", name) + ".log")
    start = time.monotonic()
    with open(log, "wb") as output:
        try:
            child = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=output, stderr=output, cwd=ROOT,
                                     env={**os.environ, **(environment or {})}, start_new_session=True)
            status = ended(child)
        except OSError as error:
            status = str(error)
    return status, log, time.monotonic() - start


def ended(child):
    """Its status; when its time is up, or somebody ends this run, it goes with all that it started."""
    CHILDREN.add(child)
    try:
        return child.wait(COMMAND_TIMEOUT)
    except subprocess.TimeoutExpired:
        return (f"none after {COMMAND_TIMEOUT} s; on a loaded or slow machine: "
                f"scripts/test --patience {2 * PATIENCE}, or TEST_PATIENCE={2 * PATIENCE}")
    finally:
        CHILDREN.discard(child)
        if child.returncode is None:
            os.killpg(child.pid, signal.SIGKILL)
            child.wait()


def end_all():
    """Somebody ends this run: no thread waits for its command any longer, nor begins another."""
    global run
    run = interrupted
    for child in list(CHILDREN):
        os.killpg(child.pid, signal.SIGKILL)


def interrupted(*_):
    raise KeyboardInterrupt


def show(log):
    with open(log, encoding="utf-8", errors="replace") as file:
        sys.stdout.write(file.read())
    sys.stdout.flush()


def check(name, command, environment=None):
    """One command, one check: it passes when its exit status is 0."""
    status, log, seconds = run(name, command, environment)
    if status != 0:
        show(log)
    TALLY.add("FAIL" if status != 0 else "ok", name, seconds, f"status {status}" if status != 0 else "")
    return status == 0


def skip_without(program, name):
    if shutil.which(program):
        return False
    TALLY.add("SKIP", name, why=f"{program} is not installed")
    return True


def configure(directory, options, environment=None):
    """Sets a build directory up, or gives one that exists these options."""
    path = os.path.join(ROOT, directory)
    command = ["meson", "setup", *options, path, ROOT]
    if os.path.exists(os.path.join(path, "build.ninja")):
        command.insert(2, "--reconfigure")
    return check(f"{directory}: configure", command, environment)


def build(directory, targets=(), politely=()):
    return check(f"{directory}: compile without warnings", [*politely, "ninja", "-C", os.path.join(ROOT, directory), *targets])


def meson_results(directory):
    """The last run's tests, one dictionary each."""
    with open(os.path.join(ROOT, directory, "meson-logs", "testlog.json"), encoding="utf-8") as file:
        return [json.loads(line) for line in file]


def why(result):
    """What is said of a test that did not pass."""
    late = f" (scripts/test --patience {2 * PATIENCE} gives it twice as long)" if result == "TIMEOUT" else ""
    return "" if result in ("OK", "EXPECTEDFAIL") else result + late


def meson_tests(directory, options, environment=None, slower=1, where=None):
    """Runs `meson test`; each of its tests is a check, named after `where`. What is slow has time limits that much longer."""
    where = where or directory
    log = os.path.join(ROOT, directory, "meson-logs", "testlog.json")
    if os.path.exists(log):
        os.remove(log)
    name = f"{where}: tests"
    status, output, _ = run(name, ["meson", "test", "-C", os.path.join(ROOT, directory), "--print-errorlogs",
                                   "--timeout-multiplier", str(slower * PATIENCE * LONG),
                                   "--num-processes", PROCESSES, *options], environment)
    if not os.path.exists(log):
        show(output)
        return TALLY.add("FAIL", name, why=f"status {status}, no test ran")
    failed = 0
    for test in meson_results(directory):
        verdict = {"OK": "ok", "EXPECTEDFAIL": "ok", "SKIP": "SKIP"}.get(test["result"], "FAIL")
        if verdict == "FAIL":
            failed += 1
            print((test.get("stdout") or "") + (test.get("stderr") or ""))
        TALLY.add(verdict, f"{where}: {test['name'].split(' / ', 1)[-1]}", test["duration"], why(test["result"]))
    if status != 0 and not failed:
        show(output)
        TALLY.add("FAIL", name, why=f"status {status}")


def runner_tests(where, command, name=None):
    """A runner of ours, which prints a line `VERDICT SECONDS s  NAME` per check; each is named after `where`."""
    name = name or where
    status, log, _ = run(name, command)
    verdicts = []
    with open(log, encoding="utf-8", errors="replace") as file:
        for line in file:
            if found := RUNNER_LINE.match(line):
                verdicts.append(found[1])
                TALLY.add(found[1], f"{where}: {found[3]}", float(found[2]))
    if (status != 0) != ("FAIL" in verdicts) or not verdicts:
        show(log)
        TALLY.add("FAIL", name, why=f"status {status}")


def python_script(*words):
    return [sys.executable, "-B", *words]


def stage_style():
    """formatting, layers, lengths of files, figures"""
    files = sorted(os.path.join(folder, name) for top in SOURCES
                   for folder, _, names in os.walk(os.path.join(ROOT, top))
                   for name in names if name.endswith((".h", ".hpp", ".c", ".cpp")))
    if not skip_without("clang-format", "style: clang-format"):
        check("style: clang-format", ["clang-format", "--dry-run", "-Werror", *files])
    check("style: layers", python_script("scripts/check_layers.py"))
    check("style: the layer check finds what it should", python_script("scripts/check_layers.py", "--self-test"))
    check("style: files", python_script("scripts/check_files.py"))
    check("style: figures of the documentation are the code's", python_script("tests/scripts/figures.py"))


def stage_release():
    """g++, and all of Meson's tests but the real programs; the allocator's unit tests with --long, else stage asan has them"""
    options = ["-Dtests=true", "-Dbenchmarks=true", f"-Dunit_tests={'true' if LONG > 1 else 'false'}",
               f"-Dquick_tests={'false' if LONG > 1 else 'true'}",
               f"-Dwhole_rooms={'false' if LONG > 1 else 'true'}"]  # each file alone says what it lacks
    if configure("build", options, {"CC": "gcc", "CXX": "g++"}) and build("build"):
        meson_tests("build", ["--no-rebuild", "--no-suite", "programs", "--no-suite", "process"])
        # What Meson would run as a process of Python each, some 800 of them, many as short as that process takes to start.
        runner_tests("build", python_script("tests/process/run.py", "--library", "build/libtarn.so",
                                            "--programs", "build/tests/process", "--jobs", PROCESSES), name="process facts")


def stage_tidy():
    """the library's sources under clang-tidy; only when named, or with --long"""
    if skip_without("clang-tidy", "tidy: clang-tidy"):
        return
    options = ["-Dtests=false", "-Dbenchmarks=false", "-Dwhole_rooms=false"]
    if configure("build-tidy", options, {"CC": "gcc", "CXX": "g++"}):
        check("tidy: clang-tidy", python_script("scripts/check_tidy.py"))
        check("tidy: it finds what it should", python_script("scripts/check_tidy.py", "--self-test"))


def stage_clang():
    """the libraries as clang compiles them, under an interpreter; only when named, or with --long (asan and tsan are clang's)"""
    if skip_without("clang++", "build-clang"):
        return
    options = ["-Dtests=false", "-Dbenchmarks=false", "-Dtools=disabled", "-Db_pch=false"]
    if configure("build-clang", options, {"CC": "clang", "CXX": "clang++"}) and build("build-clang"):
        runner_tests("build-clang", python_script("tests/programs/run.py", "--build", "build-clang", "--backend",
                                                  "mimalloc", "python3", "python3-fork", "perl"))
        check("build-clang: what the library shows",
              python_script("tests/process/run.py", "--library", "build-clang/libtarn.so", "--programs", "build-clang",
                            "--only", "^surface/(library_exp|sym|names|modules_exp)"))
        for fact in ("one_of_each", "takes_no_other_names"):
            check(f"build-clang: archive {fact}", python_script("tests/link/archive.py", "build-clang/libtarn.a", fact))


def stage_programs():
    """real programs with every backend; by day each with map and two of six other ways, by turns"""
    runner_tests("programs", python_script("tests/programs/run.py", *([] if LONG > 1 else ["--turns"])))


def stage_commands():
    """scripts/run, scripts/bench, scripts/docs, scripts/test, an installed tarn, manual pages; again where nothing optional is"""
    runner_tests("commands", python_script("tests/scripts/run_test.py"))
    runner_tests("bench", python_script("tests/scripts/bench_test.py"))
    runner_tests("bench-drift", python_script("tests/scripts/bench_drift_test.py"))
    runner_tests("bench-api", python_script("tests/scripts/bench_api_test.py"))
    runner_tests("docs", python_script("tests/scripts/docs_test.py"))
    runner_tests("install", python_script("tests/scripts/install_test.py"))
    runner_tests("deploy", python_script("tests/scripts/deploy_test.py"))
    runner_tests("man", python_script("tests/scripts/man_test.py"))
    runner_tests("stages", python_script("tests/scripts/stages_test.py"))
    runner_tests("bare", python_script("tests/scripts/bare_test.py"))


def sanitized(directory, sanitizer, optimization, suite, shares, politely=()):
    """Line numbers are all the debug information it takes. By clang, which takes half as long as g++; it does not say by g++'s macro
    that it sanitizes."""
    told = f"-g1 -D__SANITIZE_{sanitizer.partition(',')[0].upper()}__=1"
    options = ["-Dbenchmarks=false", f"-Db_sanitize={sanitizer}", "-Db_lundef=false", "-Dwerror=false",
               f"-Dtools={'auto' if LONG > 1 else 'disabled'}",  # it takes as long to build as all of the allocator
               "-Dbuildtype=plain", f"-Doptimization={optimization}", f"-Dc_args={told}", f"-Dcpp_args={told}"]
    path = os.path.join(ROOT, directory)
    return configure(directory, options, {"CC": "clang", "CXX": "clang++"}) and \
        build(directory, needed_by(tests_of(suite, path, shares), path), politely)


SANITIZED = {"asan": ("build-asan", "address,undefined", 0, "unit", 1),
             "tsan": ("build-tsan", "thread", 1, "threads", 1 if LONG > 1 else 2)}


class Ahead:
    """Compiles for stages that come later, while those before them leave processors idle, and lets everybody else come first.
    Not beside stage release, whose tests measure time and memory."""

    def __init__(self):
        self.pool = concurrent.futures.ThreadPoolExecutor(1)
        self.begun = {}

    def begin(self, stages):
        for name in stages:
            if name in SANITIZED and name not in self.begun and shutil.which("clang++"):
                self.begun[name] = self.pool.submit(sanitized, *SANITIZED[name], ("nice", "-n", "10"))

    def compiled(self, name):
        """Whether it is; waits for it, or does it."""
        return self.begun[name].result() if name in self.begun else sanitized(*SANITIZED[name])


AHEAD = Ahead()


def stage_package():
    """Debian packages: made, judged, installed in a clean Debian and removed; only when named, or with --long"""
    runner_tests("package", python_script("tests/scripts/package_test.py"))


def stage_asan():
    """unit tests under AddressSanitizer and UndefinedBehaviorSanitizer; with --long those of the command as well"""
    if not skip_without("clang++", "build-asan") and AHEAD.compiled("asan"):
        meson_tests("build-asan", ["--suite", "unit"], {"UBSAN_OPTIONS": "halt_on_error=1:print_stacktrace=1"}, slower=5)


def stage_tsan():
    """multi-threaded tests under ThreadSanitizer; by day half of them, the other half with the next commit"""
    alone = ("Hash.*:*AgreesWithTheModel*:Scan.Finds*:Hardened.ObjectsAre*:Hardened.EmptySlabs*:Hardened.AClass*:"
             "Thinning.*:Report.InternersWhose*")  # one thread, and long
    if not skip_without("clang++", "build-tsan") and AHEAD.compiled("tsan"):
        directory, _, _, suite, shares = SANITIZED["tsan"]
        chosen = [test["name"] for test in tests_of(suite, os.path.join(ROOT, directory), shares)]
        meson_tests(directory, ["--no-rebuild", *chosen], {"TSAN_OPTIONS": "halt_on_error=1", "GTEST_FILTER": f"-{alone}"},
                    slower=5)


def stage_aarch64():
    """for aarch64, under qemu: unit tests; those of the explicit interface and its examples, with pages of 4, 16 and 64 KiB; only when named, or with --long"""
    for program in ("qemu-aarch64-static", "aarch64-linux-gnu-g++"):
        if skip_without(program, "build-aarch64"):
            return
    options = ["--cross-file", "tests/cross/aarch64.ini", "-Dtests=true", "-Dbenchmarks=false", "-Dtools=disabled",
               "-Doptimization=1"]
    if not configure("build-aarch64", options) or not build("build-aarch64"):
        return
    lacks = qemu_lacks()
    parts = "-" + ":".join(name for kind, name, _ in lacks if kind == "gtest")
    absent = {name: why for kind, name, why in lacks if kind == "test"}
    for name, why in [(f"tests {name}", why) for kind, name, why in lacks if kind == "gtest"] + list(absent.items()):
        TALLY.add("SKIP", f"build-aarch64: {name}", why=f"under qemu {why}")
    # Unit tests count pages, of 4 KiB.
    for pages, suites in ((4, ["unit", "api"]), (16, ["api"]), (64, ["api"])):
        chosen = [word for suite in suites for word in ("--suite", suite)]
        listed = subprocess.run(["meson", "test", "-C", os.path.join(ROOT, "build-aarch64"), "--list", *chosen],
                                stdout=subprocess.PIPE, text=True, check=True).stdout.splitlines()
        names = sorted({line.split(" / ", 1)[1] for line in listed if " / " in line} - set(absent))
        meson_tests("build-aarch64", ["--no-rebuild", *names], {"QEMU_PAGESIZE": str(pages * 1024), "GTEST_FILTER": parts},
                    slower=10, where=f"build-aarch64, pages of {pages} KiB")


def qemu_lacks():
    """(kind, name, why) of what an emulator cannot show; tests/cross/qemu_lacks.txt."""
    with open(os.path.join(ROOT, "tests", "cross", "qemu_lacks.txt"), encoding="utf-8") as file:
        lines = [line.strip() for line in file if line.strip() and not line.startswith("#")]
    return [(*(word.strip() for word in line.split(" : ")[0].split(" ", 1)), line.split(" : ")[1]) for line in lines]


STAGES = {name.removeprefix("stage_"): function for name, function in list(globals().items())
          if name.startswith("stage_")}
ONLY_NAMED = {"tidy", "clang", "package", "aarch64"}  # or with --long
TOGETHER = {"programs", "commands"}  # one after the other, they would leave a processor idle for half of the time


def run_stage(name):
    """Seconds that it took."""
    print(f"--   stage {name}: {STAGES[name].__doc__}", flush=True)
    begun = time.monotonic()
    STAGES[name]()
    seconds = time.monotonic() - begun
    print(f"--   stage {name}: {seconds:.1f} s", flush=True)
    return seconds


def run_stages(chosen):
    """(name, seconds) of each; those that may go together are neighbours."""
    while chosen:
        count = 1
        while count < len(chosen) and set(chosen[:count + 1]) <= TOGETHER:
            count += 1
        names, chosen = chosen[:count], chosen[count:]
        if set(names) <= TOGETHER:
            AHEAD.begin(chosen)
        with concurrent.futures.ThreadPoolExecutor(count) as pool:
            try:
                yield from zip(names, pool.map(run_stage, names))
            except BaseException:
                end_all()
                raise


def used():
    """Seconds of processors that ended commands took."""
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def main():
    if "--list" in sys.argv[1:]:
        for name, stage in STAGES.items():
            print(f"{name:10}{stage.__doc__}")
        return 0
    chosen = sys.argv[1:] or [name for name in STAGES if name not in ONLY_NAMED or LONG > 1]
    unknown = [name for name in chosen if name not in STAGES]
    if unknown:
        sys.exit(f"no such stage: {', '.join(unknown)}; scripts/test --list names them")
    start = time.monotonic()
    if {"programs", "commands"} & set(chosen) and not os.path.exists(os.path.join(BUILD, "libtarn.so")):
        chosen = ["release", *[name for name in chosen if name != "release"]]
    times = {}
    for name, seconds in run_stages(chosen):
        times[name] = seconds
    print(f"{time.monotonic() - start:.0f} s, {used():.0f} of processors: "
          + ", ".join(f"{name} {spent:.0f}" for name, spent in times.items()))
    return TALLY.finish()


if __name__ == "__main__":
    sys.exit(main())
