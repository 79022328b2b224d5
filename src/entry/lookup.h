// SPDX-License-Identifier: MIT
// What is this pointer? One answer, for realloc, malloc_usable_size and the checks. Free asks the same questions
// in the same order, but strikes a block off the registry by the answer, so that of two frees one wins.
#pragma once
#include <cstddef>
#include <cstdint>

#include "heap/slab.h"

namespace tarn {

enum class Kind : uint8_t {
    kObject,    // the start of one in a slab
    kHardened,  // the start of a live one in a hardened slab
    kBlock,     // the start of a live block of the backend
    kGuarded,   // one of the guard's
    kForeign,   // libc's own allocator may have made it
    kNobodys,
};

struct Found {
    Kind kind = Kind::kNobodys;
    size_t size = 0;  // bytes that may be used; of an object, those of its class
};

// Not of NULL. Dies inside of an object.
Found look_up(void* pointer);

inline bool is_object(const void* pointer) {
    return is_slab_entry(entry_at(pointer));
}

// Of the object of a slab that begins there; 0 when none does.
[[gnu::always_inline]] inline size_t object_size(const void* pointer) {
    if (!is_object(pointer)) return 0;
    const Slab* const slab = slab_of_object(pointer);
    return slab ? slab->info().size : 0;
}

// Bytes that may be used; 0 for NULL, and for what neither tarn nor libc has made. Dies inside of an object.
size_t usable_size(void* pointer);

}  // namespace tarn
