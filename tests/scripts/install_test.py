#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""What `meson install` leaves: programs are built against it by pkg-config alone, and tarn serves them."""
import glob
import os
import re
import shutil
import sys

from checks import BUILD, ROOT, Skip, built_modules, expect, main, need_all_modules, run, succeed

PROGRAM = r"""
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <tarn/tarn.h>

int main(void) {
    static tarn_stats stats;
    void* kept[1000];
    for (int i = 0; i < 1000; ++i) kept[i] = malloc((size_t)i + 1);
    if (tarn_stats_get(&stats, sizeof stats) != 0) return 1;
    printf("%s %d\n", tarn_version(), stats.small_allocations >= 1000 && stats.live_bytes >= 500500);
    for (int i = 0; i < 1000; ++i) free(kept[i]);
    return 0;
}
"""
CPP_PROGRAM = r"""
#include <map>
#include <string>
#include <thread>
#include <cstdio>
#include <tarn/tarn.h>

int main() {
    std::map<int, std::string> lines;
    std::thread([&] { for (int i = 0; i < 5000; ++i) lines[i] = std::string(i % 300, 'x'); }).join();
    static tarn_stats stats;
    if (tarn_stats_get(&stats, sizeof stats) != 0) return 1;
    std::printf("%s %d\n", tarn_version(), stats.small_allocations >= 5000 && stats.live_bytes > 500000);
}
"""

CMAKE_PROJECT = """
cmake_minimum_required(VERSION 3.13)
project(user C)
find_package(tarn 0.1 REQUIRED)
find_package(tarn 1 QUIET)
if(NOT tarn_CONSIDERED_VERSIONS OR tarn_FOUND)
  message(FATAL_ERROR "another major version is accepted")
endif()
find_package(tarn 0.1 REQUIRED)
foreach(way tarn tarn_static preload)
  add_executable(by_${way} program.c)
  target_link_libraries(by_${way} tarn::${way})
endforeach()
target_link_options(by_tarn_static PRIVATE -static)
add_executable(idle idle.c)
target_link_libraries(idle tarn::preload)
"""
MESON_PROJECT = """
project('user', 'c')
tarn = dependency('tarn', version: '>=0.1', fallback: 'tarn', default_options: ['werror=false'])
executable('program', 'program.c', dependencies: tarn)
executable('program_static', 'program.c', dependencies: dependency('tarn', static: true), link_args: '-static')
"""
WRAP = """
[wrap-file]
directory = tarn

[provide]
dependency_names = tarn
"""


def write(directory, **texts):
    for name, text in texts.items():
        with open(os.path.join(directory, name.replace("__", ".")), "w", encoding="utf-8") as file:
            file.write(text)


def needed(program):
    return re.findall(r"\(NEEDED\).*\[(.*)\]", succeed(["readelf", "-d", program]).stdout)


def installed(directory):
    """The environment that lets pkg-config find an installation in `directory`."""
    if os.path.exists(f"{BUILD}/tarn"):  # who builds the libraries and the command alone has no pages
        succeed(["ninja", "-C", BUILD, "docs/man/man1"])
    succeed(["meson", "install", "-C", BUILD, "--no-rebuild", "--destdir", directory])
    found = glob.glob(f"{directory}/**/tarn.pc", recursive=True)
    assert len(found) == 1, f"tarn.pc: {found}"
    folder = os.path.dirname(found[0])
    return {**os.environ, "PKG_CONFIG_PATH": folder, "PKG_CONFIG_SYSROOT_DIR": directory,
            "LD_LIBRARY_PATH": os.path.dirname(folder)}


def flags(environment, *options):
    return succeed(["pkg-config", *options, "tarn"], env=environment).stdout.split()


def built(directory, environment, compiler, text, *options):
    source = os.path.join(directory, "program." + ("c" if compiler == "gcc" else "cpp"))
    program = os.path.join(directory, "program")
    with open(source, "w", encoding="utf-8") as file:
        file.write(text)
    static = ["--static"] if "-static" in options else []
    succeed([compiler, "-Wall", "-Werror", source, "-o", program, *options,
             *flags(environment, *static, "--cflags", "--libs")])
    return program


def version_line(environment):
    return succeed(["pkg-config", "--modversion", "tarn"], env=environment).stdout.strip() + " 1\n"


def check_command(directory):
    """the command finds the library from where it was installed"""
    installed(directory)
    found = glob.glob(f"{directory}/**/bin/tarn", recursive=True)
    if not found:
        raise Skip("the command is not built")
    record = f"{directory}/record"
    done = run([found[0], "run", "-o", record, "env"], env={"PATH": os.environ["PATH"]})
    expect(done.returncode == 0 and done.stdout == f"PATH={os.environ['PATH']}\n" and os.path.exists(record), done)


def check_shared(directory):
    """a C program linked by pkg-config, shared"""
    environment = installed(directory)
    program = built(directory, environment, "gcc", PROGRAM)
    expect("libtarn.so" in run(["readelf", "-d", program]).stdout, run(["readelf", "-d", program]))
    done = succeed([program], env=environment)
    expect(done.stdout == version_line(environment), done)


