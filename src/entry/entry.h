// SPDX-License-Identifier: MIT
// The whole fast path, inlined into preload/ and where realloc copies.
//
//   allocate(n)   size -> bin of this thread -> pop
//     no bin      allocate_slow    no cache yet; more than kFastMax; more than kSmallMax: the backend
//     bin empty   allocate_slow    refill from the heap
//
//   release(p)    page map entry -> bin -> this thread's? -> push
//     no room     release_full         the slab's own list
//     not mine    release_elsewhere    another thread's slab
//       none's    release_cold         NULL; an orphan's; a block of the backend; libc's own; misuse
//     marked      release_cold         a double free, very likely
//
// Functions here never touch errno; the slow ends set ENOMEM when there is no memory and preserve it in
// release.
#pragma once
#include <cstddef>

#include "base/options.h"
#include "cache/thread_cache.h"
#include "entry/allocate.h"
#include "entry/release.h"

namespace tarn {

// The object on top of the bin, NULL when it is empty.
[[gnu::always_inline]] inline Object* pop(Bin& bin) {
    Object* object = slot(bin, top(bin));
#ifdef __x86_64__
    asm("" : "+a"(object));  // where it is to be returned; saves a move
#endif
    if (!object) [[unlikely]]
        return nullptr;
    pops_top(bin) += kPop;
    if constexpr (kDoubleFreeCheck) object->mark = 0;
    return object;
}

// False for all sizes in a thread without a cache.
[[gnu::always_inline]] inline bool has_bin(const ThreadCache& cache, size_t size) {
    if (__builtin_constant_p(size) && size > kFastMax) return false;
    return size < cache.fast_end;
}
[[gnu::always_inline]] inline Bin& bin_for(const ThreadCache& cache, size_t size) {
    return *cache.by_size[(size + 15) / 16];
}

// NULL when the fast path cannot serve it.
[[gnu::always_inline]] inline void* allocate_fast(size_t size) {
    ThreadCache* cache = current_cache;
    if (!has_bin(*cache, size)) [[unlikely]]
        return nullptr;
    return pop(bin_for(*cache, size));
}

[[gnu::always_inline]] inline void* allocate(size_t size) {
    void* pointer = allocate_fast(size);
    if (!pointer) [[unlikely]]
        return allocate_slow(size);
    return pointer;
}

// Any multiple of a power of two is held by a class whose size is a multiple of it as well, and so are its objects aligned.
consteval bool classes_hold_multiples() {
    for (size_t alignment = 8; alignment <= kFastMax; alignment *= 2)
        for (size_t size = alignment; size <= kFastMax; size += alignment)
            if (kSizeClasses[class_of_size(size)].size % alignment != 0) return false;
    return true;
}
static_assert(classes_hold_multiples());

// The least such multiple, for powers of two; 0 for none, and where there is none.
[[gnu::always_inline]] inline size_t to_multiple(size_t alignment, size_t size) {
    return (size + alignment - 1) & -alignment;
}

// allocate_aligned, for powers of two. NULL when the fast path cannot serve it.
[[gnu::always_inline]] inline void* allocate_aligned_fast(size_t alignment, size_t size) {
    const size_t multiple = to_multiple(alignment, size);
    return multiple ? allocate_fast(multiple) : nullptr;
}

// As allocate_aligned, for what aligned_size gives for an alignment up to kSlabAlignmentMax: all objects in the
// bin of its class are aligned.
[[gnu::always_inline]] inline void* allocate_aligned_size(size_t alignment, size_t size) {
    void* pointer = allocate_fast(size);
    if (!pointer) [[unlikely]]
        return allocate_aligned(alignment, size);
    return pointer;
}

// Where `Owner` is sized_owner, the caller has another slow end for what `elsewhere` gets.
template <uintptr_t Bin::*Owner, class Elsewhere>
[[gnu::always_inline]] inline void release_by(void* pointer, Elsewhere elsewhere) {
    const size_t unit = reinterpret_cast<uintptr_t>(pointer) >> kUnitShift;
    if (unit >= page_table_end) [[unlikely]]
        return elsewhere(bin_at(0));
    Bin& bin =
        bin_at(reinterpret_cast<std::atomic<Entry>*>(page_table)[unit].load(std::memory_order_relaxed));
    if (__atomic_load_n(&(bin.*Owner), __ATOMIC_RELAXED) != thread_pointer()) [[unlikely]]
        return elsewhere(bin);
    Object* object = static_cast<Object*>(pointer);
    const uintptr_t mark = mark_of(bin, object);
    if constexpr (kDoubleFreeCheck)
        if (object->mark == mark) [[unlikely]]
            return release_cold(pointer);
    const size_t at = top(bin);
    if (at <= bin.low) [[unlikely]]
        return release_full(pointer, bin);
    slot(bin, at - kSlot) = object;
    pops_top(bin) -= kSlot;
    if constexpr (kDoubleFreeCheck) object->mark = mark;
}

[[gnu::always_inline]] inline void release(void* pointer) {
    release_by<&Bin::owner>(pointer, [=](Bin& bin) { release_elsewhere(pointer, bin); });
}

}  // namespace tarn
