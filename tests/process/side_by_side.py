# SPDX-License-Identifier: MIT
"""Runs facts side by side, each in a process of its own that has been forked with everything loaded: to start Python
takes several times as long as most facts. A fact that outlives its time ends with all that it started."""
import collections
import importlib
import os
import select
import signal
import sys
import time
import traceback

import facts
import harness

MOST_SECONDS = 300  # as Meson gives a test


class Running:
    """One fact, in a child that leads a session of its own."""

    def __init__(self, fact, judge, context):
        self.fact = fact
        self.begun = time.monotonic()
        self.out, said = os.pipe()
        sys.stdout.flush()
        self.child = os.fork()
        if self.child == 0:
            os.setsid()
            os.write(said, tell(fact, judge, context))
            os._exit(0)
        os.close(said)

    def late(self):
        """Seconds left; with none it is ended, and is read like one that said nothing."""
        limit = MOST_SECONDS * harness.PATIENCE * (facts.LONG if os.environ.get("TEST_LONG") else 1)
        left = self.begun + limit - time.monotonic()
        if left <= 0:
            os.killpg(self.child, signal.SIGKILL)
        return left

    def end(self):
        """(word, why); it has closed its pipe, or died."""
        with os.fdopen(self.out, "rb") as said:
            word, _, why = said.read().decode(errors="replace").partition("\n")
        _, status = os.waitpid(self.child, 0)
        if status != 0 or not word:
            return "FAIL", f"its time is up, or it was ended: status {status} (TEST_PATIENCE={2 * harness.PATIENCE:.0f} gives it longer)"
        return word, why


def tell(fact, judge, context):
    try:
        word, why = judge(fact, context)
    except BaseException:  # whatever it is, it is this fact's
        word, why = "FAIL", traceback.format_exc()
    return f"{word}\n{why}".encode(errors="replace")[:32768]  # a pipe holds more


def show(running):
    """One line of a runner; whether the fact is as it should be."""
    word, why = running.end()
    if running.fact.known:
        word = {"FAIL": "pass", "pass": "FAIL"}.get(word, word)
    seconds = time.monotonic() - running.begun
    lines = why.strip().splitlines() or [""]
    verdict = {"pass": "ok", "-": "SKIP", "skip": "SKIP"}.get(word, "FAIL")
    print(f"{verdict:4} {seconds:6.1f} s  {running.fact.full_name}{': ' if lines[-1] and verdict != 'ok' else ''}"
          f"{lines[-1] if verdict != 'ok' else ''}", flush=True)
    if verdict == "FAIL" and len(lines) > 1:
        print("\n".join(lines), flush=True)
    return verdict != "FAIL"


def run(chosen, judge, context, jobs):
    """At most so many at once, the long ones first; those that measure, by themselves at the end."""
    for fact in chosen:
        if fact.scenario:
            importlib.import_module(fact.scenario.partition(".")[0])
    waiting = collections.deque(sorted((fact for fact in chosen if not fact.alone), key=lambda fact: -fact.timeout))
    waiting.extend(fact for fact in chosen if fact.alone)
    running, good = {}, True
    while waiting or running:
        while waiting and (not running if waiting[0].alone else len(running) < jobs):
            begun = Running(waiting.popleft(), judge, context)
            running[begun.out] = begun
            if begun.fact.alone:
                break
        left = min(one.late() for one in running.values())
        for out in select.select(list(running), [], [], max(left, 0.1))[0]:
            good &= show(running.pop(out))
    return 0 if good and chosen else 1
