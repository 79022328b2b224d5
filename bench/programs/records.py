# SPDX-License-Identifier: MIT
# Python: objects with attributes, dictionaries of lists, tuples, a balanced tree, closures, cycles for the collector.
import gc

state = 12345


def below(limit):
    global state
    state = (state * 1103515245 + 12345) & 0x7FFFFFFF
    return (state >> 8) % limit


class Node:
    def __init__(self, key, value):
        self.key, self.value, self.left, self.right, self.parent = key, value, None, None, None


def insert(root, key, value):
    at = root
    while True:
        side = "left" if key < at.key else "right"
        after = getattr(at, side)
        if after is None:
            node = Node(key, value)
            node.parent = at  # a cycle
            setattr(at, side, node)
            return
        at = after


def walk(root):
    stack, at = [], root
    while stack or at:
        while at:
            stack.append(at)
            at = at.left
        at = stack.pop()
        yield at.key, at.value
        at = at.right


total = 0
for phase in range(3):
    root = Node(1 << 19, ("root", 0, []))
    for i in range(9000):
        insert(root, below(1 << 20), (f"value {i}", i * 1.5, [i] * (i % 7)))
    previous = -1
    for key, (text, number, items) in walk(root):
        assert key >= previous
        previous = key
        total += len(text) + int(number) + len(items)
    groups = {}
    for i in range(30000):
        groups.setdefault(f"group-{below(2500)}", []).append({"id": i, "weight": i / 3, "tags": (i % 5, str(i))})
    for name in sorted(groups)[::2]:
        del groups[name]
    total += sum(row["id"] + len(row["tags"][1]) for rows in groups.values() for row in rows)
    actions = [lambda step, k=i: k + step for i in range(10000)]
    total += sum(action(2) for action in actions)
    del root
    gc.collect()
print(total)
