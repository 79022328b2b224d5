# SPDX-License-Identifier: MIT
"""A run of the benchmark: who comes when, what is stored, and how a stopped run goes on."""
import time

from ..faults import Fault
from ..results import store
from .machine import fastest_processor
from .progress import Progress


def turns(allocators, rounds):
    """All allocators once per round, each round beginning with the next of them."""
    for number in range(rounds):
        first = number % len(allocators)
        yield number, allocators[first:] + allocators[:first]


def check_same(results, allocators):
    """A run may go on only with the allocators it began with, their files unchanged."""
    names = [allocator.name for allocator in allocators]
    for before in results["allocators"]:
        if before["name"] not in names:
            raise Fault(f"cannot resume: {before['name']} is not among the allocators"
                        " (name a peer's file by --peer again)")
        now = allocators[names.index(before["name"])]
        if now.files() != before["files"] or now.environment != before["environment"]:
            raise Fault(f"cannot resume: {before['name']} is not what it was: its files have changed")


class Session:
    """The parts of one run; `results` is complete after `run`."""

    def __init__(self, launcher, results, path, deadline=None, clock=time.monotonic, progress=Progress):
        self.launcher = launcher
        self.results = results
        self.path = path
        self.deadline = deadline
        self.clock = clock
        self.progress_kind = progress

    def seconds_left(self):
        return None if self.deadline is None else self.deadline - self.clock()

    def late(self):
        return self.deadline is not None and self.seconds_left() <= 0

    def run(self, workloads, allocators):
        """Every workload that the results do not hold yet, in this order; what was measured is on disk after each."""
        held = {entry["name"] for entry in self.results["workloads"]}
        due = [workload for workload in workloads if workload.name not in held]
        rounds = self.results["rounds"]
        runnable = [workload for workload in due if not workload.missing()]
        self.progress = self.progress_kind(len(runnable) * rounds * len(allocators))
        store.store(self.path, self.results)
        for workload in due:
            entry = self.measured(workload, allocators, rounds)
            if entry is None:
                break
            self.results["workloads"].append(entry)
            self.results["workloads"].sort(key=lambda one: self.results["planned"].index(one["name"]))
            store.store(self.path, self.results)
        else:
            self.results["complete"] = True
        store.store(self.path, self.results)
        self.progress.finish()
        return self.results

    def measured(self, workload, allocators, rounds):
        """The results' entry for one workload; None when time was up before it was complete."""
        entry = {"name": workload.name, "group": workload.group, "title": workload.title,
                 "source": workload.source, "skipped": workload.missing(), "runs": {}}
        if entry["skipped"]:
            self.progress.say(f"{workload.name} is skipped: {entry['skipped']}")
            return entry
        failed = set()
        processor = fastest_processor() if workload.one_processor else None
        for number, order in turns(allocators, rounds):
            for allocator in order:
                if allocator.name in failed:
                    continue
                if self.late():
                    return None
                self.progress.before(workload.name, allocator.name, number + 1, rounds)
                run = self.one(workload, allocator, processor)
                if run["failure"] == "timeout" and self.late():
                    return None  # our time was up, not its own
                entry["runs"].setdefault(allocator.name, []).append(run)
                self.progress.after()
                if run["failure"]:  # it is not tried again
                    failed.add(allocator.name)
                    self.progress.after(rounds - number - 1)
                    self.progress.say(f"{workload.name}: {allocator.name}: {run['failure']}")
        return entry

    def one(self, workload, allocator, processor):
        left = self.seconds_left()
        limit = self.launcher.timeout if left is None else max(1.0, min(self.launcher.timeout, left))
        return self.launcher.run(workload, allocator, limit, processor)
