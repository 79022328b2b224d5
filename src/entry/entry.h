// SPDX-License-Identifier: MIT
// The whole fast path, inlined into preload/ and nowhere else.
//
//   allocate(n)   size -> bin of this thread -> pop
//     no bin      allocate_cold    no cache yet; more than kFastMax; more than kSmallMax: the backend
//     bin empty   allocate_cold    refill from the heap
//
//   release(p)    page map entry -> bin -> this thread's? -> push
//     no entry    release_cold     NULL; a block of the backend; libc's own; misuse
//     not mine    release_cold     another thread's slab or an orphan
//     marked      release_cold     a double free, very likely
//     no room     release_cold     the slab's own list
//
// Functions here never touch errno; the cold ends set ENOMEM when there is no memory and preserve it in
// release.
#pragma once
#include <cstddef>

#include "base/options.h"
#include "cache/thread_cache.h"
#include "entry/slow_path.h"

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

[[gnu::always_inline]] inline void* allocate(size_t size) {
    ThreadCache* cache = current_cache;
    if (!has_bin(*cache, size)) [[unlikely]]
        return allocate_cold(size);
    Object* object = pop(bin_for(*cache, size));
    if (!object) [[unlikely]]
        return allocate_cold(size);
    return object;
}

// False when the fast path cannot serve this free.
template <uintptr_t Bin::*Owner>
[[gnu::always_inline]] inline bool push(void* pointer) {
    const size_t unit = reinterpret_cast<uintptr_t>(pointer) >> kUnitShift;
    if (unit >= page_table_end) [[unlikely]]
        return false;
    char* const table = page_table;
    const Entry entry = reinterpret_cast<std::atomic<Entry>*>(table)[unit].load(std::memory_order_relaxed);
    Bin& bin = *reinterpret_cast<Bin*>(table + entry);
    if (bin.*Owner != thread_pointer()) [[unlikely]]
        return false;
    Object* object = static_cast<Object*>(pointer);
    const uintptr_t mark = reinterpret_cast<uintptr_t>(&bin);
    if constexpr (kDoubleFreeCheck)
        if (object->mark == mark) [[unlikely]]
            return false;
    const size_t at = top(bin);
    if (at <= bin.low) [[unlikely]]
        return false;
    slot(bin, at - kSlot) = object;
    pops_top(bin) -= kSlot;
    if constexpr (kDoubleFreeCheck) object->mark = mark;
    return true;
}

[[gnu::always_inline]] inline void release(void* pointer) {
    if (!push<&Bin::owner>(pointer)) [[unlikely]]
        release_cold(pointer);
}

// The caller says what it asked for; believed, but in hardened mode.
[[gnu::always_inline]] inline void release_sized(void* pointer, size_t alignment, size_t size) {
    if (push<&Bin::sized_owner>(pointer)) [[likely]]
        return;
    if (options.hardened) check_size(pointer, alignment, size);
    release_cold(pointer);
}

}  // namespace tarn
