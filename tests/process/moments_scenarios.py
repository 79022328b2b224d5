# SPDX-License-Identifier: MIT
"""Facts of moments.cpp that need a backend, or the path of a library."""
import inside_scenarios


def run(context, command, backend, timeout=60):
    settings = {"TARN_BACKEND": backend} if backend else {}
    if backend in ("mimalloc", "jemalloc"):
        path = inside_scenarios.module(context, backend)
        if backend == "jemalloc":
            settings["LD_PRELOAD"] = f"{context.library}:{path}"
    result = context.run(command, settings, timeout=timeout)
    assert not result.timed_out, f"hangs: {result.short()}"
    assert result.status == 0, result.short()


def constructor(context, backend=""):
    library = str(context.programs / "libmoments_library.so")
    run(context, ["moments", "library_that_waits_in_its_constructor", library], backend)


def smallest_stack(context, backend=""):
    run(context, ["moments", "smallest_stack"], backend)
