#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Writes the page's style and script as C++: usage: embed.py STYLE SCRIPT OUTPUT"""
import base64
import hashlib
import pathlib
import sys

PIECE = 4000  # compilers have a limit on the length of one literal


def literal(text):
    assert ')_"' not in text
    return "\n".join(f'    R"_({text[at:at + PIECE]})_"' for at in range(0, len(text), PIECE))


def main():
    style, script, output = map(pathlib.Path, sys.argv[1:])
    lines = ['#include "cli/report/html/assets.h"', "", "namespace tarn::cli {", ""]
    for name, path in (("Style", style), ("Script", script)):
        text = path.read_text(encoding="utf-8")
        digest = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
        lines += [f"const char k{name}[] =", literal(text) + ";", f'const char k{name}Hash[] = "sha256-{digest}";', ""]
    output.write_text("\n".join([*lines, "}  // namespace tarn::cli", ""]), encoding="utf-8")


if __name__ == "__main__":
    main()
