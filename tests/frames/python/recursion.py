# SPDX-License-Identifier: MIT
# size 6000
"""Recursion deeper than what is kept of a stack; the innermost frames are."""
import sys

sys.setrecursionlimit(3000)


def down(depth, kept):
    if depth == 0:
        for _ in range(100):
            kept.append(bytearray(6000))  #= 1000
        return
    if depth % 10 == 0:
        kept.append(bytearray(6000))  #= 700
    down(depth - 1, kept)


def main():
    kept = []
    for _ in range(10):
        down(700, kept)


main()
