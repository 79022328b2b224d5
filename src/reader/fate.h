// SPDX-License-Identifier: MIT
// How the process of a record is, or how it ended.
#pragma once
#include <cstdint>
#include <map>
#include <string>
#include <utility>

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

// The clock of a record's times: CLOCK_MONOTONIC.
uint64_t now_ns();

// Which process has which file mapped, by one walk over /proc when it is first asked. Processes that began later are not
// in it.
class Mappings {
  public:
    // "" when none has.
    std::string process_with(const Input& input);

  private:
    void walk();
    bool walked_ = false;
    std::map<std::pair<uint64_t, uint64_t>, std::string> processes_;  // by device and inode
};

// For who asks again: what was found out about a record's process. One that is gone stays gone; where its number is
// another one here than in its container, it is found again by that.
struct Known {
    bool gone = false;
    std::string number, start_ticks;
};
State state_of(const Record& record, const Input& input, Mappings* mappings, Known* known);

// A sentence's beginning: "running", "killed", ...
const char* name_of(Fate fate);

}  // namespace tarn::reader
