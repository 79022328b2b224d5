# SPDX-License-Identifier: MIT
"""Rows that are grouped, sorted and summed up; buffers of bytes that come and go."""
import sys

scale = float(sys.argv[1]) if len(sys.argv) > 1 else 1

rows = [(n * 7919 % 10007, f"name {n % 500}", float(n)) for n in range(60000)]
for _ in range(int(12 * scale)):
    groups = {}
    for key, name, value in rows:
        groups.setdefault(name, []).append((key, value))
    totals = sorted(((name, sum(value for _, value in group)) for name, group in groups.items()), key=lambda pair: -pair[1])
    blocks = [bytes(4096 + n) for n in range(2000)]
    packed = b"".join(blocks)
