// SPDX-License-Identifier: MIT
// The whole fast path, inlined into preload/ and nowhere else.
//
//   allocate(n)   class code of n -> bin of this thread -> pop
//     bin empty   allocate_small     recover a thread without cache; refill from the heap
//     n > 32 KiB  allocate_large     the backend
//
//   release(p)    page map entry ^ tag of this thread -> class code -> bin -> push
//     no room     release_cold       the slab's own list
//     not mine    release_cold       NULL; another thread's or an orphan's slab; a block of the backend;
//                                    libc's own; misuse
//     marked      release_cold       a double free, very likely
//
// Functions here never touch errno; the cold ends set ENOMEM when there is no memory and preserve it in
// release.
#pragma once
#include <cstddef>

#include "base/options.h"
#include "cache/thread_cache.h"
#include "entry/slow_path.h"

namespace tarn {

inline void* pop(Bin& bin, Object* object) {
    bin.head = object->next;
    bin.room += 1;
    bin.pops += 1;
    if constexpr (kDoubleFreeCheck) object->mark = 0;
    return object;
}

[[gnu::always_inline]] inline void* allocate(size_t size) {
    if (size > kSmallMax) [[unlikely]]
        return allocate_large(size);
    Bin& bin = bin_of(*current_cache, code_of_size(size));
    Object* object = bin.head;
    if (!object) [[unlikely]]
        return allocate_small(size);
    return pop(bin, object);
}

[[gnu::always_inline]] inline void release(void* pointer) {
    const size_t unit = unit_of(pointer);
    if (unit >= page_map.units) [[unlikely]]
        return release_cold(pointer);
    ThreadCache* cache = current_cache;
    const uint32_t code = entry_of(unit) ^ cache->tag;
    if (code >= kCodeLimit) [[unlikely]]
        return release_cold(pointer);
    Bin& bin = bin_of(*cache, code);
    Object* object = static_cast<Object*>(pointer);
    const uintptr_t mark = reinterpret_cast<uintptr_t>(&bin);
    if constexpr (kDoubleFreeCheck)
        if (object->mark == mark) [[unlikely]]
            return release_cold(pointer);
    if (--bin.room < 0) [[unlikely]]
        return release_past_bin(pointer);
    object->next = bin.head;
    bin.head = object;
    if constexpr (kDoubleFreeCheck) object->mark = mark;
}

// The caller says what it asked for; believed, but in hardened mode.
[[gnu::always_inline]] inline void release_sized(void* pointer, size_t alignment, size_t size) {
    if (options.hardened) [[unlikely]]
        check_size(pointer, alignment, size);
    release(pointer);
}

}  // namespace tarn
