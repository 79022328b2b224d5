# SPDX-License-Identifier: MIT
# size 3500
"""Code objects that come and go: exec, eval, functions made at run time."""

BODY = "def made(kept):\n    kept.append(bytearray(3500))\n"


def fresh(kept):
    names = {}
    exec(compile(BODY, "made.py", "exec"), names)
    names["made"](kept)


def main():
    kept = []
    for _ in range(300):
        fresh(kept)
        kept.append(eval("bytearray(3500)"))
        for _ in range(3):
            kept.append(bytearray(3500))  #= 900
    for _ in range(500):
        kept.append(bytearray(3500))  #= 500


main()
