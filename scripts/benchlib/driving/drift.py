# SPDX-License-Identifier: MIT
"""The load that drifts (bench/drift), under all allocators side by side: it is memory that is measured, and a load takes
about a tenth of a processor, since it makes pauses."""
import concurrent.futures
import os

from ..results import store
from . import measure
from .workloads import Workload

NAME = "drift"
MINUTES, LONG_MINUTES = 3, 30
RATE = 10        # steps a second
SIDE_BY_SIDE = 4  # loads for each processor
SLOWNESS = 4     # times as long as it should take, until it is given up


def workload(build, minutes):
    command = (os.path.join(build, "bench", NAME), "--steps", f"{minutes * 60 * RATE:.0f}", "--rate", str(RATE))
    return Workload(NAME, "life", "a server's load that drifts", "own, after Wilson et al. 1995 (IWMM)", command, {}, "",
                    False, "work")


def missing(build):
    """Why it cannot run here; nothing when it can."""
    return workload(build, MINUTES).missing()


def planned(minutes):
    """The results' "drift" before anything was run."""
    return {"minutes": minutes, "runs": {}}


def run(launcher, results, path, allocators, progress_kind):
    """Those that the results do not hold yet, stored when each has ended."""
    entry = results[NAME]
    due = [allocator for allocator in allocators if allocator.name not in entry["runs"]]
    load = workload(launcher.build, entry["minutes"])
    limit = entry["minutes"] * 60 * SLOWNESS + 60
    progress = progress_kind(len(due))
    workers = max(1, SIDE_BY_SIDE * (os.cpu_count() or 1))
    with concurrent.futures.ThreadPoolExecutor(workers) as pool:
        started = {pool.submit(launcher.run, load, allocator, limit): allocator for allocator in due}
        try:
            progress.before(NAME, "all side by side", 1, 1)
            for ended in concurrent.futures.as_completed(started):
                name, run_ = started[ended].name, ended.result()
                entry["runs"][name] = [run_]
                store.store(path, results)
                progress.after()
                if run_["failure"]:
                    progress.say(f"{NAME}: {name}: {run_['failure']}")
        except KeyboardInterrupt:
            for one in started:
                one.cancel()
            measure.stop()
            raise
    progress.finish()
