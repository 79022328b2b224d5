#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""What `tarn compare` promises, one fact a call.

usage: command.py TARN LIBTARN FOLDER_OF_PEERS FACT
"""
import html.parser
import json
import os
import pathlib
import pty
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time

TARN, LIBRARY, PEERS = map(os.path.abspath, sys.argv[1:4])
FOLDER = pathlib.Path(__file__).resolve().parent
CANNOT_TEST = 77
MIB = 1 << 20


def run(*words, **options):
    options = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "stdin": subprocess.DEVNULL, "timeout": 100, **options}
    return subprocess.run([TARN, "compare", *words], check=False, text=True, **options)


def peers(*names):
    """Options for these peers alone, tarn not being there."""
    return ["--only", ",".join(names), *(word for name in names for word in ("--peer", f"{name}={PEERS}/libpeer_{name}.so"))]


def compared(*words, names=()):
    """The comparison, and its allocators by name."""
    done = run("--json", *peers(*names), *words)
    assert done.returncode == 0 and done.stderr == "", done
    found = json.loads(done.stdout)
    return found, {one["name"]: one for one in found["allocators"]}


def refused(status, *words, **options):
    done = run(*words, **options)
    assert done.returncode == status and done.stdout == "" and re.fullmatch(r"tarn: [^\n]+\n", done.stderr), done
    return done.stderr


def is_alive(process):
    try:
        return pathlib.Path(f"/proc/{process}/stat").read_text(encoding="utf-8").rsplit(")", 1)[1].split()[0] != "Z"
    except OSError:
        return False


def help_begins_with_an_example():
    text = run("--help").stdout
    assert text.startswith("Example:\n  tarn compare -- python3 program.py\n") and "Exit status: 0 compared; 1" in text, text


def errors_are_one_line_with_a_status():
    only = peers("plain")
    assert "CMD" in refused(2)
    assert "no such command" in refused(1, "--", "no-such-command")
    assert "has no group" in refused(2, *only, "--metric", "rate", "--", "true")
    assert "regular expression" in refused(2, *only, "--metric", "rate (", "--", "true")
    assert "--ready" in refused(2, *only, "--load", "true", "--", "true")
    assert "--load" in refused(2, *only, "--ready", "x", "--", "true")
    assert "there are glibc, " in refused(2, "--only", "nobody", "--", "true")
    assert "NAME=FILE" in refused(2, "--peer", "nobody", "--", "true")
    assert "there is no file" in refused(2, "--peer", "a=missing", "--", "true")
    pathlib.Path("text").write_text("text", encoding="utf-8")
    assert "no library" in refused(2, "--peer", "a=text", "--", "true")
    assert "missing: No such file" in refused(1, *only, "--input", "missing", "--", "true")
    assert "signal 9" in refused(1, *only, "--", "sh", "-c", "kill -9 $$")
    assert "matches --metric" in refused(1, *only, "--metric", "rate ([0-9]+)", "--", "echo", "nothing")
    with open("/dev/full", "w", encoding="utf-8") as full:
        done = run(*only, "-n", "1", "--", "true", stdout=full)
        assert done.returncode == 1 and "No space left" in done.stderr, done


def what_cannot_be_preloaded_into_is_refused():
    assert "statically linked" in refused(1, "--", f"{PEERS}/static_program")
    pathlib.Path("script").write_text(f"#!{PEERS}/static_program\n", encoding="utf-8")
    os.chmod("script", 0o755)
    assert "is run by" in refused(1, "--", "./script")
    program = shutil.which("su")
    if os.geteuid() == 0:
        program = shutil.copy("/bin/true", "mine")
        os.chown(program, 65534, 65534)
        os.chmod(program, 0o4755)
        program = os.path.abspath(program)
    if program:
        assert "set-user-ID" in refused(1, "--", program)


def a_slower_one_is_said_to_be():
    found, rows = compared("-n", "5", "--", "sh", "-c", "echo said", names=["slow"])
    assert rows["slow"]["time"]["to_glibc_low"] > 1 and rows["slow"]["time"]["median"] > 0.06, rows["slow"]
    assert len(rows["glibc"]["time"]["runs"]) == 5 and found["stopped"] == "fixed" and found["output"] == "same"
    text = run("-n", "5", *peers("slow"), "--", "sh", "-c", "echo said").stdout
    assert re.search(r"^slow against glibc: .*\btime\b.*$", text, re.M), text
    assert re.search(r"^  slow +\S+ ms ±\S+ % +\S+ ±\S+ .* yes$", text, re.M), text


def rounds_go_on_until_they_are_precise_or_time_is_up():
    found, _ = compared("--max-seconds", "0", "--", "sleep", "0.01", names=["plain"])
    assert found["rounds"] == 5 and found["stopped"] in ("time", "precise"), found
    found, _ = compared("--max-seconds", "4", "--", "sleep", "0.2", names=["plain"])
    assert found["rounds"] >= 5 and (found["stopped"] == "precise" or found["seconds"] >= 4), found


def memory_is_that_of_the_whole_tree():
    """Three processes at a time, each with 40 MiB."""
    for how, words in (("tree", "sum of processes, sampled"), ("largest", "largest process")):
        found, rows = compared("-n", "1", "--memory", how, "--", "sh", "-c", "sleep 0.7 & sleep 0.7 & wait", names=["fat"])
        assert found["memory_by"] == words, found["memory_by"]
        memory = rows["fat"]["peak_memory"]["median"] / MIB
        assert (105 if how == "tree" else 39) < memory < (140 if how == "tree" else 60), memory
        assert rows["glibc"]["peak_memory"]["median"] < 15 * MIB, rows["glibc"]


def memory_by_a_control_group():
    words = ["-n", "2", "--memory", "group", "--", "sh", "-c", "sleep 0.2 & sleep 0.2 & wait"]
    if "control group" in run(*peers("fat"), *words).stderr:
        print("no control group can be made here")
        sys.exit(CANNOT_TEST)
    found, rows = compared(*words, names=["fat"])
    assert found["memory_by"] == "control group" and 115 < rows["fat"]["peak_memory"]["median"] / MIB < 140, rows["fat"]
    assert 0.03 < rows["fat"]["processor"]["median"], rows["fat"]
    # Those of others that run at the same time are there.
    left = [group for group in pathlib.Path("/sys/fs/cgroup").glob("**/tarn-compare-*")
            if not os.path.exists(f"/proc/{group.name.split('-')[2]}")]
    assert not left, left


def processor_time_is_of_all_processes():
    busy = "import time\nwhile time.process_time() < 0.15: pass"
    _, rows = compared("-n", "2", "--ignore-output", "--", "sh", "-c", f"{sys.executable} -S -c '{busy}'; true", names=["plain"])
    assert 0.15 <= rows["glibc"]["processor"]["median"] < 0.6, rows["glibc"]


def who_fails_is_named_and_has_no_figures():
    found, rows = compared("-n", "2", "--", "echo", "said", names=["crashes", "writes", "plain"])
    assert "signal 6" in rows["crashes"]["failure"] and "time" not in rows["crashes"], rows["crashes"]
    assert rows["writes"]["failure"] == "its output is not that with glibc", rows["writes"]
    assert "crashes" not in found["verdict"] and "writes" not in found["verdict"] and not rows["plain"]["failure"]
    text = run("-n", "3", *peers("crashes"), "--", "true").stdout
    assert "crashes  not compared: it was ended by signal 6" in text and "nothing to compare" in text, text
    _, rows = compared("-n", "2", "--ignore-output", "--", "echo", "said", names=["writes"])
    assert not rows["writes"]["failure"], rows["writes"]


def output_that_varies_is_not_compared():
    found, rows = compared("-n", "3", "--", "sh", "-c", "echo $$", names=["plain"])
    assert found["output"] == "varies" and not rows["plain"]["failure"], found


def an_exit_status_that_differs_is_a_failure():
    _, rows = compared("-n", "2", "--", "sh", "-c", "test -z \"$LD_PRELOAD\"", names=["plain"])
    assert rows["plain"]["failure"].startswith("exit status 1, with glibc 0"), rows["plain"]
    found, rows = compared("-n", "2", "--", "sh", "-c", "exit 3", names=["plain"])
    assert not rows["plain"]["failure"], found


def a_metric_is_read_from_the_output():
    script = "echo rate 9,000.5 a second; test -z \"$LD_PRELOAD\" || echo rate 4000"
    found, rows = compared("-n", "5", "--ignore-output", "--metric", r"^rate ([\d.,]+)", "--", "sh", "-c", script, names=["plain"])
    assert rows["glibc"]["metric"]["median"] == 9000.5 and rows["plain"]["metric"]["median"] == 4000, rows
    assert "% less metric" in found["verdict"], found["verdict"]


def input_is_a_file_or_nothing():
    pathlib.Path("words").write_text("seven\n", encoding="utf-8")
    _, rows = compared("-n", "1", "--input", "words", "--metric", r"\((\d+)\)", "--", "sh", "-c", 'read x; echo "(${#x})"', names=["plain"])
    assert rows["plain"]["metric"]["median"] == 5, rows
    compared("-n", "1", "--", "cat", names=["plain"])


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as server:
        return server.getsockname()[1]


def a_server_is_measured_under_its_load():
    for ready in (["--ready", "^ready on"], ["--ready-port"]):
        port = str(free_port())
        ready = ready if len(ready) == 2 else [*ready, port]
        found, rows = compared("-n", "2", *ready, "--load", "sleep 0.1; echo 5 requests", "--metric", "([0-9]+) requests", "--",
                               sys.executable, "-S", str(FOLDER / "server.py"), port, "pids", names=["fat"])
        assert not rows["fat"]["failure"] and rows["fat"]["metric"]["median"] == 5, rows
        assert 0.1 < rows["glibc"]["time"]["median"] < 2 and rows["fat"]["peak_memory"]["median"] > 40 * MIB, rows
    served = pathlib.Path("pids").read_text(encoding="utf-8").split()
    assert len(served) == 12 and not any(map(is_alive, served)), served
    with socket.create_server(("127.0.0.1", 0)) as server:
        taken = str(server.getsockname()[1])
        assert "already" in refused(2, "--ready-port", taken, "--load", "true", "--", "true")
    assert "ended with status 0 before it was ready" in refused(1, *peers("plain"), "--ready", "x", "--load", "true", "--", "true")


def nothing_is_left_running():
    run(*peers("plain"), "-n", "1", "--", "sh", "-c", "setsid sleep 300 & echo $! >>pids")
    left = pathlib.Path("pids").read_text(encoding="utf-8").split()
    assert len(left) == 4 and not any(map(is_alive, left)), left


def interrupted(signal_number, script, *words):
    """Output, errors and status of one that is interrupted when the script has written `go`."""
    child = subprocess.Popen([TARN, "compare", *peers("plain"), *words, "--", "sh", "-c", script], text=True,
                             stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                             preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL))
    while not os.path.exists("go"):
        time.sleep(0.01)
    child.send_signal(signal_number)
    output, errors = child.communicate(timeout=60)
    return output, errors, child.returncode


def an_interrupt_shows_what_was_measured():
    many = "echo x >>runs; test $(wc -l <runs) -lt 8 || echo >go"
    output, errors, status = interrupted(signal.SIGINT, many, "-n", "1000")
    shown = re.search(r"^  glibc .*^  plain .*[1-9]\d* rounds in \d+ s: interrupted", output, re.MULTILINE | re.DOTALL)
    assert status == 130 and errors == "" and shown, (output, errors, status)
    os.unlink("go")
    output, errors, status = interrupted(signal.SIGTERM, "echo $$ >pid; echo >go; sleep 300; true")
    assert status == 143 and output == "" and errors == "tarn: interrupted before a round was done\n", (output, errors, status)
    assert not is_alive(pathlib.Path("pid").read_text(encoding="utf-8").strip())


def a_page_needs_nothing_else():
    done = run(*peers("plain", "crashes"), "-n", "3", "--html", "page.html", "--", "echo", "<b>&\"x\"</b>")
    assert done.returncode == 0 and "against glibc" in done.stdout, done
    text = pathlib.Path("page.html").read_text(encoding="utf-8")
    assert "&lt;b&gt;&amp;&quot;x&quot;&lt;/b&gt;" in text and "<b>" not in text and len(text) < 20000, text
    assert "http" not in text and "<script" not in text and "signal 6" in text, text
    open_tags = []

    class Reader(html.parser.HTMLParser):
        def handle_starttag(self, tag, attrs):
            if tag not in ("meta", "!doctype"):
                open_tags.append(tag)

        def handle_endtag(self, tag):
            assert open_tags.pop() == tag, tag

    Reader().feed(text)
    assert not open_tags, open_tags


def on_terminal(*words, **environment):
    """Status and what a terminal shows, both streams on it."""
    outer, inner = pty.openpty()
    child = subprocess.Popen([TARN, "compare", *words], stdin=inner, stdout=inner, stderr=inner,
                             env={**os.environ, "TERM": "xterm", **environment})
    os.close(inner)
    output = b""
    try:
        while piece := os.read(outer, 65536):
            output += piece
    except OSError:  # the other end is closed
        pass
    os.close(outer)
    assert child.wait() == 0
    return output.decode()


def colours_and_progress_are_for_terminals():
    os.environ.pop("NO_COLOR", None)
    words = [*peers("plain"), "-n", "1", "--", "true"]
    shown = on_terminal(*words)
    assert "warm-up: glibc" in shown and "\033[1m" in shown, shown
    assert "\033[1m" not in on_terminal(*words, NO_COLOR="1")
    done = run(*words)
    assert "\033" not in done.stdout and done.stderr == "", done


def tarn_is_there_with_its_backends():
    done = run("--json", "--tarn", LIBRARY, "--only", "tarn,tarn-system", "-n", "1", "--", "sh", "-c",
               "echo $TARN_BACKEND $LD_PRELOAD; exit 0")
    rows = {one["name"]: one for one in json.loads(done.stdout)["allocators"]}
    assert list(rows) == ["glibc", "tarn", "tarn-system"] and rows["tarn"]["libraries"] == [LIBRARY], rows
    done = run("--json", "--tarn", LIBRARY, "--only", "tarn,tarn-system", "--ignore-output", "-n", "1", "--metric", r"=(\d)", "--",
               "sh", "-c", "echo =${TARN_BACKEND:+1}0", env={**os.environ, "TARN_BACKEND": "map"})
    rows = {one["name"]: one["metric"]["median"] for one in json.loads(done.stdout)["allocators"]}
    assert rows == {"glibc": 0, "tarn": 0, "tarn-system": 1}, rows


if __name__ == "__main__":
    with tempfile.TemporaryDirectory(prefix="tarn-compare-") as directory:
        os.chdir(directory)
        globals()[sys.argv[-1]]()
