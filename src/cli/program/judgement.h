// SPDX-License-Identifier: MIT
// Whether a program can be served by a library that is preloaded, and if not, why.
#pragma once
#include <string>
#include <vector>

#include "cli/program/elf.h"

namespace tarn::cli {

// kIdle: libtarn.so would be loaded and have nothing to do; kIgnored: the loader ignores LD_PRELOAD, or none runs; kRefused:
// the program would not start, or complain, with it.
enum class Effect { kServed, kIdle, kIgnored, kRefused };

struct Reason {
    std::string code;    // a word for programs: "static"
    std::string why;     // "is statically linked: ..."
    std::string advice;  // what to do instead
};

struct Judgement {
    Effect effect = Effect::kServed;
    std::string program;  // the file that was judged: a script's interpreter
    std::string name;     // how to call it: "/bin/sh (which runs ./script)"
    std::vector<Reason> reasons;
    std::vector<std::string> notes;  // it is served, but
    std::vector<std::string> hints;  // for interpreters and servers with memory of their own

    bool served() const { return effect == Effect::kServed; }
    // The first reason, in one line.
    std::string line() const { return name + " " + reasons.front().why + "; " + reasons.front().advice; }
};

// For this user, now. `file`: as the kernel would be given it.
Judgement judge(const std::string& file);

// Of a library: it is libtarn.so, or defines malloc otherwise.
bool is_tarn(const Elf& elf);
bool is_allocator(const Elf& elf);

}  // namespace tarn::cli
