// SPDX-License-Identifier: MIT
// Bin: the free objects of one size class that a thread has at hand.
//
// It is a stack of free objects, an array of pointers that grows downwards:
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
#include <cstdint>

#include "heap/heap.h"

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
    uint16_t bytes;  // of each object
    uint16_t unused[3];
};
static_assert(sizeof(Bin) == Heap::kMarkStep);
static_assert(kHardenedEntry + sizeof(Bin) <= kTableZeros, "what is not owned by a thread reads as owner 0");

struct alignas(Heap::kMarkStep) BinTop {
    uint64_t pops_top;      // pops << 16 | top
    uint64_t direct_frees;  // objects freed past the bin, ever
    uint32_t overflows;     // frees past the full bin since its limit was last changed or it ran empty
    bool refilled;          // since its limit was last changed
    uint8_t batch;          // objects that the next refill asks for; doubles with each
    uint8_t few;            // objects that are to come from mixed slabs yet (bins.h)
    bool own_slots;         // it has them, or needs none
    bool thinning;          // the slabs of its class (bins.h)
    uint8_t in_vain;        // times that was done one after another
    uint16_t rounds;        // for which it goes on; each is kOverflowsMost frees
    uint32_t rest;          // times to be full, before it is done again; while it is done: slabs there were
};
static_assert(sizeof(BinTop) == sizeof(Bin), "a bin and its top are a constant distance apart");

inline constexpr size_t kSlot = sizeof(Object*);
inline constexpr uint64_t kPop = uint64_t{1} << 16 | kSlot;
inline constexpr size_t kFastMax = 8192;  // sizes up to here find their bin by one look-up

inline constexpr size_t kFirstLimit = 8;          // of a bin that had none
inline constexpr uint8_t kFirstBatch = 8;         // of a bin that was never refilled
inline constexpr uint32_t kOverflowsMost = 8192;  // overflowing frees before a bin's limit is halved

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
// Of an empty bin.
inline void set_top(Bin& bin, size_t at) {
    pops_top(bin) = (pops_top(bin) & ~uint64_t{0xffff}) | at;
}
inline void count_direct_free(BinTop& top) {
    __atomic_store_n(&top.direct_frees, top.direct_frees + 1, __ATOMIC_RELAXED);
}
inline size_t objects_in(const Bin& bin) {
    return (bin.end - top(bin)) / kSlot - bin.taken;
}
inline size_t limit_of(const Bin& bin) {
    return static_cast<size_t>(bin.end - bin.low) / kSlot;
}

}  // namespace tarn
