// SPDX-License-Identifier: MIT
// What caches count: sums over all threads, those that have ended included.
#pragma once
#include "cache/thread_cache.h"

namespace tarn {

struct ClassTotals {
    uint64_t allocations, frees, fresh, remote_frees, slabs;
    // Now, in objects: in mixed slabs, used or free; touched in slabs (heap.h); in bins.
    uint64_t mixed = 0, touched = 0, in_bins = 0;
};
// Of one cache, and over all heaps that there were.
ClassTotals totals_of(const ThreadCache& cache, SizeClass c);
ClassTotals class_totals(SizeClass c);

// Bytes of live objects of all classes, in one walk. False: not now, somebody has a lock that it would wait for.
[[nodiscard]] bool try_live_bytes(uint64_t& bytes);

// Adds to a tally, by the current thread.
void tally(Tally which, int64_t change);
// Over all threads. Never below 0.
uint64_t tally_total(Tally which);

// What the cache has counted stays when it is wiped. With the lock of the list held.
void keep_totals(const ThreadCache& cache);

}  // namespace tarn
