# SPDX-License-Identifier: MIT
"""scripts/bench-waste: runs workloads with bench/waste.cpp in front of tarn, which notes what was live when most was, and
what it took. Of a workload with several processes it shows the one with the most."""
import argparse
import json
import os
import subprocess
import sys
import tempfile

from .driving import measure, workloads
from .faults import Fault, status_of
from .results.text import table

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
GROUPS = ["group:programs", "group:life", "group:small"]
UNIT = 16384  # bytes that a slab is a multiple of
MIB = 1 << 20
TIMEOUT = 600.0
CLASSES_SHOWN = 3


def documents(text):
    """What each process wrote, one after another."""
    decoder, at, found = json.JSONDecoder(), 0, []
    text = text.strip()
    while at < len(text):
        one, end = decoder.raw_decode(text, at)
        found.append(one)
        at = end + len(text[end:]) - len(text[end:].lstrip())
    return found


def libraries(build):
    paths = [os.path.join(build, "bench", "libwaste.so"), os.path.join(build, "libtarn.so")]
    for path in paths:
        if not os.path.isfile(path):
            raise Fault(f"{path} is not built")
    return ":".join(paths)


def peak_of(command, preload, own=()):
    """The JSON of bench/waste.cpp, of the process that had the most live."""
    with tempfile.TemporaryDirectory(prefix="bench-") as scratch, tempfile.TemporaryFile(dir=scratch) as written:
        inherited = {key: os.environ[key] for key in measure.INHERITED if key in os.environ}
        status = measure.ended(command, TIMEOUT, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                               stderr=subprocess.DEVNULL, cwd=scratch, pass_fds=[written.fileno()],
                               env={**inherited, "LC_ALL": "C.UTF-8", "TMPDIR": scratch, **dict(own),
                                    "LD_PRELOAD": preload, "WASTE_FD": str(written.fileno())})
        written.seek(0)
        found = documents(written.read().decode())
    if status != 0 or not found:
        raise Fault(f"{command[0]}: {'timeout' if status is None else f'status {status}'}, and {len(found)} peaks noted")
    return max(found, key=lambda one: one["bytes"])


def slab_tail(one):
    """Bytes at the ends of its slabs that hold no object. The slab bytes of objects in mixed slabs are the objects'."""
    if not one["slabs"]:
        return 0
    units = one["slab_bytes"] // one["slabs"] // UNIT
    return one["slabs"] * (units * UNIT % one["size"])


def summed(peak):
    """Bytes: asked for in small objects, lost to rounding, at the ends of slabs, and free in slabs and bins."""
    asked = sum(one["asked"] for one in peak["classes"])
    taken = sum(one["objects"] * one["size"] for one in peak["classes"])
    tails = sum(map(slab_tail, peak["classes"]))
    slabs = sum(one["slab_bytes"] for one in peak["classes"])
    return {"asked": asked, "rounding": taken - asked, "tails": tails, "free": max(0, slabs - taken - tails),
            "large": peak["large_bytes"]}


def worst(peak):
    """The classes that lose most to rounding: size, and its share of all that small objects take."""
    lost = sorted(((one["objects"] * one["size"] - one["asked"], one["size"]) for one in peak["classes"]), reverse=True)
    taken = sum(one["objects"] * one["size"] for one in peak["classes"]) or 1
    return ", ".join(f"{size:,} ({share / taken:.1%})" for share, size in lost[:CLASSES_SHOWN] if share > 0)


def row(name, peak):
    found = summed(peak)
    small = sum(found[part] for part in ("asked", "rounding", "tails", "free")) or 1
    return [name, f"{found['asked'] / MIB:.1f}", f"{found['large'] / MIB:.1f}",
            *(f"{found[part] / small:.1%}" for part in ("rounding", "tails", "free")), worst(peak)]


HEAD = ["workload", "small, MiB", "large, MiB", "rounding", "slabs' ends", "free", "classes that lose most by rounding"]


def parser():
    found = argparse.ArgumentParser(prog="scripts/bench-waste", allow_abbrev=False,
                                    description="Where workloads waste memory under tarn: when most was live, what was asked for "
                                                "in small objects, and what their size classes and slabs took besides.")
    found.add_argument("workloads", nargs="*", metavar="WORKLOAD", help=f"a name or group:NAME; {', '.join(GROUPS)} without any")
    found.add_argument("--json", action="store_true", help="prints what was noted, by workload and class")
    found.add_argument("--build", default=os.path.join(ROOT, "build"), metavar="DIR", help="another build directory")
    return found


def perform(options):
    build = os.path.abspath(options.build)
    preload = libraries(build)
    listed = workloads.load(os.path.join(ROOT, "bench", "workloads.json"), build, ROOT)
    peaks, faults = {}, []
    for workload in workloads.select(listed, options.workloads or GROUPS):
        absent = workload.missing()
        if absent:
            faults.append(f"{workload.name}: {absent}")
            continue
        try:
            peaks[workload.name] = peak_of(list(workload.command), preload, workload.environment)
        except Fault as fault:
            faults.append(f"{workload.name}: {fault}")
    if options.json:
        print(json.dumps(peaks, indent=1))
    else:
        print(table([HEAD, *(row(name, peak) for name, peak in peaks.items())]))
    for fault in faults:
        print(f"scripts/bench-waste: {fault}", file=sys.stderr)
    return 1 if faults else 0


def main(arguments):
    options = parser().parse_args(arguments)
    return status_of("bench-waste", lambda: perform(options))
