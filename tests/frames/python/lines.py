# SPDX-License-Identifier: MIT
# size 2500
"""Statements of several lines, long jumps in the table of lines, loops that go back."""


def many(kept):
    for _ in range(200):
        kept.extend((
            bytearray(2500),  #= 200
            bytearray(
                2500),
        ))
        if len(kept) % 2:
            continue
        kept.append(bytearray(2500)); kept.append(bytearray(2500))  #= 400







































































































































    while len(kept) < 1500:
        kept.append(bytearray(2500))  #= 700
    with open("/dev/null", encoding="utf-8"):
        for _ in range(300):
            kept.append(bytearray(2500))  #= 300


many([])
