# SPDX-License-Identifier: MIT
"""Programs under an allocator that inside_library watches: it ends them when an allocation function calls what it
must not call."""
import pathlib
import re
import subprocess

import harness

HERE = pathlib.Path(__file__).resolve().parent
PYTHON = "/usr/bin/python3"
# Functions of libc that neither lock nor allocate nor keep anything; what libc's allocator answers for its own blocks;
# pthread_setspecific allocates, for late keys, in malloc again, which is ready for that.
HARMLESS = set("""__errno_location abort memchr memcmp memcpy memmem memmove memset strchr strcmp strlen strncmp strnlen
strrchr strstr getauxval pthread_setcancelstate pthread_setspecific pthread_getspecific __tls_get_addr
__libc_malloc __libc_calloc __libc_realloc __libc_free __libc_memalign __cxa_begin_catch __cxa_end_catch
__cxa_finalize __gxx_personality_v0 __gmon_start__ _ITM_registerTMCloneTable _ITM_deregisterTMCloneTable""".split())


def watch_library(context):
    return str(context.programs / "libinside_library.so")


def preload(context, backend=""):
    """The value of LD_PRELOAD: the watch, the allocator, and a module that must be there from the start."""
    words = [watch_library(context), *([context.library] if context.library else [])]
    if backend == "jemalloc":
        words.append(module(context, backend))
    return ":".join(words)


def module(context, backend):
    path = pathlib.Path(context.library).parent / f"libtarn-{backend}.so"
    if not path.exists():
        raise harness.Skip(f"the module for {backend} is not built")
    return str(path)


def watched(context, command, backend="", **settings):
    if backend in ("mimalloc", "jemalloc"):
        module(context, backend)
    result = context.run(command, {"LD_PRELOAD": preload(context, backend), **settings,
                                   **({"TARN_BACKEND": backend} if backend else {})})
    assert not result.timed_out and result.status == 0, result.short()
    return result


def mode(context, name, backend=""):
    watched(context, ["inside", name], backend)


def mode_while_recording(context, name):
    watched(context, ["inside", name], TARN_RECORD="1")


def mode_while_sampling(context, name, interval):
    watched(context, ["inside", name], TARN_PROFILE=interval)


def mode_while_guarding(context, name):
    watched(context, ["inside", name], TARN_GUARD="1/1")


def watch_sees(context):
    """Without it the others would prove nothing."""
    result = context.run(["inside", "refused_call"], {"LD_PRELOAD": preload(context)})
    assert result.status == -6 and "called dlsym" in result.errors, result.short()


def programs(context):
    """Their first requests come from everywhere: constructors, the dynamic linker, main."""
    work = ("import json, threading, _sqlite3; "
            "t = threading.Thread(target=lambda: [bytes(n * 500) for n in range(999)]); t.start(); t.join(); "
            "print(len(json.dumps(list(range(100000)))))")
    assert watched(context, [PYTHON, "-S", "-c", work]).output == b"688890\n"
    assert watched(context, ["/usr/bin/perl", "-e", "print length join q(), 1 .. 100000"]).output == b"488895"
    assert watched(context, ["/bin/sh", "-c", "ls / | sort | wc -l"]).output.strip().isdigit()


def imports(context):
    """Functions and data that the library takes from others, by name."""
    text = subprocess.run(["readelf", "--dyn-syms", "-W", context.library], check=True, capture_output=True,
                          text=True).stdout
    return {(words[3], words[7].split("@")[0]) for words in map(str.split, text.splitlines())
            if len(words) >= 8 and words[6] == "UND"}


def refused():
    source = (HERE / "inside_library.cpp").read_text()
    return set(re.findall(r'REFUSE\([^,]+, (\w+),', source)) | set(re.findall(r'refuse_inside\("(\w+)"\)', source))


def calls_known_functions(context):
    """What it imports is watched or harmless; a new name has to be judged, and put into one of the two lists."""
    unknown = {name for kind, name in imports(context) if kind != "OBJECT"} - HARMLESS - refused()
    assert not unknown, f"neither watched by inside_library.cpp nor known to be harmless: {sorted(unknown)}"


def calls_by_the_linker(context):
    """Each watched function that it uses is reached by a relocation, so the watch comes before it."""
    text = subprocess.run(["readelf", "-rW", context.library], check=True, capture_output=True, text=True).stdout
    bound = {words[4].split("@")[0] for words in map(str.split, text.splitlines())
             if len(words) >= 5 and ("JUMP_SLO" in words[2] or "GLOB_DAT" in words[2])}
    used = {name for _, name in imports(context)} & refused()
    assert used and used <= bound, f"not by a relocation: {sorted(used - bound)}"
    text = subprocess.run(["readelf", "-dW", context.library], check=True, capture_output=True, text=True).stdout
    assert "SYMBOLIC" not in text, "its own names would be bound within it"
