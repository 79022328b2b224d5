#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""What `meson install` leaves: programs are built against it by pkg-config alone, and tarn serves them."""
import glob
import os
import sys

from checks import BUILD, built_modules, expect, main, need_all_modules, run, succeed

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


def installed(directory):
    """The environment that lets pkg-config find an installation in `directory`."""
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


def check_headers(directory):
    """every installed header compiles alone, the C ones as C"""
    installed(directory)
    headers = glob.glob(f"{directory}/**/include/tarn/*.h*", recursive=True)
    assert headers, "no header installed"
    for header in headers:
        compiler = ["gcc", "-std=c11", "-x", "c"] if header.endswith(".h") else ["g++", "-std=c++20", "-x", "c++"]
        succeed([*compiler, "-Wall", "-Wextra", "-Werror", "-fsyntax-only", f"-I{header.split('/tarn/')[0]}",
                 "-include", header, "/dev/null"])


if __name__ == "__main__":
    sys.exit(main(globals()))
