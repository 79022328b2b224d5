# SPDX-License-Identifier: MIT
"""Lines of a log: split, matched, counted, joined."""
import collections
import re
import sys

scale = float(sys.argv[1]) if len(sys.argv) > 1 else 1

pattern = re.compile(r"(?P<host>\S+) \[(?P<when>[^]]+)\] \"(?P<verb>\w+) (?P<path>\S+)\" (?P<status>\d+)")
log = "\n".join(f"10.0.{n % 256}.{n % 199} [27/Nov/2026:{n % 24:02d}] \"GET /article/{n % 900}?page={n}\" {200 + n % 7}"
                for n in range(20000))
for _ in range(int(14 * scale)):
    seen = collections.Counter()
    paths = []
    for line in log.split("\n"):
        match = pattern.match(line)
        seen[match["host"], match["status"]] += 1
        paths.append(match["path"].partition("?")[0].upper())
    joined = ",".join(sorted(set(paths)))
