# SPDX-License-Identifier: MIT
# Python threads that pass objects on: what one allocates another frees.
import hashlib
import queue
import threading

PRODUCERS, CONSUMERS, BATCHES = 3, 3, 120
work = queue.Queue(maxsize=16)
results = []


def produce(number):
    for batch in range(BATCHES):
        work.put([f"{number}-{batch}-{item}" * (item % 17 + 1) for item in range(150)])


def consume():
    digest, items = 0, 0
    while (batch := work.get()) is not None:
        for text in batch:
            digest ^= int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big")
        items += len(batch)
        hashlib.sha256(bytes(70000)).digest()
    results.append((digest, items))


def short_lived(slot, lines):
    lines[slot] = hashlib.md5(b"".join(str(n).encode() for n in range(slot * 20))).hexdigest()


consumers = [threading.Thread(target=consume) for _ in range(CONSUMERS)]
producers = [threading.Thread(target=produce, args=(n,)) for n in range(PRODUCERS)]
for thread in consumers + producers:
    thread.start()
for thread in producers:
    thread.join()
for _ in consumers:
    work.put(None)
for thread in consumers:
    thread.join()
digest = 0
for part, _ in results:
    digest ^= part
print(hex(digest), sum(items for _, items in results))

lines = [None] * 100
for start in range(0, 100, 10):
    group = [threading.Thread(target=short_lived, args=(slot, lines)) for slot in range(start, start + 10)]
    for thread in group:
        thread.start()
    for thread in group:
        thread.join()
print(lines)
