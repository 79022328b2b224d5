# SPDX-License-Identifier: MIT
# size 5000
"""Generators, those that delegate, and expressions."""


def source(count):
    for _ in range(count):
        yield bytearray(5000)  #= 900


def passed_on(count):
    yield from source(count)
    got = 0
    while got < 200:
        got += 1
        yield bytearray(5000)  #= 200


def main():
    kept = list(passed_on(900))
    kept += list(bytearray(5000) for _ in range(300))  #= 300
    return kept


main()
