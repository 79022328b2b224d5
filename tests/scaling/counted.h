// SPDX-License-Identifier: MIT
// What the allocator under test does that cores share, counted for each thread. It is compiled with -fsanitize=thread and
// linked without that sanitizer's library: the compiler makes a call of every atomic operation, and counted.cpp has the
// functions that are called. So no line of the allocator knows that it is counted, and none that is atomic is missed.
#pragma once
#include <cstdint>

namespace counted {

struct Counts {
    uint64_t operations = 0;    // malloc and free, by the pattern itself
    uint64_t run_holds = 0;     // the lock of the supply of runs was taken
    uint64_t run_waits = 0;     // of those: somebody else had it
    uint64_t orphan_holds = 0;  // that of the orphans
    uint64_t shared =
        0;  // atomic read-modify-writes of what other threads write as well, those of locks included
    uint64_t own = 0;  // likewise of the lock of the thread's own heap

    Counts& operator+=(const Counts& more);
    Counts operator-(const Counts& before) const;
};

// This thread's.
extern thread_local Counts counts;

}  // namespace counted
