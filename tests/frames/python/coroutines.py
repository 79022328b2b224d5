# SPDX-License-Identifier: MIT
# size 7000
"""Coroutines on a loop, which go on where they waited."""
import asyncio


async def fetch(kept):
    kept.append(bytearray(7000))  #= 500
    await asyncio.sleep(0)
    kept.append(bytearray(7000))  #= 500
    return bytearray(7000)  #= 500


async def rows(count):
    for _ in range(count):
        await asyncio.sleep(0)
        yield bytearray(7000)  #= 200


async def main():
    kept = []
    for _ in range(50):
        kept += await asyncio.gather(*(fetch(kept) for _ in range(10)))
    async for row in rows(200):
        kept.append(row)


asyncio.run(main())
