// SPDX-License-Identifier: MIT
// buffer.h implemented. The lower half is memory with an alignment and room behind it; the upper half keeps
// the padding zero: whatever changes `size` ends by set_size.
#include "tarn/buffer.h"

#include <errno.h>
#include <stdint.h>

#include <new>

#include "backend/blocks.h"
#include "entry/entry.h"
#include "entry/lookup.h"
#include "entry/resize.h"

namespace {

constexpr size_t kPadding = TARN_BUFFER_PADDING;
constexpr size_t kLargest = PTRDIFF_MAX - TARN_BUFFER_ALIGNMENT_MAX - kPadding;
constexpr size_t kSmallestAlignment = 16;
constexpr size_t kSmallestCapacity = 64;
constexpr size_t kRemappedFrom = size_t{256} << 10;  // growing copies nothing from here on

struct Buffer : tarn_buffer {
    size_t alignment;
    unsigned options;
};

Buffer& whole(tarn_buffer* buffer) {
    return *static_cast<Buffer*>(buffer);
}

bool makes_sense(size_t alignment, unsigned options) {
    const bool power_of_two = alignment != 0 && (alignment & (alignment - 1)) == 0;
    return power_of_two && alignment <= TARN_BUFFER_ALIGNMENT_MAX && options <= TARN_BUFFER_HUGE_PAGES;
}

void* fail(int error) {
    errno = error;
    return nullptr;
}

// What the exported functions have in common is here: calls among these would go by the loader's table.

void* resize_memory(void* memory, size_t alignment, size_t used, size_t* capacity, unsigned options) {
    if (!makes_sense(alignment, options)) return fail(EINVAL);
    if (*capacity > kLargest) return fail(ENOMEM);
    if (alignment < kSmallestAlignment) alignment = kSmallestAlignment;
    const size_t bytes = tarn::aligned_size(alignment, *capacity + kPadding);
    void* resized = memory ? tarn::reallocate_aligned(memory, alignment, used, bytes)
                           : tarn::allocate_aligned_size(alignment, bytes);
    if (!resized) return nullptr;
    if ((options & TARN_BUFFER_HUGE_PAGES) && bytes >= TARN_BUFFER_HUGE_FROM)
        tarn::prefer_huge_pages(resized);
    // A new object is as large as was asked for: no need to look at its slab.
    const bool known = resized != memory && bytes <= tarn::kSmallMax;
    *capacity = (known ? bytes : tarn::usable_size(resized)) - kPadding;
    return resized;
}

size_t grown(size_t capacity, size_t needed) {
    const size_t wanted = capacity < kRemappedFrom ? 2 * capacity : capacity + capacity / 2;
    const size_t least = wanted > kSmallestCapacity ? wanted : kSmallestCapacity;
    return least > needed ? least : needed;
}

void set_size(tarn_buffer& buffer, size_t size) {
    buffer.size = size;
    if (buffer.data) __builtin_memset(buffer.data + size, 0, kPadding);
}

// False: out of memory, nothing has changed.
bool set_capacity(Buffer& buffer, size_t capacity) {
    void* memory = resize_memory(buffer.data, buffer.alignment, buffer.size, &capacity, buffer.options);
    if (!memory) return false;
    buffer.data = static_cast<unsigned char*>(memory);
    buffer.capacity = capacity;
    set_size(buffer, buffer.size);
    return true;
}

bool grow(Buffer& buffer, size_t needed) {
    if (needed <= buffer.capacity) return true;
    const size_t wanted = grown(buffer.capacity, needed);
    if (set_capacity(buffer, wanted)) return true;
    return wanted > needed && set_capacity(buffer, needed);
}

void* extend(Buffer& buffer, size_t count) {
    const size_t before = buffer.size;
    size_t size;
    if (__builtin_add_overflow(before, count, &size)) return fail(ENOMEM);
    if (!grow(buffer, size)) return nullptr;
    set_size(buffer, size);
    return buffer.data ? buffer.data + before : nullptr;
}

void* detach(tarn_buffer& buffer) {
    void* memory = buffer.data;
    buffer.data = nullptr;
    buffer.size = buffer.capacity = 0;
    return memory;
}

}  // namespace

// C linkage comes from buffer.h.
void* tarn_buffer_memory_resize(void* memory, size_t alignment, size_t used, size_t* capacity,
                                unsigned options) {
    return resize_memory(memory, alignment, used, capacity, options);
}

void tarn_buffer_memory_free(void* memory) {
    tarn::release(memory);
}

size_t tarn_buffer_memory_growth(size_t capacity, size_t needed) {
    return grown(capacity, needed);
}

tarn_buffer* tarn_buffer_create(size_t alignment, unsigned options) {
    if (!makes_sense(alignment, options)) return static_cast<tarn_buffer*>(fail(EINVAL));
    void* memory = tarn::allocate(sizeof(Buffer));
    if (!memory) return nullptr;
    if (alignment < kSmallestAlignment) alignment = kSmallestAlignment;
    return ::new (memory) Buffer{{nullptr, 0, 0}, alignment, options};
}

void tarn_buffer_destroy(tarn_buffer* buffer) {
    if (!buffer) return;
    tarn::release(buffer->data);
    tarn::release(buffer);
}

size_t tarn_buffer_alignment(const tarn_buffer* buffer) {
    return static_cast<const Buffer*>(buffer)->alignment;
}

int tarn_buffer_reserve(tarn_buffer* buffer, size_t capacity) {
    return capacity <= buffer->capacity || set_capacity(whole(buffer), capacity) ? 0 : -1;
}

int tarn_buffer_resize(tarn_buffer* buffer, size_t size) {
    if (!grow(whole(buffer), size)) return -1;
    if (size > buffer->size) __builtin_memset(buffer->data + buffer->size, 0, size - buffer->size);
    set_size(*buffer, size);
    return 0;
}

int tarn_buffer_resize_uninitialized(tarn_buffer* buffer, size_t size) {
    if (!grow(whole(buffer), size)) return -1;
    set_size(*buffer, size);
    return 0;
}

void* tarn_buffer_extend(tarn_buffer* buffer, size_t count) {
    return extend(whole(buffer), count);
}

void tarn_buffer_truncate(tarn_buffer* buffer, size_t size) {
    if (size < buffer->size) set_size(*buffer, size);
}

void tarn_buffer_shrink_to_fit(tarn_buffer* buffer) {
    const int saved = errno;
    if (buffer->size > 0)
        set_capacity(whole(buffer), buffer->size);
    else
        tarn::release(detach(*buffer));
    errno = saved;
}

void tarn_buffer_swap(tarn_buffer* one, tarn_buffer* other) {
    const Buffer kept = whole(one);
    whole(one) = whole(other);
    whole(other) = kept;
}

void* tarn_buffer_detach(tarn_buffer* buffer) {
    return detach(*buffer);
}

int tarn_buffer_append_slow(tarn_buffer* buffer, const void* bytes, size_t count) {
    if (count == 0) return 0;
    // The contents may move, and the bytes with them.
    const size_t offset = reinterpret_cast<uintptr_t>(bytes) - reinterpret_cast<uintptr_t>(buffer->data);
    const bool own = buffer->data && offset < buffer->size;
    void* end = extend(whole(buffer), count);
    if (!end) return -1;
    __builtin_memcpy(end, own ? buffer->data + offset : bytes, count);
    return 0;
}
