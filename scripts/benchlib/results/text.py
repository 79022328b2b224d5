# SPDX-License-Identifier: MIT
"""The results as tables of plain text."""
from . import store


def table(rows, left_columns=1):
    """Columns as wide as they must be; the first ones flush left, the others flush right."""
    widths = [max(len(row[column]) for row in rows if column < len(row)) for column in range(len(rows[0]))]
    lines = []
    for row in rows:
        cells = [cell.ljust(width) if column < left_columns else cell.rjust(width)
                 for column, (cell, width) in enumerate(zip(row, widths))]
        lines.append("  ".join(cells).rstrip())
    return "\n".join(lines)


def short(number, digits=3):
    """About `digits` significant digits, never an exponent."""
    if number is None:
        return "-"
    if number == 0:
        return "0"
    places = max(0, digits - len(str(int(abs(number)))) + (abs(number) < 1))
    return f"{number:,.{places}f}"


def ratio_cell(entry, name, metric, names):
    return store.failure(entry, name) or short(store.ratio(entry, name, metric, names))


def ratios(results, metric):
    """A line per workload: the best value, then each allocator's ratio to it."""
    names = store.names(results)
    rows = [["workload", f"best {store.METRICS[metric][1]}", *names]]
    for entry in store.measured(results):
        rows.append([entry["name"], short(store.best(entry, names, metric)),
                     *(ratio_cell(entry, name, metric, names) for name in names)])
    return table(rows)


def groups(results):
    """Geometric means of the time by group, over the workloads that every allocator finished."""
    names = store.names(results)
    kept, _ = store.common(results)
    rows = [["group", "workloads", *names]]
    for group in dict.fromkeys(entry["group"] for entry in kept):
        entries = [entry for entry in kept if entry["group"] == group]
        rows.append([group, str(len(entries)),
                     *(short(store.mean_ratio(entries, name, "wall", names)) for name in names)])
    return table(rows)


def summary(results):
    """A line per allocator, the fastest first."""
    names = store.names(results)
    kept, _ = store.common(results)
    counted, _ = store.common(results, metric="cpu")
    bases = ["best", *(["glibc"] if "glibc" in names else [])]
    rows = [["allocator", *(f"{title}/{base}" for title in ("time", "memory", "cpu") for base in bases),
             "fastest", "failed"]]
    for name in names:
        cells = [store.mean_ratio(counted if metric == "cpu" else kept, name, metric, names, base)
                 for metric in ("wall", "peak", "cpu") for base in bases]
        fastest = sum(store.value(entry, name, "wall") == store.best(entry, names, "wall") is not None
                      for entry in store.measured(results))
        failed = sum(bool(store.failure(entry, name)) for entry in store.measured(results))
        rows.append([name, *map(short, cells), str(fastest), str(failed)])
    order = {name: store.mean_ratio(kept, name, "wall", names) or 0 for name in names}
    return table([rows[0], *sorted(rows[1:], key=lambda row: order[row[0]])])


def left_out(results):
    """Which workloads the means do not count, and why; one line each."""
    lines = [f"{entry['name']}: " + ", ".join(f"{name}: {why}" for name, why in failed.items())
             for entry, failed in store.common(results)[1]]
    lines += [f"{entry['name']}: skipped: {entry['skipped']}" for entry in results["workloads"] if entry["skipped"]]
    held = {entry["name"] for entry in results["workloads"]}
    lines += [f"{name}: not reached" for name in results["planned"] if name not in held]
    return lines


def extras(results):
    names = store.names(results)
    rows = [["workload", "metric", *names]]
    for entry in store.measured(results):
        for (key, unit), values in store.extras(entry).items():
            rows.append([entry["name"], f"{key} ({unit})", *(short(values.get(name)) for name in names)])
    return table(rows, 2) if len(rows) > 1 else ""


def report(results):
    """All that workloads have to say."""
    machine = results["machine"]
    kept, _ = store.common(results)
    parts = [f"{machine['processor']}, {machine['cores']} cores, {machine['memory_mib']} MiB, Linux"
             f" {machine['kernel']}, {machine['libc']}; {results['rounds']} rounds"
             + (", --quick" if results["quick"] else "") + ("" if results["complete"] else ", NOT COMPLETE")]
    parts.append(table([["allocator", "version"],
                        *([one["name"], one["version"]] for one in results["allocators"])], 2))
    if not results["planned"]:
        return "\n\n".join(parts)
    parts.append("Time: the least of all rounds, as a ratio to the best of the line\n" + ratios(results, "wall")
                 + f"\nOf the runs of one line and allocator, the median took {store.noise(results):.1%} more than the"
                   " least; this, too, is a median.")
    parts.append("Peak memory: the median of all rounds, as a ratio to the best of the line\n"
                 + ratios(results, "peak"))
    if found := extras(results):
        parts.append("What workloads count themselves: medians\n" + found)
    absent = left_out(results)
    if kept:
        parts.append("Time by group: geometric means\n" + groups(results))
        parts.append(f"Geometric means over the {len(kept)} workloads that every allocator finished\n"
                     + summary(results))
    else:
        parts.append("No workload was finished by every allocator: there are no means")
    if absent:
        parts.append(f"Left out of the means: {len(absent)}\n" + "\n".join(absent))
    return "\n\n".join(parts)
