# SPDX-License-Identifier: MIT
"""Coroutines that wait for each other."""
import asyncio
import sys

scale = float(sys.argv[1]) if len(sys.argv) > 1 else 1


async def work(number, queue):
    for step in range(40):
        await queue.put((number, step, "x" * 600))


async def main():
    queue = asyncio.Queue(100)
    makers = [asyncio.create_task(work(number, queue)) for number in range(500)]
    for _ in range(500 * 40):
        await queue.get()
    await asyncio.gather(*makers)


for _ in range(int(6 * scale)):
    asyncio.run(main())
