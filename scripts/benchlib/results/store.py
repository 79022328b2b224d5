# SPDX-License-Identifier: MIT
"""The results file, and everything that is computed from its raw numbers: nothing computed is stored."""
import collections
import json
import math
import os
import statistics

from ..faults import Fault

SCHEMA = 1
METRICS = {"wall": ("time", "s"), "cpu": ("processor time", "s"), "peak": ("peak memory", "MiB")}


def new(name, machine, rounds, quick, allocators, workloads):
    return {"schema": SCHEMA, "name": name, "quick": quick, "rounds": rounds, "complete": False,
            "machine": machine,
            "allocators": [{"name": allocator.name, "version": allocator.version,
                            "environment": allocator.environment, "files": allocator.files()}
                           for allocator in allocators],
            "planned": [workload.name for workload in workloads], "workloads": []}


def load(path, script="bench", schema=SCHEMA, key="workloads"):
    """What `script` has stored: that it has `key` tells its files from those of the others."""
    try:
        with open(path, encoding="utf-8") as file:
            results = json.load(file)
    except (OSError, ValueError) as error:
        raise Fault(f"cannot read {path}: {error}") from error
    if not isinstance(results, dict) or results.get("schema") != schema or key not in results:
        raise Fault(f"{path} is no results file of scripts/{script} (schema {schema})")
    return results


def store(path, results):
    """Whole or not at all: a run may be interrupted here."""
    os.makedirs(os.path.dirname(os.path.abspath(path)), exist_ok=True)
    with open(path + ".new", "w", encoding="utf-8") as file:
        json.dump(results, file, indent=1)
        file.write("\n")
    os.replace(path + ".new", path)


def names(results):
    return [allocator["name"] for allocator in results["allocators"]]


def reference_output(runs):
    """The output that others must equal: the commonest of glibc's runs, else of all runs."""
    def commonest(lists):
        counts = collections.Counter(run["output"] for one in lists for run in one if not run["failure"])
        return counts.most_common(1)[0][0] if counts else None

    return commonest([runs.get("glibc", [])]) or commonest(runs.values())


def failure(entry, allocator):
    """The word for what went wrong with this allocator on this workload; '' when nothing did."""
    runs = entry["runs"].get(allocator, [])
    if not runs:
        return "not run"
    expected = reference_output(entry["runs"])
    for run in runs:
        if run["failure"]:
            return run["failure"]
        if run["output"] != expected:
            return "wrong output"
    return ""


def of_run(run, metric):
    if metric == "cpu":
        return run["user"] + run["system"]
    return run["peak_kib"] / 1024 if metric == "peak" else run["wall"]


def value(entry, allocator, metric):
    """Least time, median memory; None where the allocator failed."""
    if failure(entry, allocator):
        return None
    numbers = [of_run(run, metric) for run in entry["runs"][allocator]]
    return statistics.median(numbers) if metric == "peak" else min(numbers)


def noise(results):
    """By what part the median run is longer than the least; the median over everything that succeeded."""
    found = []
    for entry in measured(results):
        for name, runs in entry["runs"].items():
            least = value(entry, name, "wall")
            if least:
                found.append(statistics.median(run["wall"] for run in runs) / least - 1)
    return statistics.median(found) if found else 0.0


def measured(results):
    """The workloads that ran, not those skipped by name."""
    return [entry for entry in results["workloads"] if not entry["skipped"]]


def best(entry, allocators, metric):
    numbers = [number for number in (value(entry, name, metric) for name in allocators) if number is not None]
    return min(numbers) if numbers else None


def ratio(entry, allocator, metric, allocators, base="best"):
    """To the best allocator of the workload, or to the one called `base`; None where one of them failed."""
    own = value(entry, allocator, metric)
    other = best(entry, allocators, metric) if base == "best" else value(entry, base, metric)
    # Processor time is counted in steps: a program that took none cannot be divided by.
    return None if own is None or not other else own / other


def common(results, allocators=None, metric="wall"):
    """(workloads that every allocator finished, workloads left out with who failed how)."""
    kept, left_out = [], []
    for entry in measured(results):
        failed = {name: failure(entry, name) for name in allocators or names(results)}
        failed = {name: why for name, why in failed.items() if why}
        if not failed and not best(entry, allocators or names(results), metric):
            failed = {"all": f"no {METRICS[metric][0]} was counted"}
        if failed:
            left_out.append((entry, failed))
        else:
            kept.append(entry)
    return kept, left_out


def geometric_mean(numbers):
    numbers = list(numbers)
    return math.exp(sum(math.log(number) for number in numbers) / len(numbers)) if numbers else None


def mean_ratio(entries, allocator, metric, allocators, base="best"):
    return geometric_mean(ratio(entry, allocator, metric, allocators, base) for entry in entries)


def extras(entry):
    """{(key, unit): {allocator: median}} of what the workload itself printed."""
    found = {}
    for name, runs in entry["runs"].items():
        if failure(entry, name):
            continue
        for key in dict.fromkeys(key for run in runs for key in run["extra"]):
            numbers = [run["extra"][key][0] for run in runs if key in run["extra"]]
            unit = next(run["extra"][key][1] for run in runs if key in run["extra"])
            found.setdefault((key, unit), {})[name] = statistics.median(numbers)
    return found


def work(entry):
    """The count of operations that the workload printed; None when it prints none."""
    for runs in entry["runs"].values():
        for run in runs:
            if run.get("work"):
                return run["work"][0], run["work"][1]
    return None
