// SPDX-License-Identifier: MIT
// ThreadCache: a thread's bins, and the heap behind them.
#pragma once
#include <cstdint>

#include "cache/bin.h"
#include "cache/observer.h"
#include "cache/tally.h"
#include "heap/heap.h"
#include "heap/outgoing.h"
#include "os/os.h"

namespace tarn {

// Slots are of two kinds, so that a thread of few objects touches few pages: those that a bin begins with, all bins' side
// by side, and those of the bin alone, where it moves when it is to hold more.
inline constexpr size_t kFirstSlots = 8;
static_assert(kFirstSlots >= kFirstLimit && kFirstSlots >= kFirstBatch && kFirstSlots >= kBinFewest);

namespace detail {
// Where the slots of the bin alone end, the last of which is always NULL; those of a small bin are not needed.
constexpr auto make_slot_ends() {
    std::array<uint16_t, kClasses> ends{};
    size_t end = 0;
    for (SizeClass c = 0; c < kClasses; ++c) {
        if (kSizeClasses[c].bin_limit > kFirstSlots) end += kSizeClasses[c].bin_limit + 1;
        ends[c] = static_cast<uint16_t>(end);
    }
    return ends;
}
}  // namespace detail
inline constexpr std::array<uint16_t, kClasses> kSlotEnds = detail::make_slot_ends();

struct alignas(64) ThreadCache {
    size_t fast_end;      // sizes below have their bin in by_size; 0 in empty_cache
    size_t counted_end;   // the same for who counts `untold` down: not 0 while the profiler alone sees pops
    uint32_t observing;   // a bit for each of the observers that look on now (observer.h)
    int32_t until_guard;  // allocations to go by uncounted by the guard's observers (preload/counted.h)
    int64_t untold;       // bytes before one of an object is sampled
    alignas(64) Bin bins[kClasses];
    BinTop tops[kClasses];
    Observer* observers[kObservers];  // NULL until an upper layer makes one; stays when the thread ends
    uint64_t seen_at_work;  // a sum over the tops, when others looked last; with the lock of the heap's door
    uint32_t refills;
    uint32_t news_heard;  // record_calls.news, when the record looked last
    int64_t until_look;   // bytes of work, before it does again
    Tallies tallies;
    Heap heap;
    Bin* by_size[kFastMax / 16 + 1];  // by (size + 15) / 16
    Object* first_slots[kClasses][kFirstSlots + 1];
    Outgoing outgoing;  // touched by who frees for other threads
    Object* slots[kSlotEnds[kClasses - 1]];
};
static_assert(sizeof(ThreadCache) < 1 << 16, "a slot's distance fits 16 bits");
// So that end and top of two kinds of slots are never taken for those of one (totals.cpp).
static_assert(sizeof ThreadCache::first_slots > (kBinMost + kFirstSlots + 1) * kSlot);
static_assert(sizeof(ThreadCache) * kHeapsMax <= size_t{3} << 29, "an entry reaches every bin");

// What a thread without a heap has: nothing is found in it, so that "not started" is just a miss. All zero,
// never written.
extern ThreadCache empty_cache;

// This thread's cache; written by process/thread.cpp. In a thread that has none: &empty_cache.
extern thread_local constinit ThreadCache* current_cache __attribute__((tls_model("initial-exec")));

inline bool has_cache(const ThreadCache* cache) {
    return cache != &empty_cache;
}
// Whether nobody looks on but the record, which has heard all news.
[[gnu::always_inline]] inline bool record_alone(const ThreadCache& cache) {
    return cache.observing == observer_bit(ObserverSlot::kRecord) &&
           cache.news_heard == record_calls.news.load(std::memory_order_relaxed);
}
// Whether it need not be told of so many bytes of work. They count then.
[[gnu::always_inline]] inline bool passes_record(ThreadCache& cache, size_t bytes) {
    const int64_t left = cache.until_look - static_cast<int64_t>(bytes);
    if (left <= 0 || !record_alone(cache)) return false;
    if (__atomic_load_n(record_calls.requests.load(std::memory_order_relaxed), __ATOMIC_RELAXED))
        return false;
    cache.until_look = left;
    return true;
}
// Work: of a bin that is filled or drained; of a block, more than its share of bytes when it is small, and less when it is large.
inline constexpr size_t kWorkOfBin = size_t{4} << 10;
inline size_t work_of_block(size_t bytes) {
    constexpr size_t kLeast = size_t{2} << 10, kShare = 64;
    return bytes / kShare > kLeast ? bytes / kShare : kLeast;
}

inline bool has_bin(const ThreadCache& cache, const Bin& bin) {
    return &bin >= cache.bins && &bin < cache.bins + kClasses;
}

}  // namespace tarn
