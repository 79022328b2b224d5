# SPDX-License-Identifier: MIT
"""Which of Meson's tests a stage is to build and run."""
import json
import os
import subprocess


def introspected(directory, what):
    return json.loads(subprocess.run(["meson", "introspect", what, directory], stdout=subprocess.PIPE,
                                     text=True, check=True).stdout)


def commits():
    """How many there are; 0 where nothing tells."""
    try:
        done = subprocess.run(["git", "-C", os.path.dirname(__file__), "rev-list", "--count", "HEAD"],
                              stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        return 0
    return int(done.stdout)


def tests_of(suite, directory, shares=1):
    """Those of a suite; or one in so many, others with the next commit."""
    found = [test for test in introspected(directory, "--tests")
             if any(name.endswith(f":{suite}") for name in test["suite"])]
    return found[commits() % shares::shares]


def needed_by(tests, directory):
    """What they are and call, as ninja names it."""
    wanted = {target for test in tests for target in test["depends"]}
    return sorted(os.path.relpath(file, directory) for target in introspected(directory, "--targets")
                  if target["id"] in wanted for file in target["filename"])
