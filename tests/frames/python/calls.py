# SPDX-License-Identifier: MIT
# size 3000
"""Functions that call each other."""


def inner(count):
    return [bytearray(3000) for _ in range(count)]  #= 1500


def outer(count):
    kept = inner(count)
    for _ in range(700):
        kept.append(bytearray(3000))  #= 700
    return kept


def main():
    kept = outer(1500)
    for _ in range(300):
        kept.append(bytearray(3000))  #= 300


main()
