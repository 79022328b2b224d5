# SPDX-License-Identifier: MIT
"""What changed from one results file to another, and which changes are more than noise."""
import statistics

from . import results as store
from .faults import Fault
from .text import short, table

LEAST_CHANGE = 0.02
RULE = (f"marked: changes of more than {LEAST_CHANGE:.0%} where the runs do not overlap either"
        " (time: from the least to the median; memory: from the least to the greatest);"
        " + is more, - is less than before")


def spread(entry, allocator, metric):
    """The interval in which a number is as good as its neighbour."""
    numbers = [store.of_run(run, metric) for run in entry["runs"][allocator]]
    return min(numbers), max(numbers) if metric == "peak" else statistics.median(numbers)


def mark(before, after, allocator, metric):
    """'+' for more, '-' for less, '' for what may be noise; both have succeeded."""
    low, high = spread(before, allocator, metric)
    new_low, new_high = spread(after, allocator, metric)
    change = store.value(after, allocator, metric) / store.value(before, allocator, metric) - 1
    if abs(change) <= LEAST_CHANGE:
        return ""
    if new_low > high:
        return "+"
    return "-" if new_high < low else ""


def cell(before, after, allocator, metric):
    """(text, ratio or None)."""
    failures = [store.failure(entry, allocator) for entry in (before, after)]
    if any(failures):
        return (failures[0] if failures[0] == failures[1] else
                f"{failures[0] or 'ok'} > {failures[1] or 'ok'}"), None
    if not store.value(before, allocator, metric):
        return "-", None
    ratio = store.value(after, allocator, metric) / store.value(before, allocator, metric)
    return short(ratio) + (mark(before, after, allocator, metric) or " "), ratio


def same_files(before, after):
    """The allocators that are byte for byte the same in both: their change is the machine's."""
    files = [{one["name"]: one["files"] for one in results["allocators"]} for results in (before, after)]
    return [name for name in files[0] if files[0][name] == files[1].get(name, None)]


def changes(before, after, metric):
    """(table, the ratios by allocator) over what both files hold."""
    names = [name for name in store.names(before) if name in store.names(after)]
    later = {entry["name"]: entry for entry in store.measured(after)}
    pairs = [(entry, later[entry["name"]]) for entry in store.measured(before) if entry["name"] in later]
    if not names or not pairs:
        raise Fault("the two files have no workload or no allocator in common")
    rows = [["workload", *(name + " " for name in names)]]
    ratios = {name: [] for name in names}
    for old, new in pairs:
        if store.work(old) != store.work(new):
            rows.append([old["name"], *["other work" for _ in names]])
            continue
        cells = {name: cell(old, new, name, metric) for name in names}
        rows.append([old["name"], *(text for text, _ in cells.values())])
        if all(ratio is not None for _, ratio in cells.values()):
            for name, (_, ratio) in cells.items():
                ratios[name].append(ratio)
    rows.append(["geometric mean", *(short(store.geometric_mean(ratios[name])) + " " for name in names)])
    return table(rows), ratios


def drift(before, after, ratios):
    """How much the allocators that did not change did change."""
    same = [name for name in same_files(before, after) if ratios.get(name)]
    numbers = [number for name in same for number in ratios[name]]
    if not numbers:
        return "no allocator is the same in both, so the machine's own change is unknown"
    return f"{', '.join(same)} are the same in both: {short(store.geometric_mean(numbers), 4)} is the machine's change"


def report(before, after):
    parts = []
    for metric, title in (("wall", "Time"), ("peak", "Peak memory")):
        text, ratios = changes(before, after, metric)
        count = len(next(iter(ratios.values())))
        parts.append(f"{title}: after / before; the mean is over {count} workloads that all finished twice\n{text}\n"
                     + drift(before, after, ratios))
    others = [f"{key}: {before['machine'][key]} > {after['machine'][key]}" for key in before["machine"]
              if before["machine"][key] != after["machine"].get(key)]
    if others:
        parts.append("Different machines, so no more than a hint: " + "; ".join(others))
    return "\n\n".join([*parts, RULE])
