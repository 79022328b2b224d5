# SPDX-License-Identifier: MIT
"""Whatever may be under way while a sample is taken: threads, exceptions, deep recursion, code objects that die, children of
fork, subinterpreters, and the end of the interpreter."""
import asyncio
import atexit
import gc
import os
import sys
import threading
import time
import weakref

sys.setrecursionlimit(4000)
until = 0


def going():
    return time.monotonic() < until


def recurse():
    def down(depth):
        return bytearray(700) if depth == 0 else (down(depth - 1), bytearray(10))[0]
    while going():
        for depth in (10, 500, 1500):
            down(depth)


def raise_and_catch():
    class Refused(Exception):
        def __init__(self):
            super().__init__(bytearray(800))
    while going():
        try:
            try:
                raise Refused
            finally:
                bytearray(900)
        except Refused as refused:
            str(refused)


def make_code():
    """Functions, and the code of functions, that die while they run, and whose death is told."""
    number = 0
    while going():
        number += 1
        names = {}
        exec(compile(f"def made_{number}(again):\n  x = bytearray(600)\n  again.clear()\n  return bytearray(700)\n",
                     f"made-{number % 50}-{'ü' * (number % 3)}.py", "exec"), names)
        function = names.pop(f"made_{number}")
        watch = weakref.ref(function.__code__, lambda _: bytearray(1000))
        holder = {"f": function}
        del function
        holder["f"](holder)
        assert watch
        if number % 100 == 0:
            gc.collect()


def generate():
    def rows():
        try:
            while True:
                yield bytearray(600)
        finally:
            bytearray(700)
    while going():
        each = rows()
        next(each)
        next(each)
        each.close()
        half = rows()
        next(half)
        del half


def wait():
    async def one():
        await asyncio.sleep(0)
        return bytearray(650)

    async def many():
        await asyncio.gather(*(one() for _ in range(20)))
    while going():
        asyncio.run(many())


def let_go():
    """Threads that come and go, and allocate without the interpreter's lock."""
    import hashlib
    import zlib
    block = os.urandom(20000)

    def once():
        hashlib.sha256(block)
        zlib.compress(block, 1)
    while going():
        threads = [threading.Thread(target=once) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()


def subinterpret():
    try:
        try:
            import _interpreters as interpreters
        except ImportError:
            import _xxsubinterpreters as interpreters
    except ImportError:
        return
    for _ in range(2):
        other = interpreters.create()
        interpreters.run_string(other, "x = [bytearray(900) for _ in range(200)]")
        interpreters.destroy(other)


def fork():
    for _ in range(8):
        child = os.fork()
        if child == 0:
            kept = [bytearray(700) for _ in range(500)]
            if os.getpid() % 2:
                os._exit(0)
            sys.exit(0 if kept else 1)
        _, status = os.waitpid(child, 0)
        assert status == 0, status
        time.sleep(0.05)


class Late:
    """Allocates when it goes, at the end of the interpreter, too."""
    def __del__(self):
        bytearray(3000)
        [bytearray(600) for _ in range(10)]


def at_the_end():
    for _ in range(100):
        bytearray(1500)


subinterpret()
until = time.monotonic() + float(sys.argv[1])
sys.late = Late()
late = [Late() for _ in range(50)]
atexit.register(at_the_end)
threads = [threading.Thread(target=target) for target in
           (recurse, raise_and_catch, make_code, generate, wait, let_go)]
for one in threads:
    one.start()
if sys.argv[2] == "fork":
    fork()
for one in threads:
    one.join()
threading.Thread(target=lambda: [bytearray(800) for _ in iter(int, 1)] and None, daemon=True)
background = threading.Thread(target=lambda: [bytearray(900) and None for _ in iter(int, 1)], daemon=True)
background.start()
