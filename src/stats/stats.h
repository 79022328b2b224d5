// SPDX-License-Identifier: MIT
// What is counted. A Snapshot is the public tarn_stats: snapshot.cpp fills it by reading counters downward,
// complete.cpp derives the rest. Nothing here allocates, takes a lock for long, or touches errno; any thread may
// call any of it.
#pragma once
#include "tarn/statistics.h"

namespace tarn {

using Snapshot = tarn_stats;

// Fills what is counted and zeroes the rest:
// classes, class_stats[].{object_size, allocations, frees, fresh, remote_frees, slabs, slab_bytes},
// large_*, foreign_frees, threads*, orphan_slabs, reserved to returned, backend*, resident, peak_resident,
// arenas and all behind it but object_pool_hit_rate, kept_bytes and other_bytes; both peaks as far as they were noted.
// Counters are read one by one without stopping anybody; frees before allocations keeps them apart least.
void take_snapshot(Snapshot& snapshot);

// A pointer that another allocator had made was handed to libc.
void count_foreign_free();

// Derives everything else. What was read while others ran is clamped, so that afterwards the equations of
// tarn.h hold and nothing is negative. Doing it twice changes nothing.
void complete(Snapshot& snapshot);

// Both; what is live is noted for the peaks.
void read_snapshot(Snapshot& snapshot);

}  // namespace tarn
