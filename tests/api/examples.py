#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Makes a program of the examples in a public header: the indented lines after `Example:` in its comments.

usage: examples.py HEADER PROGRAM

Each example is a function of its own; the program calls one after the other. It includes the header first, which so
needs no other before it, and then what examples take from the standard library.
"""
import os
import re
import sys

EXAMPLE = re.compile(r"^([ \t]*(?:\*|//)) Example:\n((?:\1     .*\n)+)", re.M)
PLAIN = ("stdio.h", "stdlib.h", "string.h")
STANDARD = ("algorithm", "cstdio", "list", "memory_resource", "span", "string", "string_view", "utility", "vector")


def examples(text):
    return [re.sub(r"^[ \t]*(?:\*|//) {5}", "    ", lines, flags=re.M) for _, lines in EXAMPLE.findall(text)]


def program(header, found):
    includes = [f'"tarn/{header}"', *(f"<{name}>" for name in (STANDARD if header.endswith(".hpp") else PLAIN))]
    calls = "".join(f"    example{i}();\n" for i in range(len(found)))
    functions = "".join(f"static void example{i}(void) {{\n{lines}}}\n\n" for i, lines in enumerate(found))
    return "".join(f"#include {name}\n" for name in includes) + f"\n{functions}int main(void) {{\n{calls}}}\n"


def main():
    header, result = sys.argv[1:]
    with open(header, encoding="utf-8") as file:
        found = examples(file.read())
    if not found:
        sys.exit(f"{header}: no comment has a line `Example:` with indented lines after it")
    with open(result, "w", encoding="utf-8") as file:
        file.write(program(os.path.basename(header), found))


if __name__ == "__main__":
    main()
