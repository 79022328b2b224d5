# SPDX-License-Identifier: MIT
"""What the library shows the linker and the loader, read from the file itself with nm and readelf."""
import pathlib
import re
import subprocess

LIBC = set("""malloc calloc realloc reallocarray free cfree aligned_alloc memalign posix_memalign valloc pvalloc
malloc_usable_size malloc_trim malloc_stats malloc_info mallinfo mallinfo2 mallopt free_sized free_aligned_sized
""".split())
NEW = {"_Zn" + kind + "m" + form for kind in "wa"
       for form in ("", "RKSt9nothrow_t", "St11align_val_t", "St11align_val_tRKSt9nothrow_t")}
DELETE = {"_Zd" + kind + "Pv" + form for kind in "la"
          for form in ("", "m", "RKSt9nothrow_t", "St11align_val_t", "mSt11align_val_t",
                       "St11align_val_tRKSt9nothrow_t")}
STATIC_TLS_LIMIT = 64
VERSION = "TARN_0.1"
FOLLOW = "libtarn-follow.so"
RELOCATION_LIMIT = 400  # each costs every process that starts


def read(*command):
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def exported(path):
    lines = [line.split() for line in read("nm", "-D", "--defined-only", str(path)).splitlines()]
    return {words[-1].split("@")[0] for words in lines if words[-2] != "A"}


def has_libc_surface(context):
    missing = LIBC - exported(context.library)
    assert not missing, f"missing: {sorted(missing)}"


def has_operators(context):
    missing = (NEW | DELETE) - exported(context.library)
    assert not missing, f"missing: {sorted(missing)}"


def shows_nothing_else(context):
    allowed = LIBC | NEW | DELETE | {"dlopen", "dlclose", "prctl"}
    extra = {name for name in exported(context.library) - allowed if not name.startswith("tarn_")}
    assert not extra, f"also exported: {sorted(extra)[:20]}"


def symbols_carry_no_version(context):
    """A versioned malloc would not serve references to libc's version of it."""
    lines = read("nm", "-D", "--defined-only", "--with-symbol-versions", context.library).splitlines()
    versioned = [line.split()[-1] for line in lines if "@" in line and "tarn_" not in line]
    assert not versioned, f"versioned: {versioned[:5]}"


def names_of_its_own_carry_one(context):
    """All of them the same, which a program linked with the library asks for."""
    lines = read("nm", "-D", "--defined-only", "--with-symbol-versions", context.library).splitlines()
    own = [line.split()[-1] for line in lines if "tarn_" in line]
    others = [name for name in own if not name.endswith("@@" + VERSION)]
    assert len(own) >= 100 and not others, f"{len(own)} names, without {VERSION}: {others[:5]}"


def needs(path):
    return re.findall(r"\(NEEDED\).*\[(.*)\]", read("readelf", "-dW", str(path)))


def needs_libc_alone(context):
    others = [name for name in needs(context.library) if not name.startswith(("libc.so", "ld-linux"))]
    assert not others, f"needs {others}"


def static_tls_is_small(context):
    sizes = [int(line.split()[5], 16) for line in read("readelf", "-lW", context.library).splitlines()
             if line.split()[:1] == ["TLS"]]
    assert sum(sizes) <= STATIC_TLS_LIMIT, f"{sum(sizes)} bytes of static TLS"


def has_few_relocations(context):
    counts = re.findall(r"contains (\d+) entr", read("readelf", "-rW", context.library))
    assert sum(map(int, counts)) <= RELOCATION_LIMIT, f"{counts} relocations"


def has_no_text_relocation_nor_executable_stack(context):
    assert "TEXTREL" not in read("readelf", "-dW", context.library)
    stack = [line for line in read("readelf", "-lW", context.library).splitlines() if "GNU_STACK" in line]
    assert stack and "RWE" not in stack[0], stack


def modules(context):
    """What tarn loads; libtarn-follow.so is preloaded beside it."""
    found = pathlib.Path(context.library).parent.glob("libtarn-*.so")
    return sorted(path for path in found if path.name != FOLLOW)


def what_follows_shows_exec_alone_and_needs_libc_alone(context):
    path = pathlib.Path(context.library).parent / FOLLOW
    if not path.exists():  # built with the command alone
        return
    assert exported(path) == {"execl", "execle", "execlp", "execv", "execve", "execveat", "execvp", "execvpe", "fexecve"}
    assert all(name.startswith(("libc.so", "ld-linux")) for name in needs(path)), needs(path)


def modules_show_their_entry(context):
    for path in modules(context):
        shown = exported(path) - {"malloc_conf"}  # where libjemalloc looks for its options
        entry = ("tarn_recorder_entry" if path.name == "libtarn-record.so"
                 else "tarn_frames_module" if path.name.startswith("libtarn-frames-") else "tarn_backend_entry")
        assert shown == {entry}, f"{path.name} exports {shown}"


def modules_need_no_cpp_library(context):
    for path in modules(context):
        bad = [name for name in needs(path) if name.startswith(("libstdc++", "libgcc"))]
        assert not bad, f"{path.name} needs {bad}"
