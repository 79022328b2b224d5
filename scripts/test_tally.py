# SPDX-License-Identifier: MIT
"""What scripts/test says at its end."""


class Tally:
    """What passed, failed and was skipped, by name."""

    def __init__(self):
        self.names = {"ok": [], "FAIL": [], "SKIP": []}

    def add(self, verdict, name, seconds=0.0, why=""):
        """From any thread."""
        self.names[verdict].append(name + (f": {why}" if why else ""))
        print(f"{verdict:4} {seconds:6.1f} s  {name}{': ' if why else ''}{why}", flush=True)

    def finish(self):
        for verdict, title in (("SKIP", "skipped"), ("FAIL", "failed")):
            for name in self.names[verdict]:
                print(f"{title}: {name}")
        passed, failed, skipped = (len(self.names[v]) for v in ("ok", "FAIL", "SKIP"))
        print(f"{passed} passed, {failed} failed" + (f", {skipped} skipped" if skipped else ""))
        return 1 if failed or not passed else 0