def check_static(directory):
    """a C program linked by pkg-config, fully static"""
    environment = installed(directory)
    program = built(directory, environment, "gcc", PROGRAM, "-static")
    expect("INTERP" not in run(["readelf", "-l", program]).stdout, run(["readelf", "-l", program]))
    done = succeed([program], env=environment)
    expect(done.stdout == version_line(environment), done)


def check_cpp(directory):
    """a C++ program with threads, shared and fully static"""
    environment = installed(directory)
    for options in ([], ["-static"]):
        program = built(directory, environment, "g++", CPP_PROGRAM, *options)
        done = succeed([program], env=environment)
        expect(done.stdout == version_line(environment), done)


def check_preloaded_installation(directory):
    """an installation that was moved, preloaded: its backends are found"""
    libraries = installed(directory)["LD_LIBRARY_PATH"]
    for backend in built_modules():
        preload = [f"{libraries}/tarn/libtarn-jemalloc.so"] if backend == "jemalloc" else []
        done = run(["/usr/bin/python3", "-c", "print(len(bytearray(60000)))"],
                   env={**os.environ, "LD_PRELOAD": " ".join([f"{libraries}/libtarn.so", *preload]),
                        "TARN_BACKEND": backend, "TARN_STATS": "1"})
        expect(done.returncode == 0 and done.stdout == "60000\n" and f"backend {backend})" in done.stderr
               and "map serves" not in done.stderr, done)
    need_all_modules()


def moved(directory):
    """The prefix of an installation that is not where it was made for."""
    libraries = installed(os.path.join(directory, "first"))["LD_LIBRARY_PATH"]
    prefix = libraries.split("/lib")[0] if "/lib" in libraries else os.path.dirname(libraries)
    os.rename(prefix, os.path.join(directory, "elsewhere"))
    return os.path.join(directory, "elsewhere")


def check_cmake(directory):
    """a project of CMake's finds an installation that was moved: shared, static, and as if preloaded"""
    if not shutil.which("cmake"):
        raise Skip("cmake is not installed")
    prefix = moved(directory)
    project = os.path.join(directory, "project")
    os.mkdir(project)
    write(project, CMakeLists__txt=CMAKE_PROJECT, program__c=PROGRAM, idle__c="int main(void) { return 0; }\n")
    succeed(["cmake", "-G", "Ninja", "-S", project, "-B", f"{project}/b", f"-DCMAKE_PREFIX_PATH={prefix}"])
    succeed(["cmake", "--build", f"{project}/b"])
    for way in ("tarn", "tarn_static", "preload"):
        done = succeed([f"{project}/b/by_{way}"])
        expect(done.stdout.endswith(" 1\n"), done)
    assert needed(f"{project}/b/by_tarn")[0] == "libtarn.so.0", needed(f"{project}/b/by_tarn")
    assert needed(f"{project}/b/idle")[0] == "libtarn.so.0", "tarn::preload stays, whatever the program calls"
    assert not needed(f"{project}/b/by_tarn_static")


def check_subproject(directory):
    """tarn as a subproject of Meson's, which builds and installs the library alone"""
    os.mkdir(f"{directory}/subprojects")
    shutil.copytree(ROOT, f"{directory}/subprojects/tarn", symlinks=True,
                    ignore=shutil.ignore_patterns(".git", "build*", "__pycache__"))
    write(f"{directory}/subprojects", tarn__wrap=WRAP)
    write(directory, meson__build=MESON_PROJECT, program__c=PROGRAM)
    succeed(["meson", "setup", f"{directory}/b", directory, "--buildtype=plain", "-Doptimization=0", "-Dtarn:mimalloc=disabled",
             "-Dtarn:jemalloc=disabled"])
    succeed(["ninja", "-C", f"{directory}/b", "program", "program_static"], timeout=900)
    for program in ("program", "program_static"):
        done = succeed([f"{directory}/b/{program}"])
        expect(done.stdout.endswith(" 1\n"), done)
    assert "libtarn.so.0" in needed(f"{directory}/b/program")


def check_moved_record(directory):
    """an installation that was moved finds its module that records"""
    prefix = moved(directory)
    library, = glob.glob(f"{prefix}/**/libtarn.so.0", recursive=True)
    record = os.path.join(directory, "record")
    done = run(["/usr/bin/python3", "-c", "import re, sys; print(max(line.split()[-1] for line in open('/proc/self/maps') "
                "if 'libtarn-record' in line))"],
               env={**os.environ, "LD_PRELOAD": library, "TARN_RECORD": record, "TARN_RECORD_KEEP": "1"})
    expect(done.returncode == 0 and done.stdout.startswith(prefix) and done.stderr == "" and os.path.getsize(record) > 4096,
           done)


def check_headers(directory):
    """every installed header compiles alone, the C ones as C"""
    installed(directory)
    headers = glob.glob(f"{directory}/**/include/tarn/*.h*", recursive=True)
    assert headers, "no header installed"
    for header in headers:
        compiler = ["gcc", "-std=c11", "-x", "c"] if header.endswith(".h") else ["g++", "-std=c++20", "-x", "c++"]
        succeed([*compiler, "-Wall", "-Wextra", "-Werror", "-fsyntax-only", f"-I{header.split('/tarn/')[0]}",
                 "-include", header, "/dev/null"])


if not os.environ.get("TEST_LONG"):  # all of the library once more, and each header by itself
    del check_subproject, check_headers

if __name__ == "__main__":
    sys.exit(main(globals()))
