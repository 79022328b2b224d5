# SPDX-License-Identifier: MIT
# size 4000
"""Frames that are left by exceptions, and what is allocated while they are handled."""


class Refused(Exception):
    pass


def refuse(kept):
    kept.append(bytearray(4000))  #= 600
    raise Refused


def handle(kept):
    try:
        refuse(kept)
    except Refused:
        kept.append(bytearray(4000))  #= 600
    finally:
        kept.append(bytearray(4000))  #= 600


def main():
    kept = []
    for _ in range(600):
        handle(kept)


main()
