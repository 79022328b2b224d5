# SPDX-License-Identifier: MIT
"""dlopen: of the library itself, and by programs that run under it."""
import os
import pathlib
import shutil
import statistics
import tempfile


def late_dlopen(context, scope):
    result = context.run(["late_dlopen", context.library, scope], preload=False)
    assert result.status == 0 and result.output == b"done\n", result.short()


def late_dlopen_by_python(context):
    code = f"import ctypes, json; ctypes.CDLL({context.library!r}); print(len(json.dumps(list(range(9999)))))"
    result = context.run(["/usr/bin/python3", "-S", "-c", code], preload=False)
    assert result.status == 0 and result.output == b"58884\n", result.short()


def constructor_waits_for_thread(context, *environment):
    library = str(context.programs / "libblocks_library.so")
    settings = dict(setting.split("=") for setting in environment)
    result = context.run(["blocks", "constructor_waits_for_thread", library], environment=settings)
    assert result.status == 0 and not result.errors, result.short()


def deepbind(context, mode, *environment):
    library = str(context.programs / "libdeepbind_library.so")
    settings = dict(setting.split("=") for setting in environment)
    result = context.run(["deepbind", mode, library], environment=settings)
    assert result.status == 0, result.short()


def opt_out_leaves_deepbind(context):
    """The library's malloc is then libc's, and libc stops at a block it did not make."""
    library = str(context.programs / "libdeepbind_library.so")
    command = ["deepbind", "library_frees_ours", library]
    result = context.run(command, environment={"TARN_KEEP_DEEPBIND": "1"})
    assert result.status < 0, f"libc's free should have been called: {result.short()}"


def runpath_of_the_caller(context):
    with tempfile.TemporaryDirectory() as folder:
        beside = pathlib.Path(folder) / "beside"
        beside.mkdir()
        shutil.copy(context.programs / "librunpath_library.so", folder)
        shutil.copy(context.programs / "libdeepbind_library.so", beside)
        result = context.run(["runpath", f"{folder}/librunpath_library.so"])
        assert result.status == 0, result.short()


def wrapped_realloc(context):
    """A library before the allocator's in LD_PRELOAD."""
    wrapper = str(context.programs / "libwrapping_library.so")
    preload = f"{wrapper}:{context.library}" if context.library else wrapper
    result = context.run(["edges", "reallocarray_is_wrapped"], environment={"LD_PRELOAD": preload})
    assert result.status == 0, result.short()


def modules_behind_another_dlopen(context):
    """A library that stands before dlopen, in front of the allocator and behind it: the modules are found all the same."""
    other = str(context.programs / "libopening_library.so")
    for preload in (f"{other}:{context.library}", f"{context.library}:{other}"):
        for settings in ({"TARN_RECORD": "1"}, {"TARN_GUARD": "1"}):
            result = context.run(["/bin/true"], environment={"LD_PRELOAD": preload, **settings})
            assert result.status == 0 and not result.errors, result.short()


def called_before_its_constructor(context, first):
    """tarn's constructor shows the options: what an earlier one has said stands before them."""
    result = context.run(["early"], environment={"FIRST_CALL": first, "TARN_VERBOSE": "1"})
    assert result.status == 0, result.short()
    lines = result.errors.splitlines()
    assert lines[:1] == ["early"] and (len(lines) > 5) == context.is_tarn, result.errors[:300]


def faults_of_a_start(library):
    child = os.posix_spawn("/bin/true", ["true"], {"LD_PRELOAD": library})
    _, status, usage = os.wait4(child, 0)
    assert status == 0, status
    return usage.ru_minflt


def few_pages_at_start(context):
    """A process that does nothing touches what an empty library makes it touch; libc's list of handlers of
    fork is two pages more. Where things lie in memory is chance, and costs each of them some pages or none: half of the starts
    take no more."""
    empty = str(context.programs / "libempty_library.so")
    counts = [(faults_of_a_start(empty), faults_of_a_start(context.library)) for _ in range(60)]
    without, with_tarn = (statistics.median_low(column) for column in zip(*counts))
    assert without <= with_tarn <= without + 2, f"{with_tarn} page faults, {without} with an empty library"
