// SPDX-License-Identifier: MIT
#include "entry/misuse.h"

#include "base/message.h"
#include "base/os.h"
#include "cache/thread_cache.h"

namespace tarn {

namespace {

bool on_list(const Object* head, const Object* object, size_t steps = SIZE_MAX) {
    for (; head && steps > 0; head = head->next, --steps)
        if (head == object) return true;
    return false;
}

[[noreturn]] void die_free_twice(const Slab& slab, const Object* object) {
    die(Fault::kDoubleFree, object, "an object of", slab.info().size, "bytes");
}

}  // namespace

void check_object(const Slab& slab, const void* p) {
    if (slab.is_object(p)) return;
    const size_t offset = static_cast<size_t>(static_cast<const char*>(p) - slab.begin());
    if (index_in_slab(slab.info(), offset) >= slab.carved()) die_never_handed_out(p);
    die(Fault::kInsideObject, p, "into one of", slab.info().size, "bytes");
}

void check_marked(ThreadCache* cache, Slab& slab, Object* object) {
    if (!cache || slab.owner.load(std::memory_order_relaxed) != cache->heap.id())
        die_free_twice(slab, object);  // its lists cannot be walked; but the value is of this very address
    const HeapGuard guard(cache->heap);
    if (on_list(slab.free, object) || in_bin(*cache, slab.size_class, object) || remote_count(slab) > 0)
        die_free_twice(slab, object);
    object->mark = 0;
}

void check_not_just_freed(ThreadCache& cache, Slab& slab, Object* object) {
    constexpr size_t kSteps = 64;
    const HeapGuard guard(cache.heap);
    if (on_list(slab.free, object, kSteps)) die_free_twice(slab, object);
}

namespace {

// The record of a slab that was released stays as it was until its units are used again.
bool was_object(const void* p) {
    if (!in_window(p) || entry_at(p) != 0) return false;
    const size_t unit = unit_of(p) % kWindowUnits;
    const Slab* any = static_cast<Slab*>(record_at(p));
    if (unit < kHeaderUnits || any->behind > unit - kHeaderUnits) return false;
    const Slab& slab = *slab_of(p);
    return slab.state == SlabState::kNone && slab.behind == 0 && slab.size_class < kClasses &&
           unit_of(p) - slab.first_unit() < slab.info().units && slab.index_of(p) < slab.carved();
}

}  // namespace

void die_never_handed_out(const void* p) {
    if (was_object(p)) die(Fault::kDoubleFree, p, "in a slab that is empty by now");
    die(Fault::kNeverHandedOut, p);
}

// The header of a glibc chunk: size and three flags in the word before the block. 1 = previous in use,
// 2 = mapped by itself, 4 = not of the main arena (glibc, malloc/malloc.c, "malloc_chunk").
bool plausible_for_libc(const void* p) {
    const uintptr_t at = reinterpret_cast<uintptr_t>(p);
    if (at % kAlignment != 0 || at < os::kPageSize) return false;
    const char* const header = static_cast<const char*>(p) - 16;
    if (!os::readable(header, 16)) return false;
    const size_t previous = *reinterpret_cast<const size_t*>(header);
    const size_t word = *reinterpret_cast<const size_t*>(header + 8);
    const size_t size = word & ~size_t{7};
    if (word & 2)
        return (at - 16 - previous) % os::page_size() == 0 && (size + previous) % os::page_size() == 0;
    if (size < 32 || size % 16 != 0 || (word & 8)) return false;
    // The next chunk must be there and look like one.
    const char* const next = header + size;
    if (!os::readable(next + 8, 8)) return false;
    const size_t next_word = *reinterpret_cast<const size_t*>(next + 8);
    return (next_word & 1) && (next_word & ~size_t{7}) >= 16;
}

}  // namespace tarn
