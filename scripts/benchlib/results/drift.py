# SPDX-License-Identifier: MIT
"""What came of the load that drifts (driving/drift.py): how memory aged under each allocator, and whether tarn's did as it
must."""
from . import store
from .text import short, table

MOST = 1.25  # tarn's resident memory at the end, to what is live
SHARE = 0.5  # of glibc's excess, at most


def failure(results, name):
    """The word for what went wrong; '' when nothing did."""
    return store.failure(results["drift"], name)


def value(results, name, key):
    """What the load printed of itself, unless it failed."""
    return None if failure(results, name) else results["drift"]["runs"][name][0]["extra"][key][0]


def curves(results):
    """{allocator: [[seconds, live MiB, resident MiB], ...]} of those that ended well."""
    return {name: results["drift"]["runs"][name][0]["curve"] for name in store.names(results)
            if not failure(results, name)}


def verdicts(results):
    """[(what must hold, whether it does)]; nothing where tarn was not measured."""
    if "tarn" not in store.names(results):
        return []
    if why := failure(results, "tarn"):
        return [(f"tarn: {why}", False)]
    ratio = value(results, "tarn", "ratio")
    found = [(f"tarn's resident memory is at most {MOST} of what is live at the end: {ratio:.3f}", ratio <= MOST)]
    other = value(results, "glibc", "ratio") if "glibc" in store.names(results) else None
    if other is not None:
        share = f"{(ratio - 1) / (other - 1):.2f}" if other > 1 else "glibc has none"
        found.append((f"tarn's excess is at most {SHARE:g} of glibc's: {share}", ratio - 1 <= SHARE * (other - 1)))
    return found


def holds(results):
    return all(held for _, held in verdicts(results))


def report(results):
    minutes = results["drift"]["minutes"]
    rows = [["allocator", "live MiB", "resident MiB", "ratio", "second half", "processor s"]]
    for name in store.names(results):
        if why := failure(results, name):
            rows.append([name, why, "", "", "", ""])
            continue
        cells = [short(value(results, name, key)) for key in ("live", "resident", "ratio", "ratio_half")]
        rows.append([name, *cells, short(store.value(results["drift"], name, "cpu"))])
    lines = [f"{'holds ' if held else 'MISSED'}  {what}" for what, held in verdicts(results)]
    return "\n".join([f"A load that drifts, {minutes:g} minutes: means over the last tenth; the ratio of resident to live"
                      " memory then, and over the\nsecond half", table(rows), *lines])
