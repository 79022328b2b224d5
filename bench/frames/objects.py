# SPDX-License-Identifier: MIT
"""A tree of objects, which is built and searched again and again."""
import sys

scale = float(sys.argv[1]) if len(sys.argv) > 1 else 1


class Node:
    __slots__ = ("key", "left", "right")

    def __init__(self, key):
        self.key, self.left, self.right = key, None, None

    def insert(self, key):
        node = self
        while True:
            side = "left" if key < node.key else "right"
            below = getattr(node, side)
            if below is None:
                setattr(node, side, Node(key))
                return
            node = below

    def depth(self):
        return 1 + max(self.left.depth() if self.left else 0, self.right.depth() if self.right else 0)


key, found = 1, 0
for _ in range(int(20 * scale)):
    tree = Node(0)
    for _ in range(9000):
        key = key * 1103515245 + 12345 & 0x7FFFFFFF
        tree.insert(key)
    found += tree.depth()
