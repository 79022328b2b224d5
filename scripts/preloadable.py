#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Says on standard error why a program cannot be served by LD_PRELOAD, and what to do instead.

usage: preloadable.py BUILD_DIRECTORY PROGRAM

A script is judged by its interpreter. Exit status 0: nothing is known to stand in the way; 1: LD_PRELOAD
has no effect on the program, though it may on others that it starts; 2: the program would not even start
with libtarn.so preloaded.

The command judges by the same rules (src/cli/program/judgement.cpp) and is not there where its libraries are not, which
scripts/run does without; tests/command/judged.py demands the same verdicts of both.
"""
import os
import shutil
import struct
import sys

PT_INTERP = 3
LONGEST_NAME = 4096
MACHINES = {3: "32-bit x86", 8: "MIPS", 21: "POWER", 22: "S/390", 40: "32-bit ARM", 62: "x86-64",
            183: "64-bit ARM", 243: "RISC-V"}
OPTION = b"TARN_KEEP_DEEPBIND"  # in every program that has tarn inside
MAX_SCRIPTS = 5  # interpreters of interpreters; the kernel stops there too


class Elf:
    """The few facts of an ELF header that the loader looks at; ValueError when it is none."""

    def __init__(self, path):
        with open(path, "rb") as file:
            head = file.read(64)
            if len(head) < 52 or head[:4] != b"\x7fELF" or head[4] not in (1, 2) or head[5] not in (1, 2):
                raise ValueError("not an ELF file")
            order = "<" if head[5] == 1 else ">"
            self.bits = 32 * head[4]
            self.machine = struct.unpack_from(order + "H", head, 18)[0]
            self.loader = None
            if self.bits == 64:
                offset, entry_size, count = struct.unpack_from(order + "Q14xHH", head, 32)
                fields, at = order + "QQQQ", 8
            else:
                offset, entry_size, count = struct.unpack_from(order + "I10xHH", head, 28)
                fields, at = order + "IIII", 4
            end = os.fstat(file.fileno()).st_size
            for index in range(count if offset < end else 0):
                file.seek(offset + index * entry_size)
                header = file.read(entry_size)
                if len(header) < at + struct.calcsize(fields):
                    break  # cut off
                if struct.unpack_from(order + "I", header)[0] == PT_INTERP:
                    where, _, _, size = struct.unpack_from(fields, header, at)
                    file.seek(min(where, end))
                    self.loader = os.fsdecode(file.read(min(size, LONGEST_NAME)).rstrip(b"\0"))

    @property
    def kind(self):
        """What a loader demands to be the same."""
        return self.bits, self.machine


def interpreter(path):
    """The program that a script's first line names, or None when there is no such line."""
    with open(path, "rb") as file:
        line = file.readline(256)
    if not line.startswith(b"#!"):
        return None
    words = os.fsdecode(line[2:]).split()
    if words and os.path.basename(words[0]) == "env":
        for word in words[1:]:
            if not word.startswith("-") and "=" not in word:
                return shutil.which(word)
    return words[0] if words else None


def static_program(name, path, build):
    with open(path, "rb") as file:
        if OPTION in file.read():
            return [f"{name} is statically linked, with tarn inside: nothing is preloaded, its own tarn serves it"]
    return [f"{name} is statically linked: no loader runs, so LD_PRELOAD does nothing and it keeps its own malloc",
            "link it with tarn instead, the archive before the C library:",
            f"    cc -static -Wl,-u,malloc OBJECTS... {build}/libtarn.a -o {os.path.basename(name)}"]


def foreign_program(name, elf, own):
    """Programs whose loader would refuse libtarn.so, or the program with it."""
    if elf.kind != own.kind:
        kind = MACHINES.get(elf.machine, f"machine {elf.machine}")
        return [f"{name} is a program for {kind}, libtarn.so is built for {MACHINES.get(own.machine)}",
                "build tarn for that machine (a Meson cross file) and preload that library"]
    if "ld-musl" in os.path.basename(elf.loader):
        return [f"{name} uses musl's C library ({elf.loader}); libtarn.so needs glibc and is not preloaded into it",
                "run a build of the program for glibc"]
    if not os.path.basename(elf.loader).startswith("ld"):
        return [f"{name} names the loader {elf.loader}, which is not glibc's; libtarn.so is not preloaded into it"]
    return []


def privileged_program(name, path):
    """Programs that run in secure mode, where the loader ignores names with a slash."""
    status = os.stat(path)
    reasons = []
    if status.st_mode & 0o4000 and status.st_uid != os.geteuid():
        reasons.append("set-user-ID")
    if status.st_mode & 0o2010 == 0o2010 and status.st_gid != os.getegid():
        reasons.append("set-group-ID")
    if os.getuid() != 0 and has_capabilities(path):
        reasons.append("given capabilities")
    if not reasons:
        return []
    return [f"{name} is {' and '.join(reasons)}: the loader ignores LD_PRELOAD, and it keeps its own malloc",
            "run what it starts instead, as the user it would become: for sudo, `sudo scripts/run COMMAND`"]


def has_capabilities(path):
    try:
        return bool(os.getxattr(path, "security.capability"))
    except OSError:
        return False


def privileged_for_others(name, path):
    """The same program, run by the very user it would become: preloading works, for this user alone."""
    if os.stat(path).st_mode & 0o4000 and os.geteuid() == os.stat(path).st_uid:
        return [f"{name} is set-user-ID: preloading works only because you are its owner; "
                "for everybody else the loader ignores LD_PRELOAD"]
    return []


def obstacles(name, path, build, scripts=0):
    """(exit status, lines to show)."""
    try:
        elf = Elf(path)
    except (OSError, ValueError, struct.error):
        try:
            program = interpreter(path)
        except OSError:
            return 0, []
        if program is None or not os.path.exists(program) or scripts == MAX_SCRIPTS:
            return 0, []
        return obstacles(f"{program} (which runs {name})", program, build, scripts + 1)
    own = Elf(os.path.join(build, "libtarn.so"))
    if elf.loader is None and elf.kind == own.kind:
        is_loader = os.path.basename(os.path.realpath(path)).startswith(("ld-", "ld."))
        return (0, []) if is_loader else (1, static_program(name, path, build))
    if lines := foreign_program(name, elf, own):
        return 2, lines
    if lines := privileged_program(name, path):
        return 1, lines
    return 0, privileged_for_others(name, path)


def main():
    build, path = sys.argv[1:]
    status, lines = obstacles(path, path, build)
    for line in lines:
        print("tarn:", line, file=sys.stderr)
    return status


if __name__ == "__main__":
    sys.exit(main())
