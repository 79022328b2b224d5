# SPDX-License-Identifier: MIT
# Python forks while threads allocate; the children allocate, free what the parent made, and answer.
import hashlib
import multiprocessing
import os
import threading

table = {number: "value %d " % number * (number % 9 + 1) for number in range(20000)}
stop = threading.Event()


def churn():
    while not stop.is_set():
        [str(n) * 3 for n in range(500)]


def digest(part):
    mine = {key: table[key].upper() for key in range(part, 20000, 8)}
    for key in list(table)[part::16]:
        del table[key]
    text = "".join(mine[key] for key in sorted(mine))
    return part, hashlib.sha256(text.encode()).hexdigest(), len(bytes(200000 + part))


threads = [threading.Thread(target=churn) for _ in range(2)]
for thread in threads:
    thread.start()
with multiprocessing.get_context("fork").Pool(3, maxtasksperchild=2) as pool:
    lines = pool.map(digest, range(8), chunksize=1)
    pool.close()  # or they would be killed at once, even in the middle of the report of one that is about to end
    pool.join()
print(*lines, sep="\n", flush=True)  # now: a child that is forked later would print its copy, too
for number in range(20):
    child = os.fork()
    if child == 0:
        os._exit(len([str(n) for n in range(1000)]) % 256 + 7)
    print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), end=" ")
stop.set()
for thread in threads:
    thread.join()
print(len(table))
