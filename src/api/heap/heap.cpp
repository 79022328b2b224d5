// SPDX-License-Identifier: MIT
// tarn/heap.h: the fast paths, and the calls that consist of others.
//
//   allocate(n)  size -> class -> the current chunk's free list -> charged      serve: list empty, limit near
//   free(p)      chunk's header -> its free list -> uncharged                   free_slow: blocks, not mine
//
// A chunk that an object was freed into serves the next request of its class if it is dense: the object is in the
// processor's cache.
#include <errno.h>
#include <string.h>

#include <bit>
#include <new>

#include "api/heap/state.h"
#include "entry/entry.h"

using namespace tarn::user_heap;

namespace {

constexpr size_t kKeptByReset = 16;
constexpr uint32_t kFlags = TARN_HEAP_LOCKED | TARN_HEAP_CHECKED;
constexpr size_t kOptionsHead = offsetof(tarn_heap_options, quota);

// False and EINVAL: they make no sense.
bool read_options(const tarn_heap_options* given, size_t size, tarn_heap_options& options) {
    options = {};
    options.version = TARN_HEAP_VERSION;
    if (!given && size == 0) return true;
    if (given && size >= kOptionsHead) {
        memcpy(&options, given, size < sizeof options ? size : sizeof options);
        if (options.version == TARN_HEAP_VERSION && (options.flags & ~kFlags) == 0) return true;
    }
    errno = EINVAL;
    return false;
}

void initialise(tarn_heap& heap, const tarn_heap_options& options) {
    heap.locked = options.flags & TARN_HEAP_LOCKED;
    heap.checked = options.flags & TARN_HEAP_CHECKED;
    heap.quick = heap.locked || heap.checked ? 0 : kObjectBits;
    heap.quota = limit_from(options.quota);
    heap.reserve = options.reserve ? limit_from(options.reserve) : 0;
    heap.soft_limit = limit_from(options.soft_limit);
    heap.callback = options.callback;
    heap.user = options.user;
    for (Chunk*& current : heap.current)
        current = &empty_chunk;
    rearm_soft_limit(heap);
}

}  // namespace

tarn_heap* tarn_heap_create(const tarn_heap_options* given, size_t size) {
    tarn_heap_options options;
    if (!read_options(given, size, options)) return nullptr;
    void* const memory = tarn::allocate(sizeof(tarn_heap));
    if (!memory) return nullptr;
    claim_objects();
    count_chunks();
    auto* const heap = new (memory) tarn_heap{};
    initialise(*heap, options);
    heap->meter.list();
    if (fill_reserve(*heap)) return heap;
    tarn_heap_destroy(heap);
    errno = ENOMEM;
    return nullptr;
}

void tarn_heap_destroy(tarn_heap* heap) {
    if (!heap) return;
    drop_blocks(*heap);
    empty_all(*heap, 0);
    drop_reserve(*heap);
    heap->meter.unlist();
    tarn::release(heap);
}

void tarn_heap_reset(tarn_heap* heap) {
    HeapGuard guard(*heap);
    drop_blocks(*heap);
    empty_all(*heap, kKeptByReset);
    heap->headroom = heap->limit;
    heap->reserve_released = !fill_reserve(*heap);
    rearm_soft_limit(*heap);
}

size_t tarn_heap_trim(tarn_heap* heap) {
    HeapGuard guard(*heap);
    drop_empty(*heap, 0);
    return trim_chunks();
}

void tarn_heap_name(tarn_heap* heap, const char* name) {
    heap->name = name;
}

void* tarn_heap_allocate(tarn_heap* heap, size_t size) {
    if (size <= kObjectMax) [[likely]] {
        Chunk* const chunk = heap->current[class_for(size)];
        Free* const object = chunk->free;
        if (object) [[likely]] {
            const int64_t left = heap->headroom - chunk->size;
            if (left >= 0) [[likely]] {
                chunk->free = object->next;
                chunk->counts += kTaken;
                heap->headroom = left;
                if (left < heap->least) heap->least = left;
                return object;
            }
        }
    }
    return serve(*heap, {size, 16});
}

