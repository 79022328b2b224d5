// SPDX-License-Identifier: MIT
// Counting requests exactly, at the price of two additions in a cache line of one's own.
//
// A thread has a slot number of its own, for all tables; a table has a line of counters for each slot that
// used it. Invariant: while a thread has the slot, nobody else writes these lines, so plain additions do. The
// slot of an ended thread goes to another with the numbers in it: giving it back and taking it orders the two.
// Threads beyond the last slot share one line per table, and add atomically.
#pragma once
#include <atomic>

#include "heap/size_classes.h"

namespace tarn {

inline constexpr uint32_t kCounterSlots = 64;  // the first stands for "none"

struct alignas(64) RequestCounters {
    std::atomic<uint64_t> requests{0};
    std::atomic<uint64_t> copy_bytes{0};
};

// What malloc(length + 1) takes.
inline uint64_t copy_bytes(size_t length) {
    const size_t size = length + 1;
    if (size <= 256) [[likely]]
        return (size + 15) & ~size_t{15};
    if (size <= kSmallMax) return kSizeClasses[class_of_size(size)].size;
    return (size + 4095) & ~size_t{4095};
}

// This thread's slot, 0 when it has none; written by counters.cpp.
extern thread_local constinit uint8_t counter_slot __attribute__((tls_model("initial-exec")));

// Gives this thread a slot, if there is one; 0 when there is none.
uint32_t take_counter_slot();

// Only in the child of a fork: the slots of the other threads are free.
void recover_counter_slots();

}  // namespace tarn
