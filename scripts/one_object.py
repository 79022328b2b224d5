#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Makes libtarn.a of the objects of an archive: one object, in which only what is said to be seen can be seen.
Sections stay apart, so that a program linked with --gc-sections has no more than it uses. The build calls it."""
import argparse
import os
import subprocess
import sys

# Groups are resolved: one whose name is local now must not give way to a group of the program's of the same name.
LINK = ["-r", "-nostdlib", "-Wl,--force-group-allocation",
        *[f"-Wl,--unique={section}*" for section in (".text", ".rodata", ".data", ".bss")]]
# Besides: all of C++ but operator new and delete, since templates of the C++ library are visible where they are not inlined; a
# module's way in, which the library does not look for here.
HIDDEN = ["--localize-hidden", "--wildcard", "--localize-symbol=_Z[A-Z0-9]*", "--localize-symbol=tarn_recorder_entry"]


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--objcopy", required=True)
    parser.add_argument("--ar", required=True)
    parser.add_argument("parts")
    parser.add_argument("output")
    parser.add_argument("compiler", nargs=argparse.REMAINDER, help="after --: what links")
    options = parser.parse_args()
    made = options.output + ".p"
    os.makedirs(made, exist_ok=True)
    whole = os.path.join(made, "tarn.o")
    compiler = [word for word in options.compiler if word != "--"]
    for command in ([*compiler, *LINK, "-o", whole, "-Wl,--whole-archive", options.parts, "-Wl,--no-whole-archive"],
                    [options.objcopy, *HIDDEN, whole]):
        subprocess.run(command, check=True)
    if os.path.exists(options.output):
        os.remove(options.output)
    return subprocess.run([options.ar, "rcsD", options.output, whole], check=True).returncode


if __name__ == "__main__":
    try:
        sys.exit(main())
    except (OSError, subprocess.CalledProcessError) as why:
        sys.exit(f"one_object.py: {why}")
