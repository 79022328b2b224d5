#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""archive.py LIBTARN.A FACT: what the archive brings into a program that links it."""
import collections
import re
import subprocess
import sys

SURFACE = set("""malloc calloc realloc reallocarray free cfree aligned_alloc memalign posix_memalign valloc pvalloc
malloc_usable_size malloc_trim malloc_stats malloc_info mallinfo mallinfo2 mallopt free_sized free_aligned_sized
""".split())


def symbols(archive):
    """(kind, name) of every symbol that is defined for other files to see."""
    lines = subprocess.run(["nm", "--defined-only", "--extern-only", archive], capture_output=True, text=True,
                           check=True).stdout.splitlines()
    return [tuple(line.split()[1:3]) for line in lines if len(line.split()) == 3]


def one_of_each(archive):
    """Strong symbols are defined once, and every function of the surface is there."""
    strong = collections.Counter(name for kind, name in symbols(archive) if kind not in "VWu")
    assert not [name for name, times in strong.items() if times > 1], strong.most_common(5)
    missing = SURFACE - {name for _, name in symbols(archive)}
    assert not missing, f"missing: {sorted(missing)}"


def takes_no_other_names(archive):
    """All that can be seen is the surface, operator new and delete, and the interface in C."""
    own = re.compile(r"tarn_[a-z]|_Zn[wa]m|_Zd[la]Pv")
    others = {name for _, name in symbols(archive) if name not in SURFACE and not own.match(name)}
    assert not others, f"also defines: {sorted(others)[:20]}"


if __name__ == "__main__":
    try:
        {"one_of_each": one_of_each, "takes_no_other_names": takes_no_other_names}[sys.argv[2]](sys.argv[1])
    except AssertionError as why:
        sys.exit(f"does not hold: {why}")
