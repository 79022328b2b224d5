# SPDX-License-Identifier: MIT
"""What changed from one results file to another, and which changes are more than noise."""
import statistics

from ..faults import Fault
from . import store
from .text import short, table

LEAST_NOISE = 0.02
NOISE_WITHOUT_CONTROL = 0.05
NOISE_PART = 0.9  # of the changes of allocators that did not change: they are noise


def spread(entry, allocator, metric):
    """The interval in which a number is as good as its neighbour: time from the least to the median, memory
    from the least to the greatest."""
    numbers = [store.of_run(run, metric) for run in entry["runs"][allocator]]
    return min(numbers), max(numbers) if metric == "peak" else statistics.median(numbers)


def mark(before, after, allocator, metric, machine, noise):
    """'+' for more, '-' for less, '' for what may be noise; both have succeeded. `machine` is by what factor
    everything changed, `noise` the change that means nothing."""
    low, high = spread(before, allocator, metric)
    new_low, new_high = (number / machine for number in spread(after, allocator, metric))
    change = quotient(before, after, allocator, metric) / machine
    if max(change, 1 / change) <= 1 + noise:
        return ""
    if new_low > high:
        return "+"
    return "-" if new_high < low else ""


def quotient(before, after, allocator, metric):
    """After / before; None where one of them has no number."""
    old, new = (store.value(entry, allocator, metric) for entry in (before, after))
    return new / old if old and new else None


def cell(before, after, allocator, metric, machine, noise):
    ratio = quotient(before, after, allocator, metric)
    if ratio is not None:
        return short(ratio) + (mark(before, after, allocator, metric, machine, noise) or " ")
    old, new = (store.failure(entry, allocator) or "ok" for entry in (before, after))
    return f"{old} > {new} " if old != new else f"{'-' if old == 'ok' else old} "


def same_files(before, after):
    """The allocators that are byte for byte the same in both: their change is the machine's."""
    files = [{one["name"]: one["files"] for one in results["allocators"]} for results in (before, after)]
    return [name for name in files[0] if files[0][name] == files[1].get(name, None)]


class Change:
    """What two results files have in common, for one metric."""

    def __init__(self, before, after, metric):
        self.metric = metric
        self.names = [name for name in store.names(before) if name in store.names(after)]
        later = {entry["name"]: entry for entry in store.measured(after)}
        found = [(old, later[old["name"]]) for old in store.measured(before) if old["name"] in later]
        self.pairs = [(old, new) for old, new in found if store.work(old) == store.work(new)]
        self.other_work = [old["name"] for old, new in found if store.work(old) != store.work(new)]
        if not self.names or not self.pairs:
            raise Fault("the two files have no workload or no allocator in common")
        self.same = [name for name in same_files(before, after) if name in self.names]
        control = [ratio for old, new in self.pairs for name in self.same
                   if (ratio := quotient(old, new, name, metric))]
        self.machine = store.geometric_mean(control) or 1.0
        self.noise = self.noise_of(control)

    def noise_of(self, control):
        """How far apart things are that did not change, but for the greatest tenth of them."""
        if not control:
            return NOISE_WITHOUT_CONTROL
        changes = sorted(max(ratio / self.machine, self.machine / ratio) - 1 for ratio in control)
        return max(LEAST_NOISE, changes[min(int(NOISE_PART * len(changes)), len(changes) - 1)])

    def complete(self):
        """The pairs that every allocator finished twice."""
        return [(old, new) for old, new in self.pairs
                if all(quotient(old, new, name, self.metric) for name in self.names)]

    def table(self):
        rows = [["workload", *(name + " " for name in self.names)]]
        for old, new in self.pairs:
            rows.append([old["name"], *(cell(old, new, name, self.metric, self.machine, self.noise)
                                        for name in self.names)])
        rows.append(["geometric mean",
                     *(short(store.geometric_mean(quotient(old, new, name, self.metric)
                                                  for old, new in self.complete())) + " " for name in self.names)])
        return table(rows)

    def rule(self):
        by = f"{self.noise:.1%}"
        if not self.same:
            return f"No allocator has the same files in both: {by} is taken as noise."
        return (f"The files of {', '.join(self.same)} are the same in both: their mean, {short(self.machine, 4)}, is"
                f" the machine's own change,\nand {by} about it, where nine tenths of their numbers lie, is noise.")


def report(before, after):
    parts = []
    for metric, title in (("wall", "Time"), ("peak", "Peak memory")):
        change = Change(before, after, metric)
        parts.append(f"{title}: after / before; the means are over the {len(change.complete())} workloads that all"
                     f" finished twice\n{change.table()}\n{change.rule()}")
    parts += [f"{name}: not compared, the work is another" for name in change.other_work]
    others = [f"{key}: {value} > {after['machine'].get(key)}" for key, value in before["machine"].items()
              if value != after["machine"].get(key)]
    if others:
        parts.append("Other machines, so no more than a hint: " + "; ".join(others))
    parts.append("+ more, - less than before: beyond noise, and the runs (time: from the least to the median; memory:"
                 "\nfrom the least to the greatest) of before and after do not overlap.")
    return "\n\n".join(parts)
