# SPDX-License-Identifier: MIT
# size 9000
"""Methods, properties, calls from C (sorted, map), lambdas."""


class Store:
    def __init__(self):
        self.kept = []

    def keep(self):
        self.kept.append(bytearray(9000))  #= 400
        return self

    @property
    def fresh(self):
        return bytearray(9000)  #= 250

    def __lt__(self, other):
        self.kept.append(bytearray(9000))  #= 99
        return False

    def __call__(self, number):
        return bytearray(9000)  #= 600


def main():
    store = Store()
    for _ in range(400):
        store.keep()
    values = [store.fresh for _ in range(250)]
    values += list(map(store, range(600)))
    sorted([store] * 100)
    values += list(map(lambda _: bytearray(9000), range(150)))  #= 150


main()
