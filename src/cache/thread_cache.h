// SPDX-License-Identifier: MIT
// ThreadCache: a thread's bins, and the heap behind them.
//
// A bin is a LIFO stack of free objects, linked through the objects:
//
//     objects in the bin = limit - room        room < 0: filled beyond its limit; it takes nothing until it
//     is
//                                              below again
//
// malloc pops: room + 1, pops + 1. free pushes: room - 1. So pushes follow from pops, room and the
// counters of the cold ends, and both totals are exact at no further cost.
//
// A bin starts with limit 0: the first free of a class goes to the cold end and is checked in full. The limit
// doubles when the bin runs empty, up to the class's bin_limit, and halves, with the bin flushed, when frees
// overflow it for long. Hardened: the limit stays 0, so every free goes to the cold end.
//
// Only the thread itself writes its cache; pops, room and limit are read by anyone for statistics.
#pragma once
#include <atomic>
#include <cstdint>

#include "heap/heap.h"

#ifndef TARN_DOUBLE_FREE_CHECK
#define TARN_DOUBLE_FREE_CHECK true  // Meson: -Ddouble_free_check=false
#endif

namespace tarn {

// Off: marks are written by the cold ends only, and say nothing unless every free goes there.
inline constexpr bool kDoubleFreeCheck = TARN_DOUBLE_FREE_CHECK;

struct alignas(1 << kCodeShift) Bin {
    Object* head;
    uint64_t pops;
    int32_t room;
    int32_t limit;
    uint32_t overflows;  // frees past the full bin since it last ran empty
    uint32_t unused;
};
static_assert(sizeof(Bin) == 1 << kCodeShift, "a class code is the offset of its bin");

struct ThreadCache {
    Bin bins[kClasses];  // first: a class code is an offset from the cache's address
    uint32_t tag;        // of the heap; kNoTag in the empty cache
    bool living;         // a thread has it
    ThreadCache* next_idle;
    Heap heap;
};

// What a thread without a heap has: bins that are empty and a tag that matches nothing, so that "not
// started" is just a miss. Constant, never written.
extern const ThreadCache empty_cache;

// This thread's cache. In a thread that has none: &empty_cache.
extern thread_local constinit ThreadCache* current_cache __attribute__((tls_model("initial-exec")));

inline Bin& bin_of(ThreadCache& cache, uint32_t code) {
    return *reinterpret_cast<Bin*>(reinterpret_cast<char*>(&cache) + code);
}
inline bool has_cache(const ThreadCache* cache) {
    return cache != &empty_cache;
}

// A cache nobody has, or a new one; NULL when out of memory. It does not become current.
ThreadCache* open_cache();
// Flushes the bins, gives the heap's slabs to the orphans and keeps the cache for another thread.
void close_cache(ThreadCache& cache);

// The bin of this class is empty. An object, removed from the bin's count but not yet cleared; `zeroed` when
// all of it but its two words is known to be zero. Fills the bin besides.
struct Refill {
    Object* object = nullptr;
    bool zeroed = false;
};
Refill refill(ThreadCache& cache, SizeClass c);

// An object of one of this heap's slabs, checked, that the bin has no room for. It carries the mark.
void give_past_bin(ThreadCache& cache, Slab& slab, Object* object);

// All objects of all bins back to their slabs; empty slabs to the run supply.
void flush(ThreadCache& cache);
bool in_bin(const ThreadCache& cache, SizeClass c, const Object* object);

// In the child of a fork made while other threads ran.
void salvage_caches();

// Whether any thread but this one has, or had, a cache.
bool others_lived();

struct CacheCount {
    uint64_t living, ended;
};
CacheCount count_caches();
// Totals of one class over all heaps.
struct ClassTotals {
    uint64_t allocations, frees, fresh, remote_frees, slabs;
};
ClassTotals class_totals(SizeClass c);

}  // namespace tarn
