// SPDX-License-Identifier: MIT
// How the process of a record is, or how it ended.
#pragma once
#include <string>

#include "reader/record.h"

namespace tarn::reader {

enum class Fate {
    kRunning,   // it is there
    kHalted,    // it is there, and stopped by a signal or a debugger
    kSilent,    // it is there, and has written nothing for a while: idle, or it hangs
    kEnded,     // by exit, return from main or _exit
    kReplaced,  // by exec: the same process has another program now
    kKilled,    // it is gone without a word: a signal, or the kernel
    kUnwritten  // it may be there, but its file could not grow
};

struct State {
    Fate fate;
    uint64_t silent_ns;   // since the last word, while it is there
    std::string waiting;  // while it is there: what its first thread does, by /proc
};

State state_of(const Record& record, const Input& input);

// A sentence's beginning: "running", "killed", ...
const char* name_of(Fate fate);

}  // namespace tarn::reader
