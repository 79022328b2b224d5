#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""What scripts/run promises: the command's own streams and status, and a word on every command that
cannot be preloaded."""
import json
import os
import re
import shutil
import struct
import sys

from checks import BUILD, ROOT, Skip, built_modules, expect, main, need_all_modules, run, succeed

RUN = os.path.join(ROOT, "scripts", "run")
PYTHON = "/usr/bin/python3"
HELLO = '#include <stdio.h>\n#include <stdlib.h>\nint main(void) { char *p = malloc(50000); puts("hello"); free(p); return 3; }\n'
NOBODY = 65534
BIG = "blocks = [bytearray(100000) for _ in range(50)]; print(len(blocks))"


def compiled(directory, compiler, *flags):
    if not shutil.which(compiler):
        raise Skip(f"{compiler} is not installed")
    source, program = os.path.join(directory, "hello.c"), os.path.join(directory, "hello")
    with open(source, "w", encoding="utf-8") as file:
        file.write(HELLO)
    succeed([compiler, source, "-o", program, *flags])
    return program


def script(directory, first_line):
    path = os.path.join(directory, "script")
    with open(path, "w", encoding="utf-8") as file:
        file.write(first_line + "\necho from the script\n")
    os.chmod(path, 0o755)
    return path


def quiet(**more):
    return {**os.environ, "TARN_STATS": "0", **more}


def check_report(directory):
    """the program's output is untouched and the report follows on standard error"""
    done = run([RUN, PYTHON, "-c", "print('out')"], cwd=directory)
    expect(done.returncode == 0 and done.stdout == "out\n" and "tarn" in done.stderr, done)


def check_no_report(directory):
    """TARN_STATS=0: standard error is the program's own"""
    done = run([RUN, "--", PYTHON, "-c", "import sys; sys.stderr.write('err')"], cwd=directory, env=quiet())
    expect(done.returncode == 0 and done.stdout == "" and done.stderr == "err", done)


def check_children(directory):
    """the command alone reports, its children only when TARN_STATS is set"""
    command = [RUN, "sh", "-c", "/bin/true; /bin/true; echo out"]
    done = run(command)
    expect(done.stdout == "out\n" and done.stderr.count("statistics of") == 1
           and done.stderr.startswith("tarn: statistics of"), done)
    done = run(command, env={**os.environ, "TARN_STATS": "1"})
    expect(done.stdout == "out\n" and done.stderr.count("statistics of") == 3, done)


def check_status(directory):
    """exit statuses and signals are the command's"""
    done = run([RUN, "sh", "-c", "exit 7"], env=quiet())
    expect(done.returncode == 7, done)
    done = run([RUN, "sh", "-c", "kill -TERM $$"], env=quiet())
    expect(done.returncode == -15, done)


def check_stdin(directory):
    """standard input reaches the command"""
    done = run([RUN, "cat"], stdin=None, input="a line\nanother", env=quiet())
    expect(done.returncode == 0 and done.stdout == "a line\nanother", done)


def check_arguments(directory):
    """arguments arrive as given"""
    words = ["-x", "a b", "", "*", "--", "$HOME", "ä\n"]
    done = run([RUN, "--", PYTHON, "-c", "import sys; print(sys.argv[1:])", *words], env=quiet())
    expect(done.stdout == f"{words}\n", done)


def check_not_found(directory):
    """a command that does not exist: status 127 and its name"""
    done = run([RUN, "no-such-command"], env=quiet())
    expect(done.returncode == 127 and "no-such-command: command not found" in done.stderr, done)


def check_relative(directory):
    """called by a relative path from another directory, with a relative command"""
    program = compiled(directory, "gcc")
    done = run([os.path.relpath(RUN, directory), "./" + os.path.basename(program)], cwd=directory, env=quiet())
    expect((done.returncode, done.stdout, done.stderr) == (3, "hello\n", ""), done)


def check_preload_kept(directory):
    """what LD_PRELOAD held stays there, after tarn"""
    done = run([RUN, PYTHON, "-c", "import os; print(os.environ['LD_PRELOAD'])"],
               env=quiet(LD_PRELOAD="libm.so.6"))
    expect(done.stdout == f"{BUILD}/libtarn.so:libm.so.6\n", done)


def check_backends(directory):
    """TARN_BACKEND chooses the backend, jemalloc too"""
    for backend in (*built_modules(), "system", "map"):
        report = os.path.join(directory, backend)
        done = run([RUN, PYTHON, "-c", BIG], env={**os.environ, "TARN_BACKEND": backend, "TARN_STATS": "json",
                                                  "TARN_STATS_FILE": report})
        expect((done.returncode, done.stdout, done.stderr) == (0, "50\n", ""), done)
        with open(report, encoding="utf-8") as file:
            found = json.load(file)
        assert found["backend"] == backend and found["totals"]["large_allocations"] >= 50, found
    need_all_modules()


