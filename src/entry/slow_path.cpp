// SPDX-License-Identifier: MIT
// The slow ends. Every one begins by making sure that the thread has a cache, if it can have one.
#include "entry/slow_path.h"

#include <errno.h>
#include <string.h>

#include "backend/blocks.h"
#include "base/message.h"
#include "base/options.h"
#include "cache/thread_cache.h"
#include "entry/entry.h"
#include "entry/lifecycle.h"
#include "entry/misuse.h"
#include "entry/reclaim.h"
#include "stats/stats.h"
#include "stats/watch.h"

// libc's own, past our symbols; absent in static programs.
extern "C" [[gnu::weak]] void __libc_free(void*);

namespace tarn {

namespace {

constexpr size_t kSlabAlignmentMax = kUnitSize;  // slabs start on a unit

void* no_memory() {
    errno = ENOMEM;
    return nullptr;
}

class KeepErrno {
  public:
    KeepErrno() : saved_(errno) {}
    ~KeepErrno() { errno = saved_; }

  private:
    int saved_;
};

void* hand_out(Object* object) {
    object->next = nullptr;
    object->mark = 0;
    return object;
}

void watch_growth() {
    static constinit std::atomic<size_t> seen{0};
    const size_t end = __atomic_load_n(&page_table_end, __ATOMIC_RELAXED);
    if (seen.load(std::memory_order_relaxed) == end) [[likely]]
        return;
    seen.store(end, std::memory_order_relaxed);
    make_room_for_small();
}

// An object of this class, and whether it is all zero. Threads that may not have a cache take from the
// orphans.
Refill take_object(SizeClass c) {
    ThreadCache* cache = enter_thread();
    if (!cache) {
        const Batch batch = orphans.take_one(c);
        return {batch.first, batch.zeroed};
    }
    Bin& bin = cache->bins[c];
    Object* object = slot(bin, top(bin));
    if (!object) {
        const Refill refilled = refill(*cache, c);
        watch_growth();
        if (cache->watch && refilled.object) [[unlikely]]
            note_refill(*cache, c);
        return refilled;
    }
    // The thread has just got its cache, or the caller has no fast path.
    pops_top(bin) += kPop;
    if (cache->watch) [[unlikely]]
        note_object(*cache, c);
    return {object, false};
}

// No address space, or no memory for a slab: what lies free elsewhere comes first.
Refill take_or_reclaim(SizeClass c) {
    const Refill taken = take_object(c);
    return taken.object || !reclaim(kSizeClasses[c].size) ? taken : take_object(c);
}

// The block that a request got, if any.
void* asked_for(void* block) {
    if (!block) return no_memory();
    note_block();
    return block;
}

void* allocate_block_or_fail(size_t size, size_t alignment, Zero zero) {
    start();
    void* block = allocate_block(size, alignment, zero);
    if (!block && reclaim(size)) block = allocate_block(size, alignment, zero);
    return asked_for(block);
}

void* resize_block_or_fail(void* block, size_t size, size_t alignment) {
    return asked_for(resize_block(block, size, alignment));
}

// The class of the smallest objects that are all aligned; only for powers of two up to a unit.
SizeClass aligned_class(size_t alignment, size_t size) {
    SizeClass c = class_of_size(size < alignment ? alignment : size);
    while (kSizeClasses[c].size & (alignment - 1))
        ++c;
    return c;
}

// A pointer into no slab. False when it is not ours at all.
bool release_block(void* pointer) {
    switch (free_block(pointer)) {
        case BlockFree::kFreed:
            return true;
        case BlockFree::kAlreadyFreed:
            die(Fault::kDoubleFree, pointer, "a large block");
        case BlockFree::kUnknown:
            return false;
    }
    return false;
}

void release_foreign(void* pointer) {
    if (entry_at(pointer) == kBlockEntry) die(Fault::kInsideObject, pointer, "into a large block");
    if (in_window(pointer) || !__libc_free || !plausible_for_libc(pointer)) {
        if (inside_block(pointer)) die(Fault::kInsideObject, pointer, "into a large block");
        die_never_handed_out(pointer);
    }
    count_foreign_free();
    __libc_free(pointer);
}

void release_object(void* pointer) {
    ThreadCache* cache = enter_thread_to_free();
    Slab& slab = *slab_of(pointer);
    check_object(slab, pointer);
    const HeapId owner = slab.owner.load(std::memory_order_acquire);
    if (owner == kNoHeap) die_never_handed_out(pointer);  // released meanwhile: a second free, racing
    Object* object = static_cast<Object*>(pointer);
    const uintptr_t mark = heap_of(owner)->mark(slab.size_class, object);
    if ((kDoubleFreeCheck || options.hardened) && object->mark == mark) check_marked(cache, slab, object);
    object->mark = mark;
    if (cache && options.hardened && owner == cache->heap.id()) check_not_just_freed(*cache, slab, object);
    if (cache && owner == cache->heap.id())
        return give_past_bin(*cache, cache->bins[slab.size_class], slab, object);
    if (cache) {
        cache->heap.counters(slab.size_class).remote_frees += 1;
    } else {
        Guard guard(orphans.lock);
        orphans.heap.counters(slab.size_class).remote_frees += 1;
    }
    free_remote(slab, object, cache ? &cache->heap : nullptr);
}

}  // namespace

void* allocate_slow(size_t size) {
    if (size <= kSmallMax) {
        const Refill taken = take_or_reclaim(class_of_size(size));
        // Else a block of the backend may still be had.
        if (taken.object) return hand_out(taken.object);
    }
    return allocate_block_or_fail(size, kAlignment, Zero::kNo);
}

void* allocate_zeroed(size_t count, size_t size) {
    size_t bytes;
    if (__builtin_mul_overflow(count, size, &bytes)) return no_memory();
    if (bytes > kSmallMax) return allocate_block_or_fail(bytes, kAlignment, Zero::kYes);
    const Refill taken = take_or_reclaim(class_of_size(bytes));
    if (!taken.object) return allocate_block_or_fail(bytes, kAlignment, Zero::kYes);
    return taken.zeroed ? hand_out(taken.object) : memset(taken.object, 0, bytes < 16 ? 16 : bytes);
}

void* allocate_aligned(size_t alignment, size_t size) {
    if (alignment <= kAlignment && size <= kSmallMax) {
        const Refill taken = take_or_reclaim(class_of_size(size));
        if (taken.object) return hand_out(taken.object);
    } else if (alignment <= kSlabAlignmentMax && size <= kSmallMax) {
        const Refill taken = take_or_reclaim(aligned_class(alignment, size));
        if (taken.object) return hand_out(taken.object);
    }
    return allocate_block_or_fail(size, alignment < kAlignment ? kAlignment : alignment, Zero::kNo);
}

size_t aligned_size(size_t alignment, size_t size) {
    const bool small = alignment <= kSlabAlignmentMax && size <= kSmallMax;
    return small ? kSizeClasses[aligned_class(alignment, size)].size : size;
}

// Nothing in these two touches errno.
void release_full(void* pointer, Bin& bin) noexcept {
    Slab* const slab = slab_of_object(pointer);
    Object* const object = static_cast<Object*>(pointer);
    const uintptr_t mark = mark_of(bin, object);
    if (!slab || object->mark == mark || options.hardened) [[unlikely]]
        return release_cold(pointer);
    ThreadCache& cache = cache_with(bin);
    object->mark = mark;
    give_past_bin(cache, bin, *slab, object);
}

void release_elsewhere(void* pointer, Bin& bin) noexcept {
    ThreadCache* const cache = current_cache;
    // Only a slab of a thread has its bin below the table.
    if (reinterpret_cast<char*>(&bin) >= page_table || !has_cache(cache) || options.hardened)
        return release_cold(pointer);
    Slab* const slab = slab_of_object(pointer);
    Object* const object = static_cast<Object*>(pointer);
    const uintptr_t mark = mark_of(bin, object);
    if (!slab || object->mark == mark) [[unlikely]]
        return release_cold(pointer);
    object->mark = mark;
    cache->heap.counters(slab->size_class).remote_frees += 1;
    cache->outgoing.add(*slab, object);
}

void release_slow(void* pointer) noexcept {
    const Entry entry = entry_at(pointer);
    if (entry >= 0) return release_cold(pointer);
    Bin& bin = bin_at(entry);
    const uintptr_t owner = __atomic_load_n(&bin.owner, __ATOMIC_RELAXED);
    owner == thread_pointer() ? release_full(pointer, bin) : release_elsewhere(pointer, bin);
}

void release_cold(void* pointer) noexcept {
    if (!pointer) return;
    KeepErrno keep;
    if (is_slab_entry(entry_at(pointer))) return release_object(pointer);
    start();
    if (!release_block(pointer)) release_foreign(pointer);
}

void check_size(void* pointer, size_t alignment, size_t size) noexcept {
    if (!pointer) return;
    const size_t usable = usable_size(pointer);
    if (usable == 0) return;  // nobody's: the free itself says so
    if (size > usable) die(Fault::kWrongSize, pointer, "freed as larger than its", usable, "bytes");
    // Half of it may be unused: realloc shrinks in place, and blocks are rounded up.
    if (size >= usable / 2) return;
    // A block may be far larger than what was asked for: it has room to grow, or was found ready.
    constexpr size_t kNoBlock = 1024;
    constexpr size_t kClearlyBlock = size_t{128} << 10;
    const bool fits = usable > kSmallMax
                          ? size > kNoBlock || usable < kClearlyBlock || alignment > kSlabAlignmentMax
                          : kSizeClasses[aligned_class(alignment, size)].size == usable;
    if (!fits) die(Fault::kWrongSize, pointer, "freed as less than half of its", usable, "bytes");
}

namespace {

// What libc's malloc_usable_size says of a chunk of its own; 0 of what cannot be one.
size_t libc_size(const void* pointer) {
    constexpr size_t kSmallestChunk = 32;
    if (!__libc_free || in_window(pointer) || !plausible_for_libc(pointer)) return 0;
    const size_t word = *(static_cast<const size_t*>(pointer) - 1);
    const size_t chunk = word & ~size_t{7};
    return chunk < kSmallestChunk ? 0 : chunk - ((word & 2) ? 16 : 8);
}

}  // namespace

// Of what is nobody's a program may ask, as one with a malloc of its own does: 0.
size_t usable_size(void* pointer) {
    if (!pointer) return 0;
    if (is_slab_entry(entry_at(pointer))) {
        const Slab& slab = *slab_of(pointer);
        if (!slab.is_object(pointer)) check_object(slab, pointer);
        return slab.info().size;
    }
    const size_t size = block_size(pointer);
    return size ? size : libc_size(pointer);
}

namespace {

void* reallocate_by_copy(void* pointer, size_t old_size, size_t size, size_t alignment = kAlignment) {
    void* moved = alignment <= kAlignment ? allocate(size) : allocate_aligned(alignment, size);
    if (!moved) return nullptr;
    memcpy(moved, pointer, old_size < size ? old_size : size);
    release(pointer);
    return moved;
}

void* reallocate_foreign(void* pointer, size_t size) {
    const size_t old_size = libc_size(pointer);
    if (old_size == 0) die_never_handed_out(pointer);
    void* moved = allocate_aligned(kAlignment, size);
    if (!moved) return nullptr;
    memcpy(moved, pointer, old_size < size ? old_size : size);
    count_foreign_free();
    __libc_free(pointer);
    return moved;
}

}  // namespace

void* reallocate(void* pointer, size_t size) {
    if (!pointer) return allocate(size);
    if (size == 0) {
        release_cold(pointer);
        return nullptr;
    }
    if (is_slab_entry(entry_at(pointer))) {
        const Slab& slab = *slab_of(pointer);
        const size_t old_size = slab.info().size;
        if (!slab.is_object(pointer)) check_object(slab, pointer);
        // In place while at least half of the object stays in use.
        if (size <= old_size && size >= old_size / 2) return pointer;
        if (size <= kSmallMax && class_of_size(size) == slab.size_class) return pointer;
        return reallocate_by_copy(pointer, old_size, size);
    }
    const size_t old_size = block_size(pointer);
    if (old_size == 0) return reallocate_foreign(pointer, size);
    if (size <= kSmallMax) return reallocate_by_copy(pointer, old_size, size);
    return resize_block_or_fail(pointer, size, kAlignment);
}

void* reallocate_aligned(void* pointer, size_t alignment, size_t used, size_t size) {
    const size_t old_size = usable_size(pointer);
    if (old_size > kSmallMax && size > kSmallMax) return resize_block_or_fail(pointer, size, alignment);
    if (size <= old_size && size >= old_size / 2) return pointer;
    return reallocate_by_copy(pointer, used < old_size ? used : old_size, size, alignment);
}

}  // namespace tarn
