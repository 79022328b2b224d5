#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""What `tarn top` promises, one fact a call.

usage: top.py TARN LIBRARY FACT
"""
import json
import os
import pathlib
import re
import signal
import time

from live import COMMAND, HERE, MIB, Worker, forged_records, main, processor_seconds, refused, run, succeed, under_tarn, wait_for
from terminal import Terminal

FAST = "0.2"  # seconds between two looks


def once():
    return json.loads(succeed("top", *HERE, "--once", "--json"))["processes"]


def one(pid):
    [found] = [process for process in once() if process["pid"] == pid]
    return found


def rows(terminal):
    """The rows of the list: pid, name, state."""
    return [tuple(line.split()[:3]) for line in terminal.lines() if re.match(r" +\d+ \S+ +[a-z]+ ", line)]


def help_begins_with_an_example():
    text = succeed("top", "--help")
    assert text.startswith("Example:\n  tarn top ") and "Exit status: 0 done" in text, text


def errors_are_one_line_with_a_status():
    assert "no record in" in refused(1, "top", "99999999", "--once")
    assert "No such file" in refused(1, "top", "--dir", "missing", "--once")
    assert "tarn top --once" in refused(1, "top")
    assert "--once" in refused(2, "top", "--json")
    refused(2, "top", "--interval", "0")
    terminal = Terminal(COMMAND, "top", kind="dumb")
    assert terminal.ended() == 1 and terminal.is_restored()
    assert terminal.bytes.startswith(b"tarn: this terminal cannot be drawn on (TERM=dumb); "), terminal.bytes
    assert b"(TERM=nonsense)" in ended_bytes(Terminal(COMMAND, "top", kind="nonsense"))


def ended_bytes(terminal):
    assert terminal.ended() == 1
    return terminal.bytes


def once_prints_a_table():
    large, small = Worker(), Worker()
    large.hold(40)
    small.hold(4)
    lines = succeed("top", *HERE, "--once").splitlines()
    assert lines[0].split() == ["pid", "name", "state", "resident", "objects", "kept", "other", "allocs/s", "age"]
    assert [int(line.split()[0]) for line in lines[1:]] == [large.pid, small.pid], lines
    assert all(len(line) <= 80 for line in lines), lines
    assert succeed("top", str(small.pid), "--once").splitlines()[1].split()[:3] == [str(small.pid), "python3", "running"]
    found = one(large.pid)
    assert 40 * MIB < found["objects"] < 60 * MIB and found["state"] == "running", found
    assert found["other"] == max(found["resident"] - found["objects"] - found["kept"], 0), found
    assert str(large.pid) in succeed("top", "--once"), "in the default place"
    assert "\033" not in succeed("top", *HERE, "--once")


def the_dead_say_how_they_ended():
    ended, killed = Worker(TARN_RECORD_KEEP="1"), Worker()
    ended.end()
    killed.kill()
    assert [one(worker.pid)["state"] for worker in (ended, killed)] == ["ended", "killed"]


def the_rate_is_that_of_the_last_seconds():
    worker = Worker()
    worker.do("import time\nend = time.monotonic() + 1.5\nwhile time.monotonic() < end: held = [bytes(600) for _ in range(1000)]"
              .replace("\n", "\\n").join(('exec("', '")')))
    busy = one(worker.pid)["allocations_per_second"]
    assert busy > 10_000, busy
    time.sleep(5.2)
    assert one(worker.pid)["allocations_per_second"] == 0


def the_list_is_drawn_and_sorted():
    large, small = Worker(), Worker()
    large.hold(20)
    small.hold(4)
    time.sleep(0.2)  # the time line has a point for each 100 ms in which memory is asked for
    large.hold(20)
    terminal = Terminal(COMMAND, "top", *HERE, "--interval", FAST)
    terminal.see(r"^2 processes: .* objects \+ .* kept \+ .* not malloc's$")
    assert [int(pid) for pid, _, _ in rows(terminal)] == [large.pid, small.pid]
    lines = terminal.lines()
    assert lines[1].split()[:4] == ["pid", "name", "state", "resident"] and lines[-1].startswith("arrows: select"), lines
    assert any("█ objects  ▒ kept by tarn  ░ not malloc's" in line for line in lines), lines
    assert sum("█" in line for line in lines) > 3, lines
    terminal.type("r")
    terminal.see(rf"\A.*\n.*\n +{small.pid} ")
    terminal.type("P")  # the lowest first
    terminal.see(rf"\A.*\n.*\n +{min(large.pid, small.pid)} ")
    terminal.type("\033OC\033[C\033OC")  # right: to `resident`
    terminal.see(rf"\A.*\n.*\n +{large.pid} ")
    terminal.type("q")
    assert terminal.ended() == 0 and terminal.is_restored()


def a_process_that_dies_stays_marked():
    ended, killed, living = Worker(), Worker(), Worker()
    terminal = Terminal(COMMAND, "top", *HERE, "--interval", FAST)
    terminal.see("^3 processes: ")
    ended.end()
    killed.kill()
    terminal.see("^1 processes, 2 gone: ")
    assert dict((int(pid), state) for pid, _, state in rows(terminal)) == {
        living.pid: "running", ended.pid: "ended", killed.pid: "killed"}
    assert not os.path.exists(f"tarn/{ended.pid}.tarnrecord")


def a_resize_is_followed():
    workers = [Worker() for _ in range(3)]
    terminal = Terminal(COMMAND, "top", *HERE, "--interval", "60")
    terminal.see("^arrows: ")
    for height, width in ((40, 120), (10, 60), (3, 20), (1, 5), (24, 80)):
        terminal.resize(height, width)
        wait_for(lambda: not terminal.read(0.3))
        assert terminal.process.poll() is None
    terminal.see("^arrows: ")
    lines = terminal.lines()
    assert len(rows(terminal)) == len(workers) and lines[-1].startswith("arrows: "), lines
    terminal.resize(10, 60)
    wait_for(lambda: not terminal.read(0.3))
    lines = terminal.lines()
    assert lines[9].startswith("arrows: ") and len(rows(terminal)) == 3 and "█" not in "".join(lines), lines
    terminal.resize(40, 80)
    terminal.see("^arrows: .*quit$")
    lines = terminal.lines()
    assert "kept by tarn" in lines[31] and lines[38].startswith("       0│") and lines[39].startswith("arrows: "), lines


def the_terminal_is_restored_by_every_end():
    Worker()
    for sent, status in ((signal.SIGTERM, -signal.SIGTERM), (signal.SIGHUP, -signal.SIGHUP), (signal.SIGINT, 0)):
        terminal = Terminal(COMMAND, "top", *HERE, "--interval", "60", kind="xterm")
        wait_for(lambda: not terminal.read(0.3) and b"processes" in terminal.bytes)
        assert not terminal.is_restored() and b"\033[?1049h" in terminal.bytes
        terminal.process.send_signal(sent)
        assert terminal.ended() == status, (sent, terminal.process.returncode, terminal.bytes)
        assert terminal.is_restored()
        # The screen that was there before; the cursor is seen.
        for taken, given_back in ((b"\033[?1049h", b"\033[?1049l"), (b"\033[?25l", b"\033[?25h")):
            assert 0 <= terminal.bytes.rfind(taken) < terminal.bytes.rfind(given_back), terminal.bytes[-80:]
    terminal = Terminal(COMMAND, "top", *HERE, kind="xterm")
    wait_for(lambda: not terminal.read(0.3) and b"processes" in terminal.bytes)
    terminal.type("q")
    assert terminal.ended() == 0 and terminal.is_restored()


def only_what_changed_is_written():
    for _ in range(5):
        Worker()
    terminal = Terminal(COMMAND, "top", *HERE, "--interval", "0.1")
    terminal.see("^5 processes: ")
    before = len(terminal.bytes)
    looks, end = 10, time.monotonic() + 1
    while time.monotonic() < end:
        terminal.read(0.05)
    written = len(terminal.bytes) - before
    assert b"\033[2J" not in terminal.bytes[before:] and b"\033[J" not in terminal.bytes[before:]
    assert written < looks * 400, written  # a screen has 1,920 cells


def trims_and_snapshots_are_asked_for():
    worker = Worker()
    worker.hold(30)
    terminal = Terminal(COMMAND, "top", *HERE, "--interval", FAST)
    terminal.see("^1 processes")
    for key, what in (("t", "a trim"), ("s", "a snapshot")):
        terminal.type(key)
        terminal.see(f"^python3 {worker.pid} was asked for {what}; it obeys when it next allocates")
        worker.hold(1)
        terminal.see(f"^python3 {worker.pid} was asked for {what}, and did so")
    report = json.loads(succeed("report", str(worker.pid), "--json"))
    assert any(event["kind"] == "trim" for event in report["events"]), report["events"]
    os.unlink(f"tarn/{worker.pid}.tarnrecord")
    terminal.type("t")
    terminal.see("cannot be asked: No such file")
    worker.kill()
    terminal.see("1 gone")
    terminal.type("t")
    terminal.see(f"^python3 {worker.pid} is gone, and cannot be asked")


def one_process_shows_its_holders():
    worker = Worker(TARN_PROFILE="16k")
    worker.hold(20)
    terminal = Terminal(COMMAND, "top", *HERE, "--interval", FAST)
    terminal.see("^1 processes")
    terminal.type("\r")
    terminal.see(rf"^python3, process {worker.pid}, ")
    terminal.see(r"^Who holds it: \d\S+ by samples, one in 16.0K\n +\d+\S+ +\d+ %  \S")
    assert "allocations, " in "\n".join(terminal.lines())
    terminal.type("\033")
    terminal.see("^1 processes")
    terminal.type("?")
    terminal.see("^kept +free memory that tarn keeps")
    terminal.type("?q")
    assert terminal.ended() == 0
    terminal = Terminal(COMMAND, "top", str(worker.pid))
    terminal.see(rf"^python3, process {worker.pid}, ")


def what_is_no_record_is_passed_over():
    worker = Worker()
    worker.hold(1)
    forged_records(pathlib.Path(f"tarn/{worker.pid}.tarnrecord").read_bytes()[:1 << 18], 100)
    found = json.loads(succeed("top", *HERE, "--once", "--json"))
    assert found["unreadable"] >= 6 and worker.pid in [process["pid"] for process in found["processes"]]
    assert run("top", *HERE, "--once").returncode == 0
    terminal = Terminal(COMMAND, "top", *HERE, "--interval", FAST)
    terminal.see("processes.*objects")
    terminal.type("\033OB" * 5 + "\rts" + "\033[B" * 60)
    terminal.see("Who holds it")
    terminal.type("q")
    assert terminal.ended() == 0 and terminal.is_restored()


def sixty_processes_take_a_hundredth_of_a_core():
    processes = [under_tarn("/bin/cat") for _ in range(60)]
    wait_for(lambda: len(list(pathlib.Path("tarn").glob("*.tarnrecord"))) == len(processes))
    interval, looks = 0.25, 12
    terminal = Terminal(COMMAND, "top", *HERE, "--interval", str(interval))
    terminal.see("^60 processes: ")
    before, end = processor_seconds(terminal.process.pid), time.monotonic() + interval * looks
    while time.monotonic() < end:
        terminal.read(0.05)
    used = (processor_seconds(terminal.process.pid) - before) / looks
    print(f"{used * 1000:.1f} ms of processor time for each look at {len(processes)} processes")
    assert used < 0.02, used  # a hundredth of the two seconds between two looks


if __name__ == "__main__":
    main(globals())
