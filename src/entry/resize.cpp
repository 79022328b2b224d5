// SPDX-License-Identifier: MIT
#include "entry/resize.h"

#include <string.h>

#include "cache/hardened.h"
#include "entry/entry.h"
#include "entry/foreign.h"
#include "entry/large.h"
#include "entry/lookup.h"
#include "entry/misuse.h"
#include "hardened/hardened.h"

namespace tarn {

namespace {

void* reallocate_by_copy(void* pointer, size_t old_size, size_t size, size_t alignment = kAlignment) {
    void* moved = alignment <= kAlignment ? allocate(size) : allocate_aligned_size(alignment, size);
    if (!moved) return nullptr;
    memcpy(moved, pointer, old_size < size ? old_size : size);
    release(pointer);
    return moved;
}

void* reallocate_foreign(void* pointer, size_t old_size, size_t size) {
    void* moved = allocate_aligned(kAlignment, size);
    if (!moved) return nullptr;
    memcpy(moved, pointer, old_size < size ? old_size : size);
    release_foreign(pointer);
    return moved;
}

// In place while at least half of the object stays in use. The smallest is the class of what is less than half of it, too.
[[gnu::always_inline]] inline bool stays(size_t old_size, size_t size) {
    return size <= old_size && (size >= old_size / 2 || old_size == kAlignment);
}

[[gnu::noinline]] void* reallocate_other(void* pointer, size_t size) {
    if (!pointer) return allocate(size);
    if (size == 0) {
        release_cold(pointer);
        return nullptr;
    }
    const Found found = look_up(pointer);
    switch (found.kind) {
        case Kind::kObject:
            return stays(found.size, size) ? pointer : reallocate_by_copy(pointer, found.size, size);
        case Kind::kHardened:
            return hardened::resize(pointer, size) ? pointer : reallocate_by_copy(pointer, found.size, size);
        case Kind::kBlock:
            if (hardened::serves()) check_block_form(pointer, hardened::Form::kMalloc);
            return size > kSmallMax ? resize_large(pointer, size, kAlignment)
                                    : reallocate_by_copy(pointer, found.size, size);
        case Kind::kGuarded:  // so that it ends where its guard page is, or the next one does
            return size == found.size ? pointer : reallocate_by_copy(pointer, found.size, size);
        case Kind::kForeign:
            return reallocate_foreign(pointer, found.size, size);
        case Kind::kNobodys:
            break;
    }
    die_nobodys(pointer);
}

}  // namespace

void* reallocate(void* pointer, size_t size) {
    const size_t old_size = object_size(pointer);
    if (old_size == 0 || size == 0) [[unlikely]]
        return reallocate_other(pointer, size);
    return stays(old_size, size) ? pointer : reallocate_by_copy(pointer, old_size, size);
}

void* reallocate_aligned(void* pointer, size_t alignment, size_t used, size_t size) {
    const size_t old_size = usable_size(pointer);
    if (old_size > kSmallMax && size > kSmallMax) return resize_large(pointer, size, alignment);
    if (size <= old_size && size >= old_size / 2) return pointer;
    return reallocate_by_copy(pointer, used < old_size ? used : old_size, size, alignment);
}

}  // namespace tarn
