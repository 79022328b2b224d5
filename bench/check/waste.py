#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""What scripts/bench-waste says of a program whose objects are known.

usage: waste.py SCRIPTS PRELOADED PROGRAM
"""
import os
import sys

sys.path.insert(0, sys.argv[1])
from benchlib import waste  # noqa: E402 # pylint: disable=wrong-import-position

OBJECTS, ASKED, SIZE = 10000, 712, 768


def main():
    peak = waste.peak_of([os.path.abspath(sys.argv[3])], sys.argv[2])
    its = next(one for one in peak["classes"] if one["size"] == SIZE)
    assert its["objects"] == OBJECTS and its["asked"] == OBJECTS * ASKED, its
    lost = OBJECTS * (SIZE - ASKED)
    found = waste.summed(peak)
    assert lost <= found["rounding"] <= lost + 20000, found
    assert found["large"] >= 5 << 20, found
    assert its["slab_bytes"] >= OBJECTS * SIZE and waste.slab_tail(its) * 100 <= its["slab_bytes"] * 3, its
    assert found["free"] <= its["slab_bytes"] // 20 + (1 << 18), found
    assert waste.worst(peak).startswith(f"{SIZE:,} ("), waste.worst(peak)
    two = waste.documents('{"a": 1}\n{"b": [2]}\n')
    assert two == [{"a": 1}, {"b": [2]}], two


if __name__ == "__main__":
    main()
