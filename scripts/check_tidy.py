#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""clang-tidy over the sources of the library and, with them, its headers (.clang-tidy has the checks).
The build directory must be set up, in here, since .clang-tidy is looked for upwards."""
import argparse
import concurrent.futures
import json
import os
import subprocess
import sys
import tempfile

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
TOPS = ("src", "preload")
# g++ has flags that clang does not know, and warns of what it finds itself.
FLAGS = ("-Qunused-arguments", "-Wno-unknown-warning-option", "-Wno-error")
AT_A_TIME = 4  # files in one process; few, so that all cores are at work to the end


def commands(build):
    """One for each source: a file is compiled for several libraries, and one of them is enough."""
    with open(os.path.join(build, "compile_commands.json"), encoding="utf-8") as file:
        entries = json.load(file)
    found = {}
    for entry in entries:
        path = os.path.realpath(os.path.join(entry["directory"], entry["file"]))
        if os.path.relpath(path, ROOT).split(os.sep)[0] in TOPS and path.endswith(".cpp"):
            found.setdefault(path, {"directory": entry["directory"], "file": path,
                                    "command": " ".join([entry["command"], *FLAGS])})
    return found


def tidy(database, files):
    """What is found, as clang-tidy prints it."""
    headers = "(^|/)(src|preload|include/tarn)/"
    done = subprocess.run(["clang-tidy", "--quiet", "-p", database, f"--header-filter={headers}",
                           "--warnings-as-errors=*", *files], cwd=ROOT, capture_output=True, text=True, check=False)
    return done.stdout.strip() or (done.stderr if done.returncode else "")


def self_test(build):
    """Does it find a fault in a source and in its header, and none where there is none?"""
    with tempfile.TemporaryDirectory(dir=build) as temporary:
        directory = os.path.join(temporary, TOPS[0])
        os.mkdir(directory)
        paths = {name: os.path.join(directory, name) for name in ("good.cpp", "bad.cpp", "bad.h")}
        texts = {"good.cpp": "double half(double whole) { return whole / 2; }\n",
                 "bad.cpp": '#include "bad.h"\ndouble half(int whole) { return whole / 2; }\n',
                 "bad.h": "#define TWICE(x) x * 2\n"}
        for name, text in texts.items():
            with open(paths[name], "w", encoding="utf-8") as file:
                file.write(text)
        with open(os.path.join(directory, "compile_commands.json"), "w", encoding="utf-8") as file:
            json.dump([{"directory": directory, "file": paths[name], "command": f"c++ -c {paths[name]}"}
                       for name in ("good.cpp", "bad.cpp")], file)
        good, bad = (tidy(directory, [paths[name]]) for name in ("good.cpp", "bad.cpp"))
    assert not good, good
    assert "bugprone-integer-division" in bad and "bugprone-macro-parentheses" in bad, bad
    print("it does")
    return 0


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--build", default=os.path.join(ROOT, "build-tidy"), help="where whole_rooms is false")
    parser.add_argument("--self-test", action="store_true")
    parser.add_argument("files", nargs="*")
    options = parser.parse_args()
    if options.self_test:
        return self_test(options.build)
    found = commands(options.build)
    wanted = [os.path.realpath(path) for path in options.files] or sorted(found)
    database = os.path.join(options.build, "tidy")
    os.makedirs(database, exist_ok=True)
    with open(os.path.join(database, "compile_commands.json"), "w", encoding="utf-8") as file:
        json.dump(list(found.values()), file)
    parts = [wanted[i:i + AT_A_TIME] for i in range(0, len(wanted), AT_A_TIME)]
    clean = bool(wanted)
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count() or 1) as pool:
        for findings in filter(None, pool.map(lambda part: tidy(database, part), parts)):
            print(findings, flush=True)
            clean = False
    if clean:
        print(f"{len(wanted)} files")
    return 0 if clean else 1


if __name__ == "__main__":
    sys.exit(main())
