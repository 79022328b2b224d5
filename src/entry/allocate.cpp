// SPDX-License-Identifier: MIT
#include "entry/allocate.h"

#include <string.h>

#include "base/at_start.h"
#include "cache/bins.h"
#include "cache/collect.h"
#include "cache/hardened.h"
#include "entry/entry.h"
#include "entry/large.h"
#include "hardened/hardened.h"
#include "heap/orphans.h"
#include "mixed/mixed.h"
#include "process/reclaim.h"
#include "process/start.h"
#include "process/thread.h"
#include "stats/peak.h"

namespace tarn {

namespace {

void* hand_out(Object* object) {
    object->next = nullptr;
    object->mark = 0;
    return object;
}

TARN_WRITTEN_AT_START constinit std::atomic<uint32_t> seen_growths{0}, seen_takes{0};

// What lies free elsewhere would stand beside what small objects are about to touch: a little at a time of what other
// threads keep; every second time, what `map` keeps.
void use_what_there_is() {
    const uint32_t now = growths.load(std::memory_order_relaxed);
    if (seen_growths.load(std::memory_order_relaxed) == now) return;
    seen_growths.store(now, std::memory_order_relaxed);
    collect_some();
    if (now % 2 == 0) make_room_for_small();
}

[[gnu::cold, gnu::noinline]] void note_takes() {
    seen_takes.store(run_takes.load(std::memory_order_relaxed), std::memory_order_relaxed);
    note_footprint();
    use_what_there_is();
}

void note_growth() {
    if (seen_takes.load(std::memory_order_relaxed) != run_takes.load(std::memory_order_relaxed)) [[unlikely]]
        note_takes();
}

// Whether there are as many bytes yet before the one that the profiler waits for.
[[gnu::always_inline]] inline bool counts_down(ThreadCache& cache, size_t bytes) {
    const int64_t left = cache.untold - static_cast<int64_t>(bytes);
    if (left <= 0) [[unlikely]]
        return false;
    cache.untold = left;
    return true;
}

// Whether the observers let an object of this class pass untold. It counts then.
[[gnu::always_inline]] inline bool passes(ThreadCache& cache, SizeClass c) {
    const uint32_t who = cache.observing & kSeePops;
    return who == kProfileAlone ? counts_down(cache, kSizeClasses[c].size) : !who;
}

// As the fast path; NULL when that cannot serve it, as in a thread without a cache, or an observer is to be told.
template <class Passes>
[[gnu::always_inline]] inline Object* pop_if(Bin& bin, Passes passes) {
    Object* const object = slot(bin, top(bin));
    if (!object || !passes()) return nullptr;
    pops_top(bin) += kPop;
    if constexpr (kDoubleFreeCheck) object->mark = 0;
    return object;
}

// The fast path while the profiler samples. The sizes are below counted_end.
[[gnu::always_inline]] inline Object* pop_counted(ThreadCache& cache, size_t size) {
    Bin& bin = bin_for(cache, size);
    return pop_if(bin, [&] { return counts_down(cache, bin.bytes); });
}

// More than the usual alignment is asked for seldom, and has functions of its own.
enum class Aligned : bool { kUsual, kMore };
template <Aligned kAligned>
Refill take_again(SizeClass c, size_t alignment);

// Its first few objects a thread takes before it has a cache. One that may not have a cache any more takes from the
// orphans.
template <Aligned kAligned>
[[gnu::cold, gnu::noinline]] Refill take_without_cache(SizeClass c, size_t alignment) {
    if (kAligned == Aligned::kUsual && mixed::few(c) > 0 && takes_first_few()) {
        if (const mixed::Taken taken = mixed::take(c, mixed::Count::kHere); taken.object)
            return {taken.object, false};
    }
    if (enter_thread()) return take_again<kAligned>(c, alignment);
    const Batch batch = orphans.take_one(c);
    return {batch.first, batch.zeroed};
}

// What the observers leave of it.
[[gnu::cold, gnu::noinline]] Refill told(ThreadCache& cache, SizeClass c, Popped popped,
                                         void (*tell)(ThreadCache&, SizeClass, Popped&)) {
    tell(cache, c, popped);
    return {popped.object, popped.zeroed};
}

// As take_object, while the guard sees each allocation: it is to know what was asked for. NULL: nothing at once.
[[gnu::cold, gnu::noinline]] Refill take_seen(ThreadCache& cache, SizeClass c, size_t size) {
    Bin& bin = cache.bins[c];
    if (Object* const object = slot(bin, top(bin))) {
        pops_top(bin) += kPop;
        return told(cache, c, {object, false, kAlignment, size}, tell_popped);
    }
    const Refill refilled = refill(cache, c);
    note_growth();
    if (!refilled.object) return {};
    return told(cache, c, {refilled.object, refilled.zeroed, kAlignment, size}, tell_refilled);
}
[[gnu::always_inline]] inline bool seen_by_guard(const ThreadCache& cache) {
    return cache.observing & observer_bit(ObserverSlot::kGuard);
}

// An object of this class, and whether it is all zero. Mixed slabs do not know more than the usual alignment.
template <Aligned kAligned>
[[gnu::always_inline]] inline Refill take_object(ThreadCache* cache, SizeClass c, size_t alignment) {
    if constexpr (kAligned == Aligned::kUsual) alignment = kAlignment;
    if (!has_cache(cache)) [[unlikely]]
        return take_without_cache<kAligned>(c, alignment);
    Bin& bin = cache->bins[c];
    Object* object = slot(bin, top(bin));
    if (!object) {
        if constexpr (kAligned == Aligned::kUsual)
            if (Object* const few = take_first_few(*cache, c)) return {few, false};
        const Refill refilled = refill(*cache, c);
        note_growth();
        if (cache->observing && refilled.object && !passes_record(*cache, kWorkOfBin)) [[unlikely]]
            return told(*cache, c, {refilled.object, refilled.zeroed, alignment}, tell_refilled);
        return refilled;
    }
    // The thread has just got its cache, or the caller has no fast path.
    pops_top(bin) += kPop;
    if (!passes(*cache, c)) [[unlikely]]
        return told(*cache, c, {object, false, alignment}, tell_popped);
    return {object, false};
}

template <Aligned kAligned>
[[gnu::cold, gnu::noinline]] Refill take_again(SizeClass c, size_t alignment) {
    return take_object<kAligned>(current_cache, c, alignment);
}

// No address space, or no memory for a slab: what lies free elsewhere comes first.
template <Aligned kAligned = Aligned::kUsual>
[[gnu::noinline]] Refill take_or_reclaim(ThreadCache* cache, SizeClass c, size_t alignment = kAlignment) {
    const Refill taken = take_object<kAligned>(cache, c, alignment);
    return taken.object || !reclaim(kSizeClasses[c].size) ? taken : take_again<kAligned>(c, alignment);
}

// The class of the smallest objects that are all aligned; only for powers of two up to a unit.
SizeClass aligned_class(size_t alignment, size_t size) {
    SizeClass c = class_of_size(size < alignment ? alignment : size);
    while (kSizeClasses[c].size & (alignment - 1))
        ++c;
    return c;
}

}  // namespace

namespace {

// As if its bin had been filled with it and it had been popped.
void count_taken(ThreadCache& cache, SizeClass c, const hardened::Taken& taken) {
    ClassCounters& counters = cache.heap.counters(c);
    counters.filled += 1;
    counters.fresh += taken.fresh;
    cache.tops[c].pops_top += kPop - kSlot;
}

void* take_hardened(size_t size, size_t alignment, hardened::Form form) {
    ThreadCache* const cache = enter_thread();
    const hardened::Taken taken =
        hardened::take(size, alignment, form, cache ? hardened::Count::kNot : hardened::Count::kHere);
    if (!taken.object || !cache) return taken.object;
    const SizeClass c = class_of_size(size);
    count_taken(*cache, c, taken);
    if (taken.grew) note_growth();
    if (!cache->observing) [[likely]]
        return taken.object;
    const Refill left = told(*cache, c, {static_cast<Object*>(taken.object), true, alignment}, tell_refilled);
    return left.object == taken.object ? left.object : memset(left.object, 0, kSizeClasses[c].size);
}

}  // namespace

void* allocate_hardened(size_t size, size_t alignment, hardened::Form form) {
    if (size <= kSmallMax) {
        void* object = take_hardened(size, alignment, form);
        if (!object && reclaim(size)) object = take_hardened(size, alignment, form);
        if (object) return object;
    }
    void* const block = allocate_large(size, alignment, Zero::kYes);
    if (block) set_block_note(block, static_cast<unsigned>(form));
    return block;
}

namespace {

[[gnu::noinline]] void* allocate_slower(size_t size) {
    if (hardened::serves()) [[unlikely]]
        return allocate_hardened(size, kAlignment, hardened::Form::kMalloc);
    if (size <= kSmallMax) {
        ThreadCache* const cache = current_cache;
        const SizeClass c = class_of_size(size);
        if (seen_by_guard(*cache) && size >= cache->fast_end) [[unlikely]]
            if (const Refill seen = take_seen(*cache, c, size); seen.object) return hand_out(seen.object);
        const Refill taken = take_or_reclaim(cache, c);
        // Else a block of the backend may still be had.
        if (taken.object) return hand_out(taken.object);
    }
    return allocate_large(size, kAlignment, Zero::kNo);
}

}  // namespace

// A leaf where the bin has an object: while each one is sampled or looked at, all requests come here.
void* allocate_slow(size_t size) {
    ThreadCache* const cache = current_cache;
    if (size < cache->counted_end) {
        Object* const object = pop_counted(*cache, size);
        return object ? object : allocate_slower(size);
    }
    // No entry in by_size, or no fast path.
    if (size < cache->fast_end || size > kSmallMax || hardened::serves()) return allocate_slower(size);
    const SizeClass c = class_of_size(size);
    Object* const object = pop_if(cache->bins[c], [&] { return passes(*cache, c); });
    return object ? object : allocate_slower(size);
}

void* allocate_zeroed(size_t count, size_t size) {
    size_t bytes;
    if (__builtin_mul_overflow(count, size, &bytes)) return no_memory();
    ThreadCache* const cache = current_cache;
    if (bytes < cache->counted_end)
        if (Object* const object = pop_counted(*cache, bytes))
            return memset(object, 0, bytes < 16 ? 16 : bytes);
    if (hardened::serves()) [[unlikely]]
        return allocate_hardened(bytes, kAlignment, hardened::Form::kMalloc);
    if (bytes > kSmallMax) return allocate_large(bytes, kAlignment, Zero::kYes);
    const SizeClass c = class_of_size(bytes);
    Refill taken;
    if (seen_by_guard(*cache)) [[unlikely]]
        taken = take_seen(*cache, c, bytes);
    if (!taken.object) taken = take_or_reclaim(cache, c);
    if (!taken.object) return allocate_large(bytes, kAlignment, Zero::kYes);
    return taken.zeroed ? hand_out(taken.object) : memset(taken.object, 0, bytes < 16 ? 16 : bytes);
}

namespace {

[[gnu::noinline]] void* allocate_aligned_slow(size_t alignment, size_t size) {
    if (hardened::serves()) [[unlikely]]
        return allocate_hardened(size, alignment < kAlignment ? kAlignment : alignment,
                                 hardened::Form::kMalloc);
    if (alignment <= kAlignment && size <= kSmallMax) {
        const Refill taken = take_or_reclaim(current_cache, class_of_size(size));
        if (taken.object) return hand_out(taken.object);
    } else if (alignment <= kSlabAlignmentMax && size <= kSmallMax) {
        const Refill taken =
            take_or_reclaim<Aligned::kMore>(current_cache, aligned_class(alignment, size), alignment);
        if (taken.object) return hand_out(taken.object);
    }
    return allocate_large(size, alignment < kAlignment ? kAlignment : alignment, Zero::kNo);
}

}  // namespace

// A leaf where the bin has an object, as allocate_slow.
void* allocate_aligned(size_t alignment, size_t size) {
    if (void* const object = allocate_aligned_fast(alignment, size)) return object;
    ThreadCache* const cache = current_cache;
    const size_t multiple = to_multiple(alignment, size);
    if (multiple != 0 && multiple < cache->counted_end)
        if (Object* const object = pop_counted(*cache, multiple)) return object;
    return allocate_aligned_slow(alignment, size);
}

size_t aligned_size(size_t alignment, size_t size) {
    const bool small = alignment <= kSlabAlignmentMax && size <= kSmallMax;
    return small ? kSizeClasses[aligned_class(alignment, size)].size : size;
}

}  // namespace tarn