def check_demonstration(directory):
    """without a command: a demonstration and its report"""
    done = run([RUN], cwd=directory)
    expect(done.returncode == 0 and "words at" in done.stdout and "demonstration" in done.stderr
           and len(done.stderr.splitlines()) > 5, done)


def check_static(directory):
    """a static program: says so, says how to link it, runs it"""
    done = run([RUN, compiled(directory, "gcc", "-static")], env=quiet())
    expect(done.returncode == 3 and done.stdout == "hello\n" and "statically linked" in done.stderr
           and f"{BUILD}/libtarn.a" in done.stderr, done)


def check_static_relinked(directory):
    """a static program linked as advised: tarn serves it and run says so"""
    program = compiled(directory, "gcc", "-static", os.path.join(BUILD, "libtarn.a"))
    report = os.path.join(directory, "report")
    done = run([RUN, program], env={**os.environ, "TARN_STATS": "json", "TARN_STATS_FILE": report})
    expect(done.returncode == 3 and "with tarn inside" in done.stderr, done)
    with open(report, encoding="utf-8") as file:
        assert json.load(file)["totals"]["large_allocations"] >= 1


def check_static_interpreter(directory):
    """a script is judged by its interpreter, also through env"""
    program = compiled(directory, "gcc", "-static")
    done = run([RUN, script(directory, f"#!{program}")], env=quiet())
    expect("statically linked" in done.stderr and "which runs" in done.stderr, done)
    path = f"{directory}:{os.environ['PATH']}"
    done = run([RUN, script(directory, "#!/usr/bin/env hello")], env=quiet(PATH=path))
    expect("statically linked" in done.stderr and "which runs" in done.stderr, done)
    done = run([RUN, script(directory, "#!/bin/sh")], env=quiet())
    expect((done.returncode, done.stdout, done.stderr) == (0, "from the script\n", ""), done)


def check_musl(directory):
    """a program of musl's C library: says so, and still runs it"""
    done = run([RUN, compiled(directory, "musl-gcc")], env=quiet())
    expect(done.returncode == 3 and done.stdout == "hello\n" and "musl's C library" in done.stderr, done)


def check_other_machine(directory):
    """a program for another processor: says so"""
    program = compiled(directory, "gcc")
    with open(program, "r+b") as file:
        file.seek(18)
        file.write(struct.pack("<H", 40))
    done = run([RUN, program], env=quiet())
    expect(done.returncode != 0 and "is a program for 32-bit ARM" in done.stderr, done)


def judged_by_nobody(directory, program):
    """What scripts/run would say to a user who is not root and owns nothing here."""
    if os.geteuid() != 0:
        raise Skip("needs root, to make the program")
    os.chmod(directory, 0o755)
    for file in (f"{ROOT}/scripts/preloadable.py", f"{BUILD}/libtarn.so"):
        shutil.copy(file, directory)
    return run([PYTHON, "-I", "-S", f"{directory}/preloadable.py", directory, program], user=NOBODY, group=NOBODY,
               extra_groups=[])


def check_set_user_id(directory):
    """set-user-ID and set-group-ID programs: says that the loader ignores LD_PRELOAD, and what to do"""
    program = compiled(directory, "gcc")
    done = judged_by_nobody(directory, program)
    expect(done.returncode == 0 and done.stderr == "", done)
    for mode, word in ((0o4755, "set-user-ID"), (0o2755, "set-group-ID")):
        os.chmod(program, mode)
        done = judged_by_nobody(directory, program)
        expect(done.returncode == 1 and word in done.stderr and "ignores LD_PRELOAD" in done.stderr, done)
    os.chmod(program, 0o4755)
    done = run([RUN, program], env=quiet())
    expect(done.returncode == 3 and "only because you are its owner" in done.stderr, done)


def check_capabilities(directory):
    """programs with file capabilities: likewise"""
    program = compiled(directory, "gcc")
    try:
        os.setxattr(program, "security.capability", struct.pack("<5I", 0x02000001, 1 << 13, 0, 0, 0))
    except OSError as error:
        raise Skip(f"this file system or user cannot give capabilities: {error}") from error
    done = judged_by_nobody(directory, program)
    expect(done.returncode == 1 and "given capabilities" in done.stderr, done)


def check_options_documented(directory):
    """README.md lists exactly the options that TARN_VERBOSE=1 shows"""
    done = run([RUN, "/bin/true"], env=quiet(TARN_VERBOSE="1"))
    shown = set(re.findall(r"^tarn: (TARN_\w+) += ", done.stderr, re.MULTILINE))
    with open(os.path.join(ROOT, "README.md"), encoding="utf-8") as file:
        listed = set(re.findall(r"^\| `(TARN_\w+)` \| .* \| .* \|$", file.read(), re.MULTILINE))
    assert shown and shown == listed, f"shown {sorted(shown)}, listed {sorted(listed)}"


if __name__ == "__main__":
    sys.exit(main(globals()))
