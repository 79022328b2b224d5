#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""What the profile says of scripts, against what these say of themselves: a line that ends with `#= N` allocates N objects of
the size that the script's second line gives.

usage: frames.py BUILD FACT [ARGUMENT...]
"""
import collections
import glob
import json
import math
import os
import pathlib
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "support"))
import record_file  # noqa: E402

BUILD = pathlib.Path(sys.argv[1])
LIBRARY = BUILD / "libtarn.so"
LONG = bool(os.environ.get("TEST_LONG"))
SKIPPED = 77  # to meson: not here to be tested
INTERVAL = 8192


def recorded(command, environment=None, interval=INTERVAL, status=0, cwd=None):
    """Runs it, and gives the path of its record, which is gone when the folder is."""
    folder = tempfile.mkdtemp()
    path = os.path.join(folder, "r")
    done = subprocess.run([str(word) for word in command], check=False, timeout=280, cwd=cwd, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          env={**os.environ, "LD_PRELOAD": str(LIBRARY), "TARN_RECORD": path, "TARN_PROFILE": str(interval),
                               "TARN_RECORD_CHILDREN": "0", "PYTHONDONTWRITEBYTECODE": "1", **(environment or {})})
    assert done.returncode == status, (command, done.returncode, done.stdout.decode(errors="replace")[-2000:])
    assert b"tarn: " not in done.stdout, done.stdout
    return path


def by_line(path, field="allocated_bytes"):
    """Bytes of each (file, line) of the innermost script frame, and the frames by name."""
    sums, functions = collections.Counter(), {}
    with record_file.Record(path) as record:
        assert all(frames for _, frames, _ in record.interpreters) and record.interpreters, record.interpreters
        for stack in record.stacks:
            scripts = [frame for frame in map(record.script_frame, stack["frames"]) if frame]
            if scripts:
                sums[scripts[0][1], scripts[0][2]] += stack[field]
                functions[scripts[0][1], scripts[0][2]] = scripts[0][0]
    shutil.rmtree(os.path.dirname(path))
    return sums, functions


def known(script):
    """Its size, and the number of objects by line."""
    lines = script.read_text(encoding="utf-8").splitlines()
    size = next(int(m.group(1)) for m in map(re.compile(r"^(?:#|//) size (\d+)").match, lines[:4]) if m)
    marks = ((number, re.search(r"(?:#|//)= (\d+)$", line)) for number, line in enumerate(lines, 1))
    return size, {number: int(mark.group(1)) for number, mark in marks if mark}


def expect_lines(script, command, environment=None, interval=INTERVAL):
    size, counts = known(script)
    found, _ = by_line(recorded([*command, script], environment, interval))
    chance = -math.expm1(-size / interval)
    # Usable bytes of an object are those of its class: at most an eighth more than were asked for, the same for all.
    number = sum(counts.values())
    usable = sum(found[str(script), line] for line in counts) / number
    error = 5 * usable * math.sqrt((1 / chance - 1) / number)
    assert size - error <= usable <= size * 1.125 + 64 + error, (script.name, size, usable)
    for line, count in counts.items():
        right = count * usable
        error = usable * math.sqrt(count * (1 / chance - 1))
        off = found[str(script), line] - right
        # Five errors, since there are hundreds of lines; and what containers need beside the objects.
        assert abs(off) <= 5 * error + 0.02 * right, (script.name, line, right, found[str(script), line], off / error)


def pythons():
    """Interpreters of different versions, by their files: that of this machine and, with --long, those of pyenv where it is."""
    found = {}
    others = sorted(glob.glob(os.path.expanduser("~/.pyenv/versions/3.*/bin/python3"))) if LONG else []
    for path in ["/usr/bin/python3", *others]:
        if not os.access(path, os.X_OK):
            continue
        version = subprocess.run([path, "-c", "import sys; print('%d.%d.%d' % sys.version_info[:3])"], check=True,
                                 stdout=subprocess.PIPE, text=True).stdout.strip()
        if (3, 9) <= tuple(int(part) for part in version.split(".")[:2]) <= (3, 14):
            found.setdefault(version, path)
    return found


def python_lines(version):
    """Ten programs, with pools and without."""
    path = next((path for found, path in pythons().items() if found.startswith(version + ".")), None)
    if not path:
        sys.exit(SKIPPED)
    scripts = sorted((HERE / "python").glob("*.py"))
    assert len(scripts) == 10, scripts
    for script in scripts:
        expect_lines(script, [path])
        expect_lines(script, [path], {"PYTHONMALLOC": "malloc"})


def script_lines(language, program, version, pools):
    """The same of another interpreter, where this version of it is there."""
    path = shutil.which(program)
    if not path:
        sys.exit(SKIPPED)
    asked = {"php": ["-r", "echo PHP_VERSION;"], "ruby": ["-e", "print RUBY_VERSION"], "perl": ["-e", "printf '%vd', $^V"]}
    found = subprocess.run([path, *asked[language]], check=True, stdout=subprocess.PIPE, text=True).stdout
    if not found.startswith(version + "."):
        sys.exit(SKIPPED)
    scripts = sorted((HERE / language).glob("*.*"))
    assert len(scripts) == 10, scripts
    for script in scripts:
        expect_lines(script, [path], dict(part.split("=") for part in pools.split(",") if part))


def sampled(folder):
    """Samples in all records of a folder, how many of them have frames of scripts, and of how many functions."""
    samples, scripts, names = 0, 0, set()
    for name in os.listdir(folder):
        with record_file.Record(os.path.join(folder, name)) as record:
            for stack in record.stacks:
                frames = [record.script_frame(frame) for frame in stack["frames"]]
                samples += stack["samples"]
                scripts += stack["samples"] if any(frames) else 0
                names |= {frame[0] for frame in frames if frame}
    return samples, scripts, len(names)


def stress(version):
    """No crash, whatever is under way, through a hundred thousand samples; by day through some of them."""
    wanted = 100000 if LONG else 20000
    path = next((path for found, path in pythons().items() if found.startswith(version + ".")), None)
    if not path:
        sys.exit(SKIPPED)
    samples, runs, processes = 0, 0, 0
    while samples < wanted and runs < 20:
        with tempfile.TemporaryDirectory() as folder:
            recorded([path, HERE / "stress/stress.py", 10, "fork" if runs % 2 == 0 else "alone"],
                     {"PYTHONMALLOC": "malloc", "TARN_RECORD": folder + "/%p", "TARN_RECORD_CHILDREN": "1"}, interval=32)
            taken, scripts, functions = sampled(folder)
            assert scripts > taken / 2 and functions > 100, (taken, scripts, functions)
            samples += taken
            processes += len(os.listdir(folder))
            runs += 1
    print(samples, "samples in", runs, "runs,", processes, "processes")
    assert samples >= wanted and processes > runs, (samples, processes)


def subinterpreter(version):
    """Frames of an interpreter that is not the first of its process."""
    path = next((path for found, path in pythons().items() if found.startswith(version + ".")), None)
    if not path:
        sys.exit(SKIPPED)
    found, _ = by_line(recorded([path, HERE / "stress/subinterpreter.py"]))
    right = 400 * 9216
    inside = found["<string>", 2] or found["<script>", 2]  # the latter from 3.14 on
    assert abs(inside - right) < 5 * math.sqrt(INTERVAL * right), found


LEAKS = {"shop.py": "self.seen.append(", "shop.rb": "@seen <<", "shop.php": "$this->seen[] ="}


def leak(program, script):
    """`tarn run`, then `tarn report`: what grows begins with the file and line of the leak. In the words of the page, too."""
    path = "/usr/bin/python3" if program == "python3" else shutil.which(program)
    if not path:
        sys.exit(SKIPPED)
    source = HERE.parent.parent / "docs/examples" / script
    lines = source.read_text(encoding="utf-8").splitlines()
    line = next(number for number, text in enumerate(lines, 1) if LEAKS[script] in text)
    with tempfile.TemporaryDirectory() as folder:
        record = os.path.join(folder, "r")
        with subprocess.Popen([BUILD / "tarn", "run", "--profile=64k", "-o", record, "--", path, source, "600"],
                              stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
                              env={**os.environ, "USE_ZEND_ALLOC": "0"}) as run:
            time.sleep(14)
            run.terminate()
            _, words = run.communicate(timeout=100)
        assert run.returncode == -signal.SIGTERM, (run.returncode, words)
        assert ("tarn: hidden" in words) == (program != "php"), words
        report = [BUILD / "tarn", "report", record]
        environment = {name: value for name, value in os.environ.items() if name != "DEBUGINFOD_URLS"}

        def said(*words):
            return subprocess.run([*report, *words], check=True, stdout=subprocess.PIPE, text=True, timeout=200, env=environment).stdout
        first = json.loads(said("--json"))["growth"][0]
        assert (first["file"], first["line"], first["trend"]) == (str(source), line, "grows"), first
        text = said()
        grows = text[text.index("Growing all the time"):].splitlines()[1]
        assert grows.endswith(f"{source}:{line}"), grows
        escaped = lines[line - 1].strip().replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;").replace('"', "&quot;")
        assert escaped in said("--html", "-"), escaped
        assert escaped not in said("--html", "-", "--no-source")
        native = said("--folded", "-", "--native")
        merged = said("--folded", "-")
        script_only = said("--folded", "-", "--script")
        function = first["function"]
        assert function not in native and function in merged and function in script_only
        assert "[outside of the script]" in script_only and "libc_start" not in script_only and "libc_start" in merged


def wild():
    """What a provider says is not trusted."""
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "r")
        done = subprocess.run([BUILD / "tests/frames/wild"], check=True, stdout=subprocess.PIPE, text=True, timeout=60,
                              env={**os.environ, "TARN_RECORD": path, "TARN_PROFILE": "100"})
        taken, refused = map(int, done.stdout.split())
        assert 100 < taken < 128 and refused == 0, done.stdout
        with record_file.Record(path) as record:
            assert record.interpreters == [("wild", True, "says anything"), ("endless", True, ""), ("nothing", True, ""),
                                           ("declined", False, "is not known")], record.interpreters
            frames = [[record.script_frame(frame) for frame in stack["frames"]] for stack in record.stacks if stack["samples"] > 10]
            assert frames
            for stack in frames:
                scripts = [frame[:3] for frame in stack if frame]
                assert len(scripts) == 128, len(scripts)
                assert scripts.count(("?", "", (1 << 29) - 1)) == 6, scripts[:9]
                assert ("x" * 8, "", 7) in scripts and ("tab here", "a\tb", 1) in scripts, scripts[:9]
                assert scripts.count(("again", "endless", 1)) == taken
            assert all(stack["cut"] for stack in record.stacks if stack["samples"] > 10)


def watched(language, program, script):
    """Nothing that locks, allocates or looks up symbols is called from inside: what does ends the process."""
    path = "/usr/bin/python3" if program == "python3" else shutil.which(program)
    if not path:
        sys.exit(SKIPPED)
    watch = BUILD / "tests/process/libinside_library.so"
    record = recorded([path, HERE / language / script],
                      {"LD_PRELOAD": f"{watch} {LIBRARY}", "PYTHONMALLOC": "malloc", "USE_ZEND_ALLOC": "0"}, interval=256)
    found, _ = by_line(record)
    assert sum(found.values()) > 1 << 20, found


def example():
    """The small interpreter of the guide: its lines, and its frames in the place of those that run them."""
    path = recorded([BUILD / "docs/examples/example-frames_c"], {"LD_PRELOAD": ""}, interval=4096)
    loops, counts = set(), collections.Counter()
    with record_file.Record(path) as record:
        assert record.interpreters == [("shop 1.0", True, "")], record.interpreters
        for stack in record.stacks:
            frames = [record.script_frame(frame) for frame in stack["frames"]]
            scripts = tuple(frame[:3] for frame in frames if frame)
            counts[scripts] += stack["allocated_bytes"]
            for before, frame, after in zip(stack["frames"], stack["frames"][1:], frames[1:]):
                if after:
                    assert after[3] and not before >> 63, (frames, frame)
                    loops.add(before)
    main = [("main", "shop.script", line) for line in range(6)]
    orders = [("orders", "shop.script", line) for line in range(12)]
    for line in (2, 3):
        for inner, right in (((orders[7], main[line]), 3e6),
                             ((("lines", "shop.script", 11), orders[8], main[line]), 5e5)):
            assert abs(counts[inner] - right) < 4 * math.sqrt(4096 * right) + 0.03 * right, (inner, counts)
    assert abs(counts[(main[4],)] - 1e6) < 4 * math.sqrt(4096e6) + 3e4, counts
    # run() calls itself at one place, and keep() at another.
    assert len(loops) == 2, loops


if __name__ == "__main__":
    globals()[sys.argv[2]](*sys.argv[3:])
