// SPDX-License-Identifier: MIT
#include "stats/peak.h"

#include <algorithm>
#include <atomic>

#include "backend/blocks.h"
#include "base/at_start.h"
#include "cache/totals.h"
#include "heap/door.h"
#include "pages/runs.h"

namespace tarn {

namespace {

struct Peaks {
    std::atomic<size_t> next;  // footprint: the next sum
    std::atomic<uint64_t> small, all;
};
TARN_WRITTEN_AT_START constinit Peaks peaks = {kPeakStepLeast, 0, 0};

template <class Number>
void raise(std::atomic<Number>& number, Number least) {
    Number now = number.load(std::memory_order_relaxed);
    while (now < least && !number.compare_exchange_weak(now, least, std::memory_order_relaxed)) {
    }
}

[[gnu::cold, gnu::noinline]] void sum_up(size_t footprint) {
    uint64_t small;
    if (!try_live_bytes(small)) return;
    raise_peak({small, small + live_block_bytes()});
    const size_t caches = heap_count() * kPeakStepOfCache;
    raise(peaks.next, footprint + std::max({kPeakStepLeast, footprint / kPeakStepShare, caches}));
}

}  // namespace

void note_footprint() {
    const size_t blocks = live_block_bytes(), footprint = bytes_in_slabs() + blocks;
    if (footprint >= peaks.next.load(std::memory_order_relaxed)) [[unlikely]]
        sum_up(footprint);
    const size_t next = peaks.next.load(std::memory_order_relaxed);
    tell_of_slabs_beyond(next - std::min(next, blocks));
}

Peak peak_live() {
    return {peaks.small.load(std::memory_order_relaxed), peaks.all.load(std::memory_order_relaxed)};
}

void raise_peak(Peak least) {
    raise(peaks.all, least.all);
    raise(peaks.small, least.small);
}

}  // namespace tarn
