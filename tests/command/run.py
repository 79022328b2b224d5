#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""What `tarn run` promises of a command's environment, record, streams and status, one fact a call.

usage: run.py TARN LIBRARY FACT
"""
import os
import pathlib
import re
import shutil
import subprocess

from tool import LIBRARY, PYTHON, TARN, compiled, main, records, refused, run, script, start, until

LINES = ("memory", "requests", "holder", "record", "next")
HOLDER = """#include <stdlib.h>
#include <string.h>
#include <signal.h>
char *hold(size_t size) {
    char *block = malloc(size); // here
    memset(block, 1, size);
    return block;
}
char *volatile held[200];
int main(int count, char **words) {
    for (int i = 0; i < 200; ++i) held[i] = hold(100000);
    return count > 1 ? raise(atoi(words[1])) : 0;
}
"""
BLOCKS = "blocks = [bytearray(100000) for _ in range(200)]"


def five_lines(text):
    lines = text.splitlines()[-5:]
    assert [line.split()[:2] for line in lines] == [["tarn:", name] for name in LINES], text
    return {name: line.split(None, 2)[2] for name, line in zip(LINES, lines)}


def help_begins_with_an_example():
    done = run("run", "--help")
    assert done.returncode == 0 and done.stdout.startswith("Example:\n  tarn run ") and "Exit status:" in done.stdout, done


def status_and_streams_are_the_commands():
    done = run("run", "sh", "-c", "cat; echo err >&2; exit 7", input="a line\nanother")
    assert (done.returncode, done.stdout) == (7, "a line\nanother") and done.stderr.startswith("err\n"), done
    assert five_lines(done.stderr)["record"].endswith("ended with status 7 after 0 ms") or "status 7" in done.stderr
    done = run("run", "-q", PYTHON, "-c", "import sys; print(sys.argv[1:])", "-x", "--", "", "a b", "--help")
    assert (done.returncode, done.stdout, done.stderr) == (0, "['-x', '--', '', 'a b', '--help']\n", ""), done


def nobody_holds_a_stream_that_the_command_closes():
    child = start("run", "-q", "sh", "-c", "exec >&- ; read x < fifo", stdout=subprocess.PIPE)
    os.mkfifo("fifo")
    assert child.stdout.read() == ""
    pathlib.Path("fifo").write_text("\n", encoding="utf-8")
    assert child.wait(60) == 0


def signals_end_both():
    program = compiled(HOLDER, "-g", "-O1")
    for number, name in ((9, "SIGKILL"), (15, "SIGTERM"), (11, "SIGSEGV")):
        done = run("run", "--profile=16k", program, str(number))
        assert done.returncode == -number, done
        lines = five_lines(done.stderr)
        assert f"killed by {name}" in lines["record"] and "program.c:5" in lines["holder"], done.stderr


def five_lines_say_what_fills_the_memory():
    program = compiled(HOLDER, "-g", "-O1")
    lines = five_lines(run("run", program).stderr)
    found = re.match(r"(\d+\.\d) MiB resident at the peak = (\d+\.\d) MiB objects of the program \+ .* kept by tarn for later \+ "
                     r".* not malloc's", lines["memory"])
    assert found and 19 < float(found[2]) < 25 and 19 < float(found[1]) < 30, lines
    assert re.match(r"\d+ allocations; ", lines["requests"]) and "run --profile -- " in lines["holder"], lines
    lines = five_lines(run("run", "--profile", program).stderr)
    assert re.search(r"\d+\.\d MiB, \d+ % of the most that was live: hold, .*/program\.c:5$", lines["holder"]), lines


def the_next_command_shows_the_report():
    lines = five_lines(run("run", PYTHON, "-c", BLOCKS).stderr)
    path = lines["record"].split(":")[0]
    assert os.path.dirname(path) == os.path.abspath("tarn") and lines["next"].startswith(TARN + " report "), lines
    for words in (lines["next"].split()[1:], ["report"], ["report", path]):
        done = run(*words)
        assert done.returncode == 0 and "ended after" in done.stdout.splitlines()[0], done


def a_record_goes_where_it_is_told():
    lines = five_lines(run("run", "-o", "my.record", "true").stderr)
    assert lines["next"] == f"{TARN} report {os.path.abspath('my.record')}" and records() == [], lines
    assert run("run", "-o", "my.record", "true").returncode == 0, "a record may be replaced"
    pathlib.Path("text").write_text("mine", encoding="utf-8")
    assert "something else is there" in refused(125, "run", "-o", "text", "true")
    assert "No such file" in refused(125, "run", "-o", "missing/record", "true")
    assert pathlib.Path("text").read_text(encoding="utf-8") == "mine"


def what_cannot_be_executed_has_a_status():
    assert "command not found" in refused(127, "run", "no-such-command")
    assert "command not found" in refused(127, "run", "./no-such-command")
    pathlib.Path("plain").write_text("text", encoding="utf-8")
    assert "Permission denied" in refused(126, "run", "./plain")
    assert "Permission denied" in refused(126, "run", "/")
    assert "--library FILE" in refused(125, "run", "--library", "missing.so", "true")
    for words in (["run"], ["run", "--nonsense", "true"], ["run", "--profile=much", "true"], ["run", "--backend", "none", "true"]):
        refused(2, *words)


def environment_of(*words, **more):
    environment = {"PATH": os.environ["PATH"], "XDG_RUNTIME_DIR": os.environ["XDG_RUNTIME_DIR"], **more}
    return subprocess.run([*words, script("#!/bin/sh\nexport -p\nenv\n/usr/bin/env\n$0-child; exit 3\n"), "x"], env=environment,
                          check=False, capture_output=True, text=True, timeout=60)


def the_environment_has_no_trace():
    script("#!/bin/sh\nenv; grep -c tarn /proc/$$/maps\n", name="script-child")
    tail = {"LD_PRELOAD": "libm.so.6", "TARN_RECORD": "0", "LAST": "x"}
    for more in ({}, tail, {"LD_PRELOAD": "", **{"LAST": "y"}}):
        alone, under = environment_of("env", **more), environment_of(TARN, "run", "-q", "--profile", "--backend", "map", **more)
        assert under.stdout == alone.stdout and under.returncode == 3 and under.stderr == alone.stderr, (alone, under)
        assert alone.stdout.endswith("\n0\n"), "grandchildren are not preloaded"


def only_the_command_is_recorded():
    code = "import os, subprocess; subprocess.run(['true']); os.system('true'); p = os.fork(); p and os.wait(); " + BLOCKS
    done = run("run", PYTHON, "-c", code)
    assert done.returncode == 0 and len(records()) == 1, (done, records())
    assert "python3" in five_lines(done.stderr)["record"]


def children_are_recorded_when_asked_for():
    done = run("run", "--children", "sh", "-c", "env; /usr/bin/true; exit 0")
    assert len(records()) == 3 and f"LD_PRELOAD={os.path.dirname(LIBRARY)}/libtarn.so" in done.stdout, (records(), done)
    assert "sh, ended" in five_lines(done.stderr)["record"]


def what_the_command_becomes_is_followed():
    script(f"#!/usr/bin/env python3\n{BLOCKS}\nimport os\nprint(os.environ.get('LD_PRELOAD'), len(os.environ))\n")
    expected = f"None {len(os.environ)}\n"
    for words in (["./script"], ["sh", "-c", "exec ./script"], ["nice", "sh", "-c", "true; exec ./script"]):
        done = run("run", *words)
        assert done.returncode == 0 and done.stdout.startswith("None "), done
        assert "python3, ended" in five_lines(done.stderr)["record"] and len(records()) == 1, (done, records())
        shutil.rmtree("tarn")
    assert run("run", "./script").stdout == expected


def functions_of_python_that_execute_are_followed():
    calls = ["execv('/bin/sh', a)", "execve('/bin/sh', a, os.environ)", "execvp('sh', a)", "execlp('sh', *a)", "execl('/bin/sh', *a)"]
    for call in calls:
        code = f"import os; a = ['sh', '-c', 'env | grep -c -e TARN -e LD_PRELOAD; exit 4']; os.{call}"
        done = run("run", PYTHON, "-c", code)
        assert (done.returncode, done.stdout) == (4, "0\n") and "sh, ended" in done.stderr, (call, done)


def functions_of_c_that_execute_are_followed():
    program = compiled("""#define _GNU_SOURCE
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>
int main(int count, char **words) {
    char *list[] = {"sh", "-c", "exec true", 0}, *variables[] = {"A=b", 0};
    switch (atoi(words[1])) {
        case 0: return execl("/bin/sh", "sh", "-c", "exec true", (char *)0);
        case 1: return execlp("sh", "sh", "-c", "exec true", (char *)0);
        case 2: return execle("/bin/sh", "sh", "-c", "exec true", (char *)0, variables);
        case 3: return execv("/bin/sh", list);
        case 4: return execvp("sh", list);
        case 5: return execvpe("sh", list, variables);
        case 6: return fexecve(open("/bin/sh", O_RDONLY), list, variables);
        case 7: return execve("/bin/sh", list, variables);
        case 8: return execveat(AT_FDCWD, "/bin/sh", list, variables, 0);
        default: return execv("/nowhere", list);
    }
}""")
    for each in range(9):
        done = run("run", program, str(each))
        assert done.returncode == 0 and "true, ended" in five_lines(done.stderr)["record"], (each, done)
    assert run("run", program, "9").returncode == 255


def old_records_make_room():
    five_lines(run("run", "true").stderr)
    [name] = records()
    with open(f"tarn/{name}", "rb") as file:
        front = file.read(1 << 18)  # the rest are holes
    for number in range(70):
        path = pathlib.Path(f"tarn/{10**7 + number}.tarnrecord")
        path.write_bytes(front)
        os.utime(path, (number, number))
    pathlib.Path("tarn/mine.tarnrecord").write_text("no record", encoding="utf-8")
    os.utime("tarn/mine.tarnrecord", (0, 0))
    run("run", "true")
    left = records()
    assert len(left) == 64 and "mine.tarnrecord" in left and name in left and "10000000.tarnrecord" not in left, left


def what_cannot_be_served_is_run_anyway():
    program = compiled("#include <stdio.h>\nint main(void) { puts(\"hello\"); return 3; }\n", "-static")
    done = run("run", program)
    assert (done.returncode, done.stdout) == (3, "hello\n"), done
    assert re.fullmatch(r"tarn: \S+/program is statically linked: [^\n]*; it is run without tarn\n", done.stderr), done
    script(f"#!{program}\n")
    assert "which runs ./script) is statically linked" in run("run", "./script").stderr


def the_backend_is_chosen():
    done = run("run", "-o", "r", "--backend", "system", "--hardened", PYTHON, "-c", BLOCKS)
    assert done.returncode == 0 and "backend system, TARN_BACKEND=system, TARN_HARDENED=1" in run("report", "r").stdout
    if not os.path.exists(os.path.join(os.path.dirname(LIBRARY), "libtarn-jemalloc.so")):
        return
    done = run("run", "-o", "r", "--backend", "jemalloc", PYTHON, "-c", BLOCKS)
    assert len(done.stderr.splitlines()) == 5 and "backend jemalloc" in run("report", "r").stdout, done


def a_running_command_has_its_record():
    child = start("run", "-q", "sleep", "100")
    try:
        until(lambda: "sleep, process" in run("report").stdout)
    finally:
        child.terminate()
    assert child.wait(60) == -15


if __name__ == "__main__":
    main(globals())