void* tarn_heap_allocate_zeroed(tarn_heap* heap, size_t count, size_t size) {
    size_t bytes;
    if (__builtin_mul_overflow(count, size, &bytes)) bytes = SIZE_MAX;
    void* const pointer = tarn_heap_allocate(heap, bytes);
    return pointer ? memset(pointer, 0, bytes) : nullptr;
}

void* tarn_heap_allocate_aligned(tarn_heap* heap, size_t alignment, size_t size) {
    if (!std::has_single_bit(alignment)) {
        errno = EINVAL;
        return nullptr;
    }
    return alignment <= 16 ? tarn_heap_allocate(heap, size) : serve(*heap, {size, alignment});
}

namespace {

[[gnu::noinline]] void free_slow(tarn_heap& heap, void* pointer) {
    if (!pointer) return;
    HeapGuard guard(heap);
    verify(heap, pointer);
    if (is_block(pointer))
        put_block(heap, pointer);
    else
        put_object(heap, *chunk_of(pointer), pointer);
    if (heap.headroom > heap.rearm) rearm_soft_limit(heap);
}

[[gnu::noinline]] void after_free(tarn_heap& heap, Chunk& chunk) {
    if (chunk.used() <= chunk.cold_at) chunk_changed(heap, chunk);
    if (heap.headroom > heap.rearm) rearm_soft_limit(heap);
}

size_t usable_of(const void* pointer) {
    return is_block(pointer) ? block_of(pointer)->usable : chunk_of(pointer)->size;
}

}  // namespace

void tarn_heap_free(tarn_heap* heap, void* pointer) {
    if (reinterpret_cast<uintptr_t>(pointer) & heap->quick) [[likely]] {
        Chunk* const chunk = chunk_of(pointer);
        if (chunk->owner == heap) [[likely]] {
            auto* const object = static_cast<Free*>(pointer);
            object->next = chunk->free;
            chunk->free = object;
            --chunk->counts;
            const int64_t left = heap->headroom += chunk->size;
            const bool dense = chunk->used() > chunk->dense_at;
            if (dense) *chunk->current = chunk;
            if ((!dense && chunk->used() <= chunk->cold_at) || left > heap->rearm) [[unlikely]]
                after_free(*heap, *chunk);
            return;
        }
    }
    free_slow(*heap, pointer);
}

size_t tarn_heap_usable_size(tarn_heap* heap, void* pointer) {
    if (!pointer) return 0;
    HeapGuard guard(*heap);
    verify(*heap, pointer);
    return usable_of(pointer);
}

namespace {

// The object at its place, or moved by the kernel; NULL: it must be copied.
void* resize_without_copy(tarn_heap& heap, void* pointer, size_t size, size_t& usable) {
    HeapGuard guard(heap);
    verify(heap, pointer);
    usable = usable_of(pointer);
    if (size <= usable && size >= usable / 2) return pointer;
    if (is_block(pointer)) return resize_block(heap, pointer, size);
    return size <= usable && class_for(size) == chunk_of(pointer)->class_index ? pointer : nullptr;
}

}  // namespace

void* tarn_heap_reallocate(tarn_heap* heap, void* pointer, size_t size) {
    if (!pointer) return tarn_heap_allocate(heap, size);
    if (size == 0) {
        tarn_heap_free(heap, pointer);
        return nullptr;
    }
    size_t usable;
    if (void* const same = resize_without_copy(*heap, pointer, size, usable)) return same;
    void* const copy = size <= usable ? serve_quietly(*heap, {size, 16}) : tarn_heap_allocate(heap, size);
    if (!copy) return size <= usable ? pointer : nullptr;
    memcpy(copy, pointer, size < usable ? size : usable);
    tarn_heap_free(heap, pointer);
    return copy;
}

void* tarn_heap_lua_allocate(void* heap, void* pointer, size_t, size_t size) {
    if (size == 0) {
        tarn_heap_free(static_cast<tarn_heap*>(heap), pointer);
        return nullptr;
    }
    return tarn_heap_reallocate(static_cast<tarn_heap*>(heap), pointer, size);
}
