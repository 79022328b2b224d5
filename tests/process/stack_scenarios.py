# SPDX-License-Identifier: MIT
"""What stack_need.cpp measured, under each backend."""
import inside_scenarios


def need(context, backend, limit, record=""):
    """At most `limit` bytes; 0: another allocator's own need comes on top, and is shown."""
    modes = {"recording": {"TARN_RECORD": "1"}, "guarding": {"TARN_GUARD": "1/1"}, "sampling": {"TARN_PROFILE": "2"},
             "hardened": {"TARN_HARDENED": "1"}, "": {}}
    settings = {"LD_BIND_NOW": "1", "TARN_BACKEND": backend, **modes[record]}
    if backend in ("mimalloc", "jemalloc"):
        path = inside_scenarios.module(context, backend)
        if backend == "jemalloc":
            settings["LD_PRELOAD"] = f"{context.library}:{path}"
    result = context.run(["stack_need", "states", limit], settings)
    lines = sorted(result.output.decode().splitlines(), reverse=True)
    assert result.status == 0, f"{result.short()}: {lines[:3]}"
    assert len(lines) > 100, lines
    print("\n".join(lines[:5]))


def alternate(context, *settings):
    """Signal handlers on an alternate stack, in the process and in children of fork, where all happens for the first time."""
    result = context.run(["stack_need", "alternate"], {"LD_BIND_NOW": "1", **dict(setting.split("=") for setting in settings)})
    assert result.status == 0, f"{result.short()}: {result.output.decode()}"
