#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""What `tarn doctor` says of programs, processes and environments, a real one for each reason; one fact a call.

usage: doctor.py TARN LIBRARY FACT
"""
import json
import os
import pathlib
import re
import shutil
import struct
import subprocess

from tool import LIBRARY, PYTHON, TARN, cannot_test, compiled, main, refused, run, script

HELLO = '#include <stdio.h>\n#include <stdlib.h>\nint main(void) { char *p = malloc(50000); puts("hello"); free(p); return 3; }\n'
OTHER = "#include <stddef.h>\nvoid *malloc(size_t n) { (void)n; return 0; }\nvoid free(void *p) { (void)p; }\n"
WAITS = "#include <stdio.h>\n#include <unistd.h>\nint main(void) { puts(\"ready\"); fflush(stdout); pause(); }\n"


def asked(*words, status, **options):
    done = run("doctor", "--json", *words, **options)
    said = [line for line in done.stderr.splitlines() if not line.startswith(("ERROR: ld.so: ", "tarn: TARN_"))]
    assert done.returncode == status and not said, done
    found = json.loads(done.stdout)
    assert found["active"] == (status == 0), found
    return found


def codes(*words, **options):
    return [reason["code"] for reason in asked(*words, status=1, **options)["reasons"]]


def under(value, **more):
    return {"env": {**os.environ, "LD_PRELOAD": value, **more}}


def a_command_that_would_be_served():
    found = asked("--", compiled(HELLO), status=0)
    assert os.path.samefile(found["library"], LIBRARY) and found["version"] == re.search(r"so\.(.*)", LIBRARY)[1], found
    assert "tarn is active in ./program: /" in run("doctor", "./program").stdout
    assert "command not found" in refused(1, "doctor", "--", "no-such-command")


def a_static_program():
    program = compiled(HELLO, "-static")
    assert codes("--", program) == ["static"]
    script(f"#!{program}\n")
    done = run("doctor", "--", "./script")
    assert done.returncode == 1 and "(which runs ./script)" in done.stdout and "because   it is statically linked" in done.stdout, done


def a_program_of_musl():
    assert codes("--", compiled(HELLO, compiler="musl-gcc")) == ["musl"]


def a_program_of_32_bits():
    program = compiled(HELLO)
    with open(program, "r+b") as file:
        file.seek(4)
        file.write(b"\1")
        file.seek(18)
        file.write(struct.pack("<H", 3))
    found = asked("--", program, status=1)["reasons"]
    assert [reason["code"] for reason in found] == ["32-bit"] and "32-bit x86" in found[0]["why"], found


def a_program_that_brings_its_own_malloc():
    assert codes("--", compiled(HELLO.replace("int main", "void *malloc(size_t n) { static char b[99999]; (void)n; return b; }\n"
                                              "void free(void *p) { (void)p; }\nint main"), "-fno-builtin")) == ["own-malloc"]


def a_program_with_a_sanitizer():
    assert codes("--", compiled(HELLO, "-fsanitize=address")) == ["sanitizer"]
    found = asked("--", compiled(HELLO, "-fsanitize=thread"), status=1)["reasons"]
    assert "ThreadSanitizer" in found[0]["why"], found
    if shutil.which("clang"):
        assert codes("--", compiled(HELLO, "-fsanitize=address", compiler="clang")) == ["sanitizer"]


def a_privileged_program():
    if os.geteuid() != 0:
        cannot_test("needs root, to make one")
    program = compiled(HELLO)
    os.chmod(".", 0o755)
    nobody = {"user": 65534, "group": 65534, "extra_groups": []}
    try:
        assert asked("--", program, status=0, **nobody)
    except PermissionError:
        cannot_test("other users may not go to the build")
    for mode, code in ((0o4755, "setuid"), (0o2755, "setgid")):
        os.chmod(program, mode)
        assert codes("--", program, **nobody) == [code]
    os.chmod(program, 0o4755)
    assert "because you are its owner" in asked("--", program, status=0)["notes"][0]
    os.chmod(program, 0o755)
    try:
        os.setxattr(program, "security.capability", struct.pack("<5I", 0x02000001, 1 << 13, 0, 0, 0))
    except OSError:
        return
    assert codes("--", program, **nobody) == ["capabilities"]


def a_name_that_is_not_there():
    for word in ("libtran.so.0", "libtarn.so.7", "/nowhere/libtarn.so"):
        found = asked(status=1, **under(word))["reasons"]
        assert [reason["code"] for reason in found] == ["not-there"] and word in found[0]["why"], found
        assert "libtarn.so" in found[0]["advice"], found
    assert codes("--", "true", **under("/nowhere/libtarn.so")) == ["not-there"]
    assert codes() == ["not-preloaded"]
    asked(status=0, **under(LIBRARY))
    os.symlink(LIBRARY, "libtarn.so.0")
    asked(status=0, **under("libm.so.6:libtarn.so.0", LD_LIBRARY_PATH=os.getcwd()))


def another_allocator_first():
    compiled(OTHER, "-shared", "-fPIC", "-fno-builtin", "-w", name="other.so")
    other = os.path.abspath("other.so")
    assert codes(**under(f"{other}:{LIBRARY}")) == ["another-first"]
    asked(status=0, **under(f"{LIBRARY} {other}"))


class Process:
    def __init__(self, *words, **variables):
        self.words, self.variables = words, variables

    def __enter__(self):
        self.run = subprocess.Popen(self.words, stdout=subprocess.PIPE, text=True, env={**os.environ, **self.variables})
        assert self.run.stdout.readline() == "ready\n"
        return str(self.run.pid)

    def __exit__(self, *_):
        self.run.kill()
        self.run.wait()


def a_process():
    program = compiled(WAITS)
    with Process(program, LD_PRELOAD=LIBRARY) as pid:
        found = asked(pid, status=0)
        assert os.path.samefile(found["library"], LIBRARY) and found["subject"] == f"program, process {pid}", found
    with Process(program) as pid:
        assert codes(pid) == ["not-preloaded"]
    with Process(program, LD_PRELOAD="/nowhere/libtarn.so", TARN_STAT="1") as pid:
        found = asked(pid, status=1)
        assert found["reasons"][0]["code"] == "not-there" and found["variables"] == ["TARN_STAT is not an option of tarn's; TARN_STATS is"]
    with Process(compiled(WAITS, "-static", name="fixed")) as pid:
        assert codes(pid) == ["static"]
    assert "there is none" in refused(1, "doctor", "99999999")


def a_process_with_another_allocator_first():
    compiled("#include <stddef.h>\nvoid *__libc_malloc(size_t);\nvoid *malloc(size_t n) { return __libc_malloc(n); }\n",
             "-shared", "-fPIC", "-fno-builtin", name="other.so")
    program, other = compiled(WAITS), os.path.abspath("other.so")
    with Process(program, LD_PRELOAD=f"{other}:{LIBRARY}") as pid:
        assert codes(pid) == ["another-first"]
    with Process(program, LD_PRELOAD=f"{LIBRARY}:{other}") as pid:
        asked(pid, status=0)


def a_process_of_tarn_run():
    with subprocess.Popen([TARN, "run", "-q", PYTHON, "-c",
                           "import os; print(os.getpid(), flush=True); input()"],
                          stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as child:
        found = asked(child.stdout.readline().strip(), status=0)
        assert "PYTHONMALLOC=malloc" in found["hints"][0], found
        child.communicate("\n", timeout=20)


def interpreters_and_servers_get_a_hint():
    assert "PYTHONMALLOC=malloc" in asked("--", PYTHON, status=0)["hints"][0]
    for name, hint in (("php", "USE_ZEND_ALLOC=0"), ("redis-server", "jemalloc's")):
        if shutil.which(name):
            assert hint in asked("--", name, status=0)["hints"][0]


def misspelt_variables():
    found = asked(status=0, **under(LIBRARY, TARN_STAT="1", TARN_STATS="0", TARN_PROFIEL="1", TARN_OTHERS="x"))
    assert set(found["variables"]) == {"TARN_STAT is not an option of tarn's; TARN_STATS is",
                                       "TARN_PROFIEL is not an option of tarn's; TARN_PROFILE is",
                                       "TARN_OTHERS is not an option of tarn's"}, found


def forged(**files):
    for name, text in files.items():
        path = pathlib.Path("root") / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    found = asked("--root", "root", status=0, **under(LIBRARY))
    return {limit["name"]: limit["value"] for limit in found["limits"]}


def limits_that_will_matter():
    program = ["sh", "-c", f"ulimit -v 4000000; ulimit -d 3000000; exec {TARN} doctor --json"]
    done = subprocess.run(program, capture_output=True, text=True, check=True, **under(LIBRARY))
    limits = {limit["name"]: limit["value"] for limit in json.loads(done.stdout)["limits"]}
    assert limits["RLIMIT_AS"] == "3.8 GiB" and limits["RLIMIT_DATA"] == "2.9 GiB", limits
    files = {"proc/self/cgroup": "0::/a/b\n", "sys/fs/cgroup/a/memory.max": "104857600\n", "sys/fs/cgroup/a/b/memory.max": "max\n",
             "sys/fs/cgroup/a/b/memory.high": "52428800\n", "proc/sys/vm/overcommit_memory": "2\n",
             "proc/sys/vm/max_map_count": "1000\n", "sys/kernel/mm/transparent_hugepage/enabled": "[always] madvise never\n"}
    assert forged(**files) == {"memory.max": "100.0 MiB", "memory.high": "50.0 MiB", "vm.overcommit_memory": "2",
                               "vm.max_map_count": "1,000", "transparent huge pages": "always"}
    shutil.rmtree("root")
    files = {"proc/self/cgroup": "4:memory:/a\n0::/\n", "sys/fs/cgroup/memory/a/memory.limit_in_bytes": "9223372036854771712\n",
             "sys/fs/cgroup/memory/memory.limit_in_bytes": "209715200\n"}
    assert forged(**files) == {"memory.limit_in_bytes": "200.0 MiB"}


def forged_files_harm_nobody():
    program = pathlib.Path(compiled(HELLO))
    text = program.read_bytes()
    for place in range(0, 0x40, 3):
        pathlib.Path("forged").write_bytes(text[:place] + b"\xff" * 8 + text[place + 8:])
        os.chmod("forged", 0o755)
        assert run("doctor", "--", "./forged").returncode in (0, 1)
    for size in (0, 1, 17, 60, 100, 1000, len(text) // 2):
        pathlib.Path("forged").write_bytes(text[:size])
        assert run("doctor", "--", "./forged").returncode in (0, 1)
    os.mkfifo("pipe")
    assert run("doctor", "--", "./pipe").returncode in (0, 1)


if __name__ == "__main__":
    main(globals())
