// SPDX-License-Identifier: MIT
// The guard's sampler: two observers of each thread. One looks on at cold ends, and counts what went by on the fast path; the
// other sees each allocation while the next sample is near (countdown.h), and puts it in the pool. docs/guard.md.
#pragma once
#include "record/guarding.h"
#include "unwind/memory.h"

namespace tarn::guard {

// What the record asks of it. To be joined before anything is begun.
const record::Guarding& guarding_table();

// What is kept of this thread; NULL: nothing is.
struct ThisThread {
    unwind::Memory::Range stack;  // unwind/walk.h
    uint32_t id;                  // the kernel's; 0: not asked for yet
};
ThisThread* this_thread();

}  // namespace tarn::guard
