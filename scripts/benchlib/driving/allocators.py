# SPDX-License-Identifier: MIT
"""Which allocators there are on this machine, how a program is put on each, and what their files hold."""
import dataclasses
import glob
import hashlib
import os
import re
import subprocess

from ..faults import Fault, choose

# Debian's libraries: name, file, package.
DEBIAN = (("mimalloc", "libmimalloc.so.2", "libmimalloc2.0"),
          ("jemalloc", "libjemalloc.so.2", "libjemalloc2"),
          ("tcmalloc", "libtcmalloc_minimal.so.4", "libtcmalloc-minimal4"),
          ("tbbmalloc", "libtbbmalloc_proxy.so.2", "libtbbmalloc2"))
# tarn's names: the backend, the library that is preloaded beside it.
TARN = (("tarn", "map", None),
        ("tarn-mimalloc", "mimalloc", None),
        ("tarn-jemalloc", "jemalloc", "libtarn-jemalloc.so"),
        ("tarn-system", "system", None))
# tarn as it is, with a record, with samples, with guarded samples: what watching costs. Used where named; they are no other allocators.
# The record lies in the run's scratch folder, in the default place there, and goes with it.
WATCHED = (("tarn-record", {"TARN_RECORD": "1"}), ("tarn-profile", {"TARN_PROFILE": "512k"}),
           ("tarn-guard", {"TARN_GUARD": "1"}))
# Patterns; the variable is for tests, which must not depend on what this machine has.
LIBRARY_FOLDERS = os.environ.get("BENCH_LIBRARY_FOLDERS",
                                 "/usr/lib/*-linux-gnu:/usr/lib64:/usr/lib:/usr/local/lib").split(":")
QUICK = ("glibc", *(name for name, _, _ in DEBIAN), "tarn")


@dataclasses.dataclass(frozen=True)
class Allocator:
    """A name, and what makes it a program's malloc; `absent` says why it cannot be used here."""
    name: str
    version: str = ""
    libraries: tuple = ()
    environment: dict = dataclasses.field(default_factory=dict)  # {scratch} is the run's folder
    absent: str = ""
    on_request: bool = False  # only where named
    modules: tuple = ()       # what its libraries load

    def preload(self):
        return ":".join(self.libraries)

    def files(self):
        """What each file held when it was measured; names only, no paths."""
        return [fingerprint(path) for path in (*self.libraries, *self.modules)]


def fingerprint(path):
    with open(path, "rb") as file:
        content = file.read()
    return {"file": os.path.basename(path), "bytes": len(content), "sha256": hashlib.sha256(content).hexdigest()}


def installed(file):
    for folder in LIBRARY_FOLDERS:
        for path in sorted(glob.glob(os.path.join(folder, file))):
            return path
    return ""


def package_version(package):
    try:
        return subprocess.run(["dpkg-query", "-W", "-f=${Version}", package], capture_output=True, text=True,
                              check=False).stdout
    except OSError:
        return ""


def glibc_version():
    try:
        return os.confstr("CS_GNU_LIBC_VERSION") or ""
    except (OSError, ValueError):
        return ""


def tarn_version(build):
    for path in glob.glob(os.path.join(build, "libtarn.so.*.*")):
        if found := re.search(r"\.so\.(\d[\d.]*)$", path):
            return found[1]
    return ""


def tarn(name, backend, beside, build):
    libraries = [os.path.join(build, "libtarn.so"), *([os.path.join(build, beside)] if beside else [])]
    gone = [path for path in libraries if not os.path.exists(path)]
    return Allocator(name, f"tarn {tarn_version(build)}, backend {backend}", tuple(libraries),
                     {"TARN_BACKEND": backend}, f"{gone[0]} is not built" if gone else "")


def watched(name, settings, build):
    plain = tarn(name, "map", None, build)
    module = os.path.join(build, "libtarn-record.so")
    absent = plain.absent or ("" if os.path.exists(module) else f"{module} is not built")
    return dataclasses.replace(plain, absent=absent, on_request=True, modules=(module,),
                               environment={**plain.environment, **settings, "XDG_RUNTIME_DIR": "{scratch}"})


def peer(word):
    """NAME=FILE.so, as the user gives it."""
    name, equals, path = word.partition("=")
    if not equals or not re.fullmatch(r"[a-z0-9][a-z0-9._-]*", name):
        raise Fault(f"--peer {word}: write NAME=FILE.so, the name of a-z, 0-9, '.', '_' and '-'")
    if not os.path.isfile(path):
        raise Fault(f"--peer {word}: there is no file {path}")
    with open(path, "rb") as file:
        if file.read(4) != b"\x7fELF":
            raise Fault(f"--peer {word}: {path} is no shared object")
    return Allocator(name, os.path.basename(path), (os.path.abspath(path),))


def known(build, peers=()):
    """Every allocator by name, absent ones too: glibc, Debian's, the peers, tarn's."""
    found = [Allocator("glibc", glibc_version())]
    for name, file, package in DEBIAN:
        path = installed(file)
        found.append(Allocator(name, f"{package} {package_version(package)}".strip(), (path,) if path else (),
                               absent="" if path else f"package {package} is not installed"))
    found += [peer(word) for word in peers]
    found += [tarn(*entry, build) for entry in TARN]
    found += [watched(*entry, build) for entry in WATCHED]
    names = [allocator.name for allocator in found]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise Fault(f"the name {', '.join(twice)} is taken: give --peer another one")
    spaced = [path for allocator in found for path in allocator.libraries if re.search(r"[\s:]", path)]
    if spaced:
        raise Fault(f"LD_PRELOAD cannot hold a path with a space or colon: {spaced[0]}")
    return found


def select(allocators, words):
    """Those named, which must all be there; without words all that are there and measured without being named."""
    names = [allocator.name for allocator in allocators]
    choose("allocator", words, names)
    by_name = dict(zip(names, allocators))
    chosen = [by_name[name] for name in dict.fromkeys(words)] if words else \
        [allocator for allocator in allocators if not allocator.absent and not allocator.on_request]
    for allocator in chosen:
        if allocator.absent:
            raise Fault(f"{allocator.name}: {allocator.absent}")
    return chosen
