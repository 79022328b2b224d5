# SPDX-License-Identifier: MIT
"""Address space as other programs see it: an interpreter's size, limits that it sets itself, memory that is
locked, cores. Where the expectation is glibc's, glibc runs beside."""
import pathlib
import resource
import shutil
import subprocess
import tempfile
import time

import harness

PYTHON = "/usr/bin/python3"
MIB = 1 << 20
IDLE = "import re; print(re.search(r'VmSize:\\s+(\\d+)', open('/proc/self/status').read())[1])"
LIMITED = """
import resource, sys, threading
resource.setrlimit(resource.RLIMIT_AS, (int(sys.argv[1]) << 20,) * 2)
megabyte = bytearray(10**6)
hundred = bytearray(10**8)
pieces = [bytes(100000) for _ in range(100)]
thread = threading.Thread(target=lambda: bytes(300000))
thread.start()
thread.join()
small = [bytes(100) for _ in range(100000)]
import _sqlite3
print(len(megabyte) + len(hundred) + len(pieces) + len(small))
"""


def python(context, *words):
    result = context.run([PYTHON, "-S", "-c", *words])
    assert result.status == 0, result.short()
    return result.output.decode().strip()


def glibc(context):
    return harness.Context("none", context.programs)


def idle_python(context):
    own, theirs = (int(python(each, IDLE)) << 10 for each in (context, glibc(context)))
    assert own <= theirs + 256 * MIB, f"{own // MIB} MiB, glibc {theirs // MIB}"


def python_limits_itself(context, mebibytes):
    """The limit comes after the start, from the program."""
    assert python(context, LIMITED, mebibytes) == str(10**6 + 10**8 + 100 + 100000)


def locked(context):
    """(bytes locked, seconds of a churn) after mlockall."""
    result = context.run(["address_space", "print_locked"])
    if result.status == harness.CANNOT_TEST:
        raise harness.Skip(result.errors.strip())
    assert result.status == 0, result.short()
    locked_bytes, seconds = result.output.split()
    return int(locked_bytes), float(seconds)


def all_locked(context):
    (own, own_time), (theirs, their_time) = locked(context), locked(glibc(context))
    assert own <= theirs + 256 * MIB, f"{own // MIB} MiB locked, glibc {theirs // MIB}"
    assert own_time <= 2 * their_time + 0.05, f"churn {own_time:.3f} s, glibc {their_time:.3f}"


def core(context, folder):
    """(bytes on the disk, seconds) of gcore, the least of three."""
    program = context.program("address_space")
    environment = context.environment({})
    with subprocess.Popen([program, "wait_for_a_core"], env=environment, stdout=subprocess.PIPE) as process:
        try:
            assert process.stdout.readline() == b"up\n"
            found = [dumped(process.pid, folder) for _ in range(3)]
        finally:
            process.kill()
    return min(size for size, _ in found), min(seconds for _, seconds in found)


def dumped(process, folder):
    resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 30, resource.getrlimit(resource.RLIMIT_FSIZE)[1]))
    start = time.monotonic()
    done = subprocess.run(["gcore", "-o", f"{folder}/core", str(process)], stdin=subprocess.DEVNULL, check=False,
                          capture_output=True, text=True, timeout=50 * harness.PATIENCE,
                          env=harness.Context("none", folder).environment({}))
    seconds = time.monotonic() - start
    file = pathlib.Path(f"{folder}/core.{process}")
    if "ptrace" in done.stderr and not file.exists():
        raise harness.Skip("may not trace: " + done.stderr.splitlines()[0])
    assert done.returncode == 0, f"gcore: {done.stderr[-300:]}"
    size = file.stat().st_blocks * 512
    file.unlink()
    return size, seconds


def core_is_small(context):
    if not shutil.which("gcore"):
        raise harness.Skip("gdb is not installed")
    with tempfile.TemporaryDirectory(prefix="tarn-core-") as folder:
        (own, own_time), (theirs, their_time) = core(context, folder), core(glibc(context), folder)
    assert own <= 1.2 * theirs, f"{own / MIB:.0f} MiB, glibc {theirs / MIB:.0f}"
    assert own_time <= 1.2 * their_time + 0.5, f"{own_time:.1f} s, glibc {their_time:.1f}"
