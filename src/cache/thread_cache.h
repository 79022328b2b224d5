// SPDX-License-Identifier: MIT
// ThreadCache: a thread's bins, and the heap behind them.
//
// A bin is a stack of free objects, an array of pointers that grows downwards:
//
//     first slot ... low ........ top ......... end: always NULL
//     |<-- room for refills -->|  |  objects  |
//
//     objects in the bin = (end - top) / 8 - taken
//     what frees may fill it up to, its limit = (end - low) / 8
//
// malloc pops: top + 8, pops + 1. free pushes while top > low: top - 8. So pushes follow from pops, top and
// the counters of the cold ends, and both totals are exact at no further cost. top and pops are one word.
//
// A bin starts with limit 0: the first free of a class goes to the cold end and is checked in full. The limit
// doubles when the bin runs empty, up to the class's bin_limit, and halves, with the bin flushed, when frees
// overflow it for long. Hardened: the limit stays 0, so every free goes to the cold end.
//
// Only the thread itself writes its bins; the heap behind them is for who has its lock (heap.h), which the
// cold ends take. Other threads read `owner`, which is why it is not in a line with what malloc and free
// write; statistics read the rest.
//
// A thread may end without a word: by the system call, or past its last key destructor. Then its bins still
// name its thread pointer, which another thread gets sooner or later. That one may push on them, since nobody
// else does; at its first cold end it takes the whole cache for its own (open_cache). So a thread pointer
// never has two caches.
#pragma once
#include <atomic>
#include <cstdint>

#include "base/at_start.h"
#include "base/os.h"
#include "base/thread_pointer.h"
#include "cache/tally.h"
#include "heap/heap.h"
#include "heap/outgoing.h"

#ifndef TARN_DOUBLE_FREE_CHECK
#define TARN_DOUBLE_FREE_CHECK true  // Meson: -Ddouble_free_check=false
#endif

