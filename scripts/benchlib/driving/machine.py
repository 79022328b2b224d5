# SPDX-License-Identifier: MIT
"""What the numbers were measured on."""
import os
import platform

from .allocators import glibc_version


def first_value(path, key):
    """The value of the first `key : value` line of a file under /proc."""
    try:
        with open(path, encoding="utf-8", errors="replace") as file:
            for line in file:
                name, _, value = line.partition(":")
                if name.strip() == key:
                    return value.strip()
    except OSError:
        pass
    return ""


def facts():
    memory = first_value("/proc/meminfo", "MemTotal").split()
    return {"processor": first_value("/proc/cpuinfo", "model name") or platform.machine(),
            "cores": len(os.sched_getaffinity(0)),
            "memory_mib": int(memory[0]) // 1024 if memory else 0,
            "kernel": platform.release(),
            "libc": glibc_version()}
