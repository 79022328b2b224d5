# SPDX-License-Identifier: MIT
# size 12000
"""Threads, each with a stack of its own, some of which let go of the interpreter's lock."""
import hashlib
import threading

BLOCK = bytes(300000)


def left(kept):
    for _ in range(150):
        kept.append(bytearray(12000))  #= 600
        hashlib.sha256(BLOCK)


def right(kept):
    for _ in range(100):
        kept.append(bytearray(12000))  #= 400


def main():
    kept = []
    threads = [threading.Thread(target=target, args=(kept,)) for target in (left, right) * 4]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


main()
