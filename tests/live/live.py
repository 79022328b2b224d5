# SPDX-License-Identifier: MIT
"""What the tests of `tarn top` and `tarn export` share. Arguments: TARN LIBRARY FACT; the fact is a function of the
script, which runs in a folder of its own, where the records of its processes are, too."""
import atexit
import os
import pathlib
import subprocess
import sys
import tempfile
import time

CANNOT_TEST = 77
COMMAND, LIBRARY = map(os.path.abspath, sys.argv[1:3])
FACT = sys.argv[-1]
ROOT = pathlib.Path(__file__).resolve().parents[2]
MIB = 1 << 20
HERE = ("--dir", "tarn")  # and not what else this user has, in /dev/shm
started = []  # ended with the test

# Does what it reads, line by line, and says so.
WORKER = """
import ctypes, sys
held, tarn = [], ctypes.CDLL(None)
print("ready", flush=True)
for line in sys.stdin:
    exec(line)
    print("done", flush=True)
"""


def skip(why):
    print(why)
    sys.exit(CANNOT_TEST)


def begin(*words, **options):
    process = subprocess.Popen(words, **options)
    started.append(process)
    return process


def under_tarn(*words, **environment):
    kept = {name: value for name, value in os.environ.items() if not name.startswith("TARN_")}
    return begin(*words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
                 env={**kept, "LD_PRELOAD": LIBRARY, "TARN_RECORD": "1", "PYTHONMALLOC": "malloc", **environment})


class Worker:
    """A process that records, and does what it is told."""

    def __init__(self, **environment):
        self.process = under_tarn("/usr/bin/python3", "-c", WORKER, **environment)
        assert self.process.stdout.readline() == "ready\n"
        self.pid = self.process.pid

    def do(self, line):
        self.process.stdin.write(line + "\n")
        self.process.stdin.flush()
        assert self.process.stdout.readline() == "done\n"

    def hold(self, mebibytes):
        self.do(f"held += [b'x' * 65536 for _ in range({mebibytes * 16})]; tarn.tarn_record_snapshot_now(None)")

    def kill(self):
        self.process.kill()
        self.process.wait()

    def end(self):
        self.process.stdin.close()
        assert self.process.wait() == 0


def run(*words, **options):
    options = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "stdin": subprocess.DEVNULL, "timeout": 60, **options}
    return subprocess.run([COMMAND, *words], check=False, text=True, **options)


def succeed(*words, **options):
    done = run(*words, **options)
    assert done.returncode == 0 and done.stderr == "", done
    return done.stdout


def refused(status, *words, **options):
    done = run(*words, **options)
    assert done.returncode == status and (done.stdout or "") == "", done
    assert done.stderr.startswith("tarn: ") and done.stderr.count("\n") == 1, done
    return done.stderr


def wait_for(condition, seconds=20):
    """What the condition gives, as soon as that is true."""
    end = time.monotonic() + seconds
    while True:
        found = condition()
        if found:
            return found
        assert time.monotonic() < end, condition
        time.sleep(0.02)


def processor_seconds(pid):
    fields = pathlib.Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def forged_records(real, number):
    """Files that a Crowd meets: `number` records with bytes changed, and what is none."""
    for i in range(number):
        changed = bytearray(real)
        for j in range(12):
            place = (i * 7919 + j * 104729) % 2048 if j % 2 else (i * 31 + j * 15485863) % len(changed)
            changed[place] = (i * 37 + j * 11) & 255
        if i % 3:
            changed[:8] = real[:8]
        if i % 5 == 0:
            del changed[(i * 4099) % len(changed):]
        pathlib.Path(f"tarn/{900000 + i}.tarnrecord").write_bytes(changed)
    pathlib.Path("tarn/1.tarnrecord").write_text("no record", encoding="utf-8")
    pathlib.Path("tarn/2.tarnrecord").touch()
    os.mkdir("tarn/3.tarnrecord")
    os.mkfifo("tarn/4.tarnrecord")
    os.symlink("/dev/zero", "tarn/5.tarnrecord")
    os.symlink("nowhere", "tarn/6.tarnrecord")


def end_started():
    for process in started:
        process.kill()
        process.wait()


def main(facts):
    with tempfile.TemporaryDirectory(prefix="tarn-live-") as directory:
        os.chdir(directory)
        os.environ["XDG_RUNTIME_DIR"] = directory
        os.mkdir("tarn", 0o700)
        os.environ.pop("NO_COLOR", None)
        atexit.register(end_started)
        try:
            facts[FACT]()
        finally:
            end_started()
