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

namespace detail {
constexpr size_t all_slots() {
    size_t slots = 0;
    for (const SizeClassInfo& info : kSizeClasses)
        slots += info.bin_limit + 1;
    return slots;
}
}  // namespace detail

struct ThreadCache {
    size_t fast_end;                  // sizes below have their bin in by_size; 0 in empty_cache
    uint32_t observing;               // a bit for each of the observers that look on now (observer.h)
    Observer* observers[kObservers];  // NULL until an upper layer makes one; stays when the thread ends
    alignas(64) Bin bins[kClasses];
    BinTop tops[kClasses];
    uint32_t refills;
    Outgoing outgoing;
    Tallies tallies;
    Heap heap;
    alignas(os::kPageSize) Bin* by_size[kFastMax / 16 + 1];  // by (size + 15) / 16
    Object* slots[detail::all_slots()];
};
static_assert(sizeof(ThreadCache) < 1 << 16, "a slot's distance fits 16 bits");
static_assert(sizeof(ThreadCache) * kHeapsMax <= size_t{3} << 29, "an entry reaches every bin");

// What a thread without a heap has: nothing is found in it, so that "not started" is just a miss. All zero,
// never written.
extern ThreadCache empty_cache;

// This thread's cache; written by process/thread.cpp. In a thread that has none: &empty_cache.
extern thread_local constinit ThreadCache* current_cache __attribute__((tls_model("initial-exec")));

inline bool has_cache(const ThreadCache* cache) {
    return cache != &empty_cache;
}
inline bool has_bin(const ThreadCache& cache, const Bin& bin) {
    return &bin >= cache.bins && &bin < cache.bins + kClasses;
}

}  // namespace tarn
