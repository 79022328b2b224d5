// SPDX-License-Identifier: MIT
// Watch: what the open scopes of a thread (tarn/metrics.h) need besides the thread's counters: the most bytes
// that were live at a time. Bins count for themselves, so nothing is seen between two calls of the cold
// ends; the watch is told of those alone, and reads all counters at every few of them. Between two samples
//
//     live <= live at the first + bytes that bins held then + bytes taken at cold ends since
//     live <= live at the first + bytes allocated in between
//     live <= live at the second + bytes freed in between
//
// so each sample gives a value that was reached and one that was not exceeded. While an exact scope is open,
// the thread has no fast path to allocate by, and every allocation is a sample; frees never raise the peak.
//
// A watch belongs to a thread's cache and stays with it; only that thread touches it.
#pragma once
#include <cstddef>
#include <cstdint>

#include "cache/thread_cache.h"

namespace tarn {

// What one thread has done so far. All of it may be subtracted.
struct ThreadTotals {
    uint64_t small_allocations = 0, small_frees = 0, fresh = 0, remote_frees = 0;
    uint64_t large_allocations = 0, large_frees = 0;
    uint64_t bytes_allocated = 0, bytes_freed = 0;
    uint64_t held_bytes = 0;  // now, in the bins that malloc pops without a cold end

    int64_t live() const { return static_cast<int64_t>(bytes_allocated - bytes_freed); }
};
ThreadTotals thread_totals(const ThreadCache& cache);

struct Watch : Observer {
    static constexpr unsigned kDepthMax = 64;

    struct Level {
        uint64_t serial;
        int64_t base;  // live when it was opened
        int64_t seen;  // the most that a sample saw
        int64_t most;  // what was not exceeded
        bool exact;
    };

    uint64_t serials;  // given out so far: no level of this watch has one twice
    uint64_t thread;   // a number no other thread ever has; 0: none yet
    unsigned depth;
    unsigned exact_levels;
    // The last sample, and what was taken at cold ends since.
    int64_t live;
    uint64_t bytes_allocated, bytes_freed, held_bytes;
    uint64_t taken, budget;
    BlockChange blocks;  // all of them while a level is open
    Level levels[kDepthMax];
};

// The open one of this cache; NULL: none.
Watch* open_watch(const ThreadCache& cache);
// A new innermost level and the totals at its start. False: too deep, or out of memory.
bool open_level(ThreadCache& cache, bool exact, ThreadTotals& start);
// With a level open: samples now.
ThreadTotals sample_watch(ThreadCache& cache);
// Ends the innermost level, after a sample.
void close_level(ThreadCache& cache);

}  // namespace tarn
