// SPDX-License-Identifier: MIT
// The guard's sampler: two observers of each thread. One looks on at cold ends, and counts what went by on the fast path; the
// other sees each allocation while the next sample is near (countdown.h), and puts it in the pool. docs/guard.md.
#pragma once
#include "record/guarding.h"
#include "unwind/memory.h"

namespace tarn::guard {

// What the record asks of it. To be joined before anything is begun.
const record::Guarding& guarding_table();

// What is known of this thread's stack (unwind/walk.h); NULL: nothing is kept of it.
unwind::Memory::Range* own_stack_range();

}  // namespace tarn::guard
