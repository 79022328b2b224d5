# SPDX-License-Identifier: MIT
"""A report at exit that cannot be written, or not whole: the program's status stays its own, nothing hangs, and
one line says why. The program's own status is 7."""
import fcntl
import os
import pathlib
import resource
import signal
import socket
import subprocess
import tempfile
import termios
import threading
import time

import harness
from exit_scenarios import reports, whole

STATUS = 7
LATEST = 10  # seconds, of which tarn waits two
SMALLEST_PIPE = 4096


def start(context, mode, settings, **other):
    """The program, started with a signal set as a shell would leave it (Python ignores some)."""
    environment = context.environment({"TARN_STATS": "json", **settings})
    return subprocess.Popen([context.program("exits"), mode], env=environment, restore_signals=True,
                            stdin=subprocess.DEVNULL, **other)


def status(child):
    try:
        return child.wait(LATEST)
    except subprocess.TimeoutExpired:
        child.kill()
        child.wait()
        raise AssertionError("hangs") from None


def to_file(context, path, mode="status_7_by_exit", **other):
    """What standard error gets of a report to `path`."""
    child = start(context, mode, {"TARN_STATS_FILE": str(path)}, stderr=subprocess.PIPE, **other)
    ended = status(child)
    with child.stderr:
        errors = child.stderr.read().decode()
    assert ended == STATUS, f"status {ended}: {errors[:300]}"
    return errors


def refused(context, path, words, **other):
    errors = to_file(context, path, **other)
    assert len(errors.splitlines()) == 1 and errors.startswith("tarn: "), errors
    assert "TARN_STATS_FILE" in errors and str(path) in errors and words in errors, errors


def reader_gone(context, mode):
    """Standard error is a pipe or socket that nobody can read any more."""
    pipe, pair = os.pipe(), socket.socketpair()
    os.close(pipe[0])
    pair[0].close()
    for writer in (pipe[1], pair[1].fileno()):
        ended = status(start(context, mode, {}, stderr=writer))
        assert ended == STATUS, f"status {ended}"
    os.close(pipe[1])
    pair[1].close()


def small_pipe(full, flags=0):
    reader, writer = os.pipe()
    fcntl.fcntl(writer, fcntl.F_SETPIPE_SZ, SMALLEST_PIPE)
    fcntl.fcntl(writer, fcntl.F_SETFL, os.O_WRONLY | flags)
    if full:
        os.write(writer, b"x" * SMALLEST_PIPE)
    return reader, writer


def full_pipe(context, mode, kind):
    """Nobody reads standard error, and it is full."""
    flags = os.O_NONBLOCK if kind == "non_blocking" else 0
    reader, writer = small_pipe(True, flags)
    begun = time.monotonic()
    ended = status(start(context, mode, {}, stderr=writer))
    assert ended == STATUS, f"status {ended}"
    assert time.monotonic() - begun > 1, "no reader was waited for"
    assert fcntl.fcntl(writer, fcntl.F_GETFL) & os.O_NONBLOCK == flags, "flags of others' descriptor"
    os.close(writer)
    with os.fdopen(reader, "rb") as rest:
        assert rest.read().strip(b"x") == b"", "half a report"


def late_reader(context, kind):
    """A pipe that is all but full, and read after half a second: the whole report arrives."""
    reader, writer = small_pipe(False, os.O_NONBLOCK if kind == "non_blocking" else 0)
    os.write(writer, b"x" * (SMALLEST_PIPE - 100) + b"\n")
    child = start(context, "status_7_by_exit", {"TARN_STATS": "prometheus"}, stderr=writer)
    os.close(writer)
    time.sleep(0.5)
    with os.fdopen(reader, "rb") as pipe:
        text = pipe.read().decode()
    assert status(child) == STATUS and text.endswith("# EOF\n"), text[-300:]
    assert "tarn: " not in text and "tarn_large_allocations_total 123" in text, text[:300]


def limit_on_files(context, mode):
    """RLIMIT_FSIZE would raise SIGXFSZ."""
    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder) / "report"
        refused(context, path, "limit on the size of files", mode=mode,
                preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (100, 100)))
        assert path.stat().st_size <= 100


def unread_fifo(context, mode):
    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder) / "fifo"
        os.mkfifo(path)
        refused(context, path, "nobody has it open for reading", mode=mode)


def fifo_with_a_reader(context):
    with tempfile.TemporaryDirectory() as folder:
        path, got = pathlib.Path(folder) / "fifo", []
        os.mkfifo(path)
        with open(os.open(path, os.O_RDONLY | os.O_NONBLOCK), "rb") as early:
            os.set_blocking(early.fileno(), True)
            child = start(context, "status_7_by_exit", {"TARN_STATS_FILE": str(path)}, stderr=subprocess.PIPE)
            thread = threading.Thread(target=lambda: got.append(child.stderr.read()))
            thread.start()
            ended = status(child)
            thread.join()
            text = early.read().decode()
        child.stderr.close()
        assert ended == STATUS and got == [b""] and whole(reports(text)[0]), (got, text[:300])


def without_rights(context):
    """As a user who may not write there."""
    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder) / "report"
        path.touch(0o644)
        os.chmod(folder, 0o755)
        refused(context, path, "permission denied", user=65534)