namespace tarn {

// Off: marks are written by the cold ends only, and say nothing unless every free goes there.
inline constexpr bool kDoubleFreeCheck = TARN_DOUBLE_FREE_CHECK;

// Slots are named by their distance in bytes from their bin.
struct alignas(Heap::kMarkStep) Bin {
    uintptr_t owner;        // thread_pointer() of the thread that may push, or was, if it ended so; 0: none
    uintptr_t sized_owner;  // the same for sized delete; 0 while it has more to do than free
    uint16_t low, end;
    uint16_t room;   // slots there are
    uint16_t taken;  // slots before `end` that others have emptied (collect.cpp), until the next cold end
    uint16_t unused[4];
};
static_assert(sizeof(Bin) == Heap::kMarkStep);
static_assert(kOrphanEntry + sizeof(Bin) <= kTableZeros, "what is not owned by a thread reads as owner 0");

struct alignas(Heap::kMarkStep) BinTop {
    uint64_t pops_top;      // pops << 16 | top
    uint64_t direct_frees;  // objects freed past the bin, ever
    uint32_t overflows;     // frees past the full bin since its limit was last changed or it ran empty
    bool refilled;          // since its limit was last changed
    uint8_t batch;          // objects that the next refill asks for; doubles with each
    uint8_t unused[10];
};
static_assert(sizeof(BinTop) == sizeof(Bin), "a bin and its top are a constant distance apart");

inline constexpr size_t kSlot = sizeof(Object*);
inline constexpr uint64_t kPop = uint64_t{1} << 16 | kSlot;
inline constexpr size_t kFastMax = 8192;  // sizes up to here find their bin by one look-up

inline constexpr size_t kFirstLimit = 8;     // of a bin that had none
inline constexpr uint8_t kFirstBatch = 8;    // of a bin that was never refilled
inline constexpr uint32_t kPatience = 8192;  // overflowing frees before a bin's limit is halved

struct Watch;  // stats/watch.h

namespace detail {
constexpr size_t all_slots() {
    size_t slots = 0;
    for (const SizeClassInfo& info : kSizeClasses)
        slots += info.bin_limit + 1;
    return slots;
}
}  // namespace detail

struct ThreadCache {
    size_t fast_end;  // sizes below have their bin in by_size; 0 in empty_cache
    Watch* watch;     // while metrics scopes are open on the thread; else NULL
    Watch* watch_memory;
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

// This thread's cache. In a thread that has none: &empty_cache.
extern thread_local constinit ThreadCache* current_cache __attribute__((tls_model("initial-exec")));

// What an entry names; with no entry that is a slab's, something whose owner reads as 0.
inline Bin& bin_at(Entry entry) {
    return *reinterpret_cast<Bin*>(page_table + entry);
}
// As Heap::mark.
inline uintptr_t mark_of(const Bin& bin, const Object* object) {
    return reinterpret_cast<uintptr_t>(&bin) + reinterpret_cast<uintptr_t>(object);
}

inline BinTop& top_of(Bin& bin) {
    return *reinterpret_cast<BinTop*>(&bin + kClasses);
}
inline uint64_t& pops_top(Bin& bin) {
    return top_of(bin).pops_top;
}
inline uint64_t pops_top(const Bin& bin) {
    return pops_top(const_cast<Bin&>(bin));
}
// A load of its own width, so that the compiler keeps it apart from the addition in memory.
inline size_t top(const Bin& bin) {
    using Low __attribute__((may_alias)) = uint16_t;
    static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__);
    return *reinterpret_cast<const volatile Low*>(&pops_top(const_cast<Bin&>(bin)));
}
inline Object*& slot(Bin& bin, size_t at) {
    return *reinterpret_cast<Object**>(reinterpret_cast<char*>(&bin) + at);
}
inline size_t objects_in(const Bin& bin) {
    return (bin.end - top(bin)) / kSlot - bin.taken;
}
inline size_t limit_of(const Bin& bin) {
    return static_cast<size_t>(bin.end - bin.low) / kSlot;
}
inline bool has_cache(const ThreadCache* cache) {
    return cache != &empty_cache;
}
inline bool has_bin(const ThreadCache& cache, const Bin& bin) {
    return &bin >= cache.bins && &bin < cache.bins + kClasses;
}

// caches.cpp. The cache of a thread that ended without a word and had this thread's pointer; else one that
// nobody has, or a new one; NULL when out of memory. It does not become current.
ThreadCache* open_cache();
// The first of these alone; NULL when there is none.
ThreadCache* stale_cache();
// Flushes the bins, gives the heap's slabs to the orphans and keeps the cache for another thread.
void close_cache(ThreadCache& cache);

// The bin of this class is empty. An object, popped but not yet cleared; `zeroed` when all of it but its two
// words is known to be zero. Fills the bin besides.
struct Refill {
    Object* object = nullptr;
    bool zeroed = false;
};
Refill refill(ThreadCache& cache, SizeClass c);

// An object of one of this thread's slabs, checked, that the bin has no room for. It carries the mark.
[[gnu::noinline]] void overflow(ThreadCache& cache, Bin& bin, Slab& slab, Object* object);
[[gnu::always_inline]] inline void give_past_bin(ThreadCache& cache, Bin& bin, Slab& slab, Object* object) {
    BinTop& tops = top_of(bin);
    if (limit_of(bin) >= kFirstLimit || ++tops.overflows >= kPatience)
        return overflow(cache, bin, slab, object);
    __atomic_store_n(&tops.direct_frees, tops.direct_frees + 1, __ATOMIC_RELAXED);
    const HeapGuard guard(cache.heap);
    cache.heap.give(slab, object);
}

// All objects of all bins back to their slabs; empty slabs to the run supply.
void flush(ThreadCache& cache);
// Pages of its slabs in use whose objects are all free; bytes.
size_t punch_holes(ThreadCache& cache);
bool in_bin(const ThreadCache& cache, SizeClass c, const Object* object);

// All bins but their limits; for the end of a thread.
void end_bins(ThreadCache& cache);
void set_limit(Bin& bin, size_t limit);

// What lies free in the heaps of other threads goes back to the run supply: what was freed into them by others, and
// empty slabs. kMemory: what their bins hold besides (but for the last object), and whole pages of slabs in use,
// by system calls that are made for nothing else (membarrier, madvise); bytes of the pages. Waits for nobody for
// long.
enum class Collect : bool { kSlabs, kMemory };
size_t collect_others(Collect what);

// The cache of this heap, if it has one.
ThreadCache* cache_of(HeapId id);

// From now on sized delete may do what free does, without a look at the size: no program's own operator
// delete stands behind it. Called once, by the first thread; never in hardened mode.
TARN_AT_START void trust_sized_delete();

// Before a fork, so that nobody collects from the heap of this thread meanwhile; and after it, on both sides.
void hold_own_heap();
void let_go_own_heap();
// This thread is a signal handler over a cold end.
bool in_cold_end();
// In the child of a fork: the locks are free, whoever held them.
void caches_after_fork_child(Others others);

// Whether any thread but this one has, or had, a cache.
bool others_lived();

struct CacheCount {
    uint64_t living, ended;
};
CacheCount count_caches();
struct ClassTotals {
    uint64_t allocations, frees, fresh, remote_frees, slabs;
};
// Of one cache, and over all heaps that there were.
ClassTotals totals_of(const ThreadCache& cache, SizeClass c);
ClassTotals class_totals(SizeClass c);

// Adds to a tally, by the current thread.
void tally(Tally which, int64_t change);
// Over all threads. Never below 0.
uint64_t tally_total(Tally which);

}  // namespace tarn
