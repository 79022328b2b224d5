# SPDX-License-Identifier: MIT
# size 4500
"""Names that are not ASCII, decorators, closures, class bodies, default arguments."""
import functools


def counted(function):
    @functools.wraps(function)
    def wrapper(*args):
        return function(*args) + [bytearray(4500)]  #= 200
    return wrapper


@counted
def größe(count):
    return [bytearray(4500) for _ in range(count)]  #= 800


def 名前(count):
    def innen():
        return bytearray(4500)  #= 350
    return [innen() for _ in range(count)]


class Body:
    kept = []
    for _ in range(150):
        kept.append(bytearray(4500))  #= 150


def main():
    kept = []
    for _ in range(200):
        kept += größe(4)
    kept += 名前(350)


main()