def full_device(context, mode):
    refused(context, "/dev/full", "no space left on the device", mode=mode)


def names_with_percent(context):
    """Only %p is replaced, wherever it stands."""
    with tempfile.TemporaryDirectory() as folder:
        for name in ("%", "%p%p", "100%", "%%p", "p%"):
            here = pathlib.Path(folder) / name.replace("%", "_")
            here.mkdir()
            assert to_file(context, here / name) == "", name
            found, = here.iterdir()
            process = str(reports(found.read_text())[0]["process"])
            assert found.name == name.replace("%p", process), f"{name}: {found.name}"


def long_names(context):
    """511 characters work; one more gets a line, and so does what the file system refuses."""
    with tempfile.TemporaryDirectory() as folder:
        deep = pathlib.Path(folder) / ("d" * 150) / ("d" * 150)
        deep.mkdir(parents=True)
        longest = deep / ("e" * (511 - len(str(deep)) - 1))
        assert len(str(longest)) == 511, len(str(longest))
        assert to_file(context, longest) == "" and whole(reports(longest.read_text())[0])
        errors = to_file(context, str(longest) + "f")
        lines = [line for line in errors.splitlines() if not line.startswith("{")]
        assert len(lines) == 1 and "is too long and ignored" in lines[0], lines
        refused(context, "/" + "x" * 510, "too long")
        errors = to_file(context, "/tmp/" + "%p" * 253)  # every one becomes longer
        assert len(errors.splitlines()) == 1 and "too long" in errors and "%p" not in errors, errors


def reopened_standard_error_gets_no_line(context):
    """The program's own file took the number 2: a line about the report has no place in it."""
    with tempfile.TemporaryDirectory() as folder:
        child = start(context, "standard_error_reopened", {"TARN_STATS_FILE": "/nonexistent/report"},
                      stderr=subprocess.PIPE, cwd=folder)
        assert status(child) == 0 and child.stderr.read() == b""
        child.stderr.close()
        text = (pathlib.Path(folder) / "own_file").read_text()
        assert text == "own words\n", f"the program's file: {text[:200]}"


def closed_pipe_ends(context):
    settings = {"TARN_STATS_FILE": "/nonexistent/report", "TARN_STATS": "json"}
    child = subprocess.Popen([context.program("exits"), "detached"], env=context.environment(settings),
                             stdin=subprocess.PIPE, stderr=subprocess.PIPE)
    reader = threading.Thread(target=child.stderr.read)
    reader.start()
    reader.join(LATEST)
    ended = not reader.is_alive()
    child.stdin.close()
    assert status(child) == 0 and ended, "the pipe ended with the process only"
    reader.join()
    child.stderr.close()


def on_a_terminal(context, change):
    """The program's end, its standard error being a terminal of a session of its own, in the background of it. The
    terminal is changed before; what can be read of it."""
    try:
        master, slave = os.openpty()
    except OSError as error:
        raise harness.Skip(f"no pseudo terminal is to be had: {error.strerror}") from error
    session = os.fork()
    if session == 0:
        code = 1
        try:
            os.setsid()
            fcntl.ioctl(slave, termios.TIOCSCTTY, 0)
            change(slave)
            child = start(context, "status_7_by_exit", {}, stderr=slave, process_group=0)
            begun = time.monotonic()
            while time.monotonic() < begun + LATEST:
                pid, how = os.waitpid(child.pid, os.WUNTRACED | os.WNOHANG)
                if pid:
                    code = os.WEXITSTATUS(how) if os.WIFEXITED(how) else 2
                    break
                time.sleep(0.01)
            else:
                code = 3
            child.kill()
        finally:
            os._exit(code)
    _, how = os.waitpid(session, 0)
    os.set_blocking(master, False)
    try:
        text = os.read(master, 65536).decode()
    except OSError:
        text = ""
    os.close(master)
    os.close(slave)
    return os.WEXITSTATUS(how), text


def background_job(context):
    """`stty tostop` stops jobs that write in the background."""
    def tostop(slave):
        settings = termios.tcgetattr(slave)
        settings[3] |= termios.TOSTOP
        termios.tcsetattr(slave, termios.TCSANOW, settings)

    ended, text = on_a_terminal(context, tostop)
    assert ended == STATUS, {1: "no start", 2: "stopped, or a signal", 3: "hangs"}.get(ended, ended)
    assert len(reports(text)) == 1, text[:300]


def held_terminal(context):
    """As with Ctrl-S."""
    ended, text = on_a_terminal(context, lambda slave: termios.tcflow(slave, termios.TCOOFF))
    assert ended == STATUS, {1: "no start", 2: "stopped, or a signal", 3: "hangs"}.get(ended, ended)
    assert text == "", text[:300]


def messages_without_a_reader(context):
    """What tarn says at start raises no signal, either."""
    reader, writer = os.pipe()
    os.close(reader)
    ended = status(start(context, "status_7_by_exit", {"TARN_STATS": "0", "TARN_DIRTY": "much"}, stderr=writer))
    assert ended == STATUS, f"status {ended}"
    child = subprocess.Popen([context.program("bad_input"), "twice", "100"], env=context.environment({}),
                             stderr=writer, restore_signals=True)
    assert status(child) == -signal.SIGABRT, "a misuse ends in SIGABRT whoever reads"
    os.close(writer)
