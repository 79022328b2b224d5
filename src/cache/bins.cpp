// SPDX-License-Identifier: MIT
#include "cache/bins.h"

#include "base/expect.h"
#include "cache/collect.h"
#include "cache/hardened.h"
#include "cache/sound.h"
#include "hardened/hardened.h"
#include "heap/orphans.h"
#include "mixed/mixed.h"
#include "os/os.h"

namespace tarn {

namespace {

constexpr size_t kDrainedWhole = 16;  // a bin of so few keeps nothing when it overflows
constexpr size_t kFewBytes = 4096;
constexpr uint32_t kSendEvery = 32;   // refills: what waits for other heaps does not wait for long
constexpr uint32_t kShedEvery = 256;  // likewise
static_assert(kShedEvery % kSendEvery == 0);

}  // namespace

void set_slots(Bin& bin, Object** end) {
    bin.low = static_cast<uint16_t>(reinterpret_cast<char*>(end) - reinterpret_cast<char*>(&bin));
    __atomic_store_n(&bin.end, bin.low, __ATOMIC_RELAXED);  // statistics read it
    set_top(bin, bin.end);
}

void set_limit(Bin& bin, size_t limit) {
    if (limit > bin.room) limit = bin.room;
    bin.low = static_cast<uint16_t>(bin.end - limit * kSlot);
}

namespace {

using TwoSlots __attribute__((vector_size(2 * sizeof(uintptr_t)), aligned(sizeof(uintptr_t)), may_alias)) =
    uintptr_t;

// The `count` slots before `end` move up by so many. (Not memmove, which would have to be bound at every start.)
void move_up(Object** end, size_t count, size_t by) {
    for (; count > 1; count -= 2, end -= 2)
        *reinterpret_cast<volatile TwoSlots*>(end - 2 + by) = *reinterpret_cast<TwoSlots*>(end - 2);
    if (count) end[by - 1] = end[-1];
}

// The objects move up to where others have taken some. With the lock of the heap held.
[[gnu::cold, gnu::noinline]] void close_the_gap(ThreadCache& cache, SizeClass c) {
    Bin& bin = cache.bins[c];
    const size_t held = objects_in(bin), gap = bin.taken * kSlot;
    move_up(&slot(bin, top(bin)) + held, held, bin.taken);
    bin.taken = 0;
    pops_top(bin) += gap;
    expect_none(&bin, [&] { return fault_of_bin(cache, c); });
}
[[gnu::always_inline]] inline void close_gap(ThreadCache& cache, SizeClass c) {
    if (cache.bins[c].taken) [[unlikely]]
        close_the_gap(cache, c);
}

// Gives `many` objects back to their slabs, those that were freed longest ago.
void drain_bin(ThreadCache& cache, SizeClass c, size_t many) {
    Bin& bin = cache.bins[c];
    const SizeClassInfo& info = kSizeClasses[c];
    Object** const end = &slot(bin, bin.end);
    const size_t slab_bytes = info.units.bytes();
    // Neighbours are often of one slab, and go there together.
    for (Object** at = end - many; at < end;) {
        Object* const last = *at;
        Slab* const slab = slab_of_object(last, info);
        if (!slab) [[unlikely]]
            die(Fault::kInsideObject, last, "into one of", info.size, "bytes");
        Object* first = last;
        Object** const begin = at;
        if (++at < end && are_near(*at, last, slab_bytes)) {
            const CarvedObjects objects(*slab, info);
            do {
                Object* const object = *at;
                if (!objects.has(object)) break;
                object->next = first;
                first = object;
            } while (++at < end);
        }
        const auto count = static_cast<uint32_t>(at - begin);
        cache.heap.give(*slab, first, last, count);
    }
    const size_t kept = objects_in(bin) - many;
    move_up(end - many, kept, many);
    pops_top(bin) += many * kSlot;
    expect(&bin, "a bin that kept another number of objects", [&] { return objects_in(bin) == kept; });
    cache.heap.counters(c).flushed += many;
}

void flush_bin(ThreadCache& cache, SizeClass c) {
    close_gap(cache, c);
    if (const size_t held = objects_in(cache.bins[c])) drain_bin(cache, c, held);
}

// The same at the end of a thread; the next one takes less at a time of what this one did not use up.
void end_bin(ThreadCache& cache, SizeClass c) {
    close_gap(cache, c);
    stop_thinning(cache, c);
    const size_t held = objects_in(cache.bins[c]);
    if (held == 0) return;
    drain_bin(cache, c, held);
    uint8_t& batch = cache.tops[c].batch;
    if (2 * held > batch && batch > kFirstBatch) batch /= 2;
}

}  // namespace

void end_bins(ThreadCache& cache) {
    for (SizeClass c = 0; c < kClasses; ++c)
        end_bin(cache, c);
}

namespace {

// As if the bin had been filled with it and it had been popped. With the heap's lock held.
void count_mixed(ThreadCache& cache, SizeClass c, const mixed::Taken& taken) {
    ClassCounters& counters = cache.heap.counters(c);
    counters.filled += 1;
    counters.fresh += taken.fresh;
    cache.tops[c].pops_top += kPop - kSlot;
}

}  // namespace

Object* take_mixed(ThreadCache& cache, SizeClass c) {
    BinTop& tops = cache.tops[c];
    if (hardened::keeps_bins_empty()) return nullptr;
    const uint32_t who = cache.observing & kSeePops;
    const int64_t left = cache.untold - static_cast<int64_t>(kSizeClasses[c].size);
    if (who && (who != kProfileAlone || left <= 0)) return nullptr;  // somebody is to be told of it
    const HeapGuard guard(cache.heap);
    const mixed::Taken taken = mixed::take(c);
    if (!taken.object) return nullptr;
    if (who) cache.untold = left;
    --tops.few;
    count_mixed(cache, c, taken);
    return taken.object;
}

namespace {

// The bin ran empty. Where there are many threads, of which few are at work, each keeps less at hand.
[[gnu::cold, gnu::noinline]] void widen(Bin& bin, size_t limit) {
    const uint32_t holders = orphans.holders.load(std::memory_order_relaxed);
    const size_t most = holders < 16 ? bin.room : holders < 64 ? bin.room / 2 : bin.room / 4;
    if (limit < most) set_limit(bin, 2 * limit < most ? 2 * limit : most);
}

// An empty bin moves to where it has room for all that it may hold.
[[gnu::cold, gnu::noinline]] void use_own_slots(ThreadCache& cache, SizeClass c) {
    Bin& bin = cache.bins[c];
    const size_t limit = limit_of(bin);
    set_slots(bin, cache.slots + kSlotEnds[c] - 1);
    set_limit(bin, limit);
    top_of(bin).own_slots = true;
}

// What one thread has no use for another may need: without this each would keep the most that it ever used of a class.
[[gnu::cold, gnu::noinline]] void shed(ThreadCache& cache) {
    if (orphans.holders.load(std::memory_order_relaxed) < 2) return;
    for (SizeClass c = 0; c < kClasses; ++c) {
        if (!cache.heap.has_to_spare(c)) continue;
        flush_bin(cache, c);
        cache.heap.shed(c);
    }
}

}  // namespace

Refill refill(ThreadCache& cache, SizeClass c) {
    Bin& bin = cache.bins[c];
    const HeapGuard guard(cache.heap);
    close_gap(cache, c);
    if (const size_t held = objects_in(bin)) {  // it only looked empty while others were at it (collect.cpp)
        Object* const object = slot(bin, bin.end - held * kSlot);
        pops_top(bin) += kPop;
        return {object, false};
    }
    if (++cache.refills % kSendEvery == 0) {
        cache.outgoing.send_all();
        if (cache.refills % kShedEvery == 0) shed(cache);
    }
    BinTop& tops = top_of(bin);
    const size_t limit = limit_of(bin);
    if (!tops.own_slots && (limit || tops.batch > kFirstSlots)) [[unlikely]]
        use_own_slots(cache, c);
    const Batch batch = cache.heap.take(c, &slot(bin, bin.end), tops.batch);
    if (batch.count == 0) return {};
    tops.batch = static_cast<uint8_t>(2 * tops.batch < bin.room ? 2 * tops.batch : bin.room);
    if (limit && limit < bin.room) widen(bin, limit);
    // The first free past a bin without limit gives it one.
    if (!tops.thinning) tops.overflows = limit ? 0 : kOverflowsMost - 1;
    tops.refilled = true;
    pops_top(bin) -= batch.count * kSlot;
    pops_top(bin) += kPop;
    expect_none(&bin, [&] { return fault_of_bin(cache, c); });
    return {batch.first, batch.zeroed};
}

namespace {

// What a bin that is full most of the time holds, until it gives all of it back together: that costs half of what one by one
// does. No more than fills a page; in how many slabs it lies nobody knows.
size_t few_of(const BinTop& top, SizeClass c) {
    const size_t few = top.own_slots ? kDrainedWhole : kFirstLimit;
    return few * kSizeClasses[c].size <= kFewBytes ? few : 0;
}

// The bin has been full for long: what it holds keeps slabs from becoming empty.
void shrink_limit(ThreadCache& cache, SizeClass c) {
    Bin& bin = cache.bins[c];
    BinTop& top = cache.tops[c];
    const size_t limit = limit_of(bin);
    if (limit == 0)
        set_limit(bin, top.refilled ? kFirstLimit : 0);
    else
        set_limit(bin, limit / 2 > few_of(top, c) ? limit / 2 : few_of(top, c));
    if (objects_in(bin) > limit_of(bin)) drain_bin(cache, c, objects_in(bin) - limit_of(bin));
    top.refilled = false;
    top.overflows = 0;
}

// Whether the bin was drained.
bool push_or_give(ThreadCache& cache, Bin& bin, Slab& slab, Object* object) {
    const HeapGuard guard(cache.heap);
    const SizeClass c = slab.size_class;
    close_gap(cache, c);
    BinTop& tops = top_of(bin);
    if (tops.overflows >= kOverflowsMost && !hardened::keeps_bins_empty() && !thins_on(cache, c))
        shrink_limit(cache, c);
    const size_t limit = limit_of(bin);
    if (limit < kFirstLimit) {
        count_direct_free(tops);
        cache.heap.give(slab, object);
        return false;
    }
    bool drained = false;
    // Most of it at once is cheaper than one by one. It may just have got its first limit, and have room.
    const size_t kept = limit > kDrainedWhole ? limit / 4 : 0;
    if (const size_t held = objects_in(bin); held >= limit) {
        // Where much is freed without a refill in between, its slabs come empty anyway.
        const bool thins = tops.overflows == 0 && begins_to_thin(cache, c);
        drain_bin(cache, c, thins ? held : held - kept);
        drained = true;
        if (thins) {
            set_limit(bin, 0);
            count_direct_free(tops);
            cache.heap.give(slab, object);
            return true;
        }
        tops.overflows += static_cast<uint32_t>(held - kept);
    }
    slot(bin, top(bin) - kSlot) = object;
    pops_top(bin) -= kSlot;
    expect_none(&bin, [&] { return fault_of_bin(cache, c); });
    return drained;
}

}  // namespace

namespace {

constinit std::atomic<uint32_t> seen_shrinkings{0};

// The process becomes smaller: those that rest by now may keep what others had to have beside it.
[[gnu::cold, gnu::noinline]] void note_shrinking() {
    seen_shrinkings.store(shrinkings.load(std::memory_order_relaxed), std::memory_order_relaxed);
    if (has_many_threads()) collect_some();
}

}  // namespace

void overflow(ThreadCache& cache, Bin& bin, Slab& slab, Object* object) {
    const SizeClass c = slab.size_class;
    if (seen_shrinkings.load(std::memory_order_relaxed) != shrinkings.load(std::memory_order_relaxed))
        [[unlikely]]
        note_shrinking();
    if (push_or_give(cache, bin, slab, object) && cache.observing) [[unlikely]]
        tell_drained(cache, c);
}

void unpop(ThreadCache& cache, SizeClass c, Object* object) {
    Bin& bin = cache.bins[c];
    const HeapGuard guard(cache.heap);
    if (hardened::has(object)) {
        pops_top(bin) -= kPop - kSlot;
        ClassCounters& counters = cache.heap.counters(c);
        counters.flushed += 1;
        return hardened::untake(object);
    }
    object->mark = mark_of(bin, object);
    pops_top(bin) -= kPop;
    slot(bin, top(bin)) = object;
    expect_none(&bin, [&] { return fault_of_bin(cache, c); });
}

Object* take_sampled(ThreadCache& cache, SizeClass c, Object* instead_of) {
    const mixed::Taken taken = mixed::take_sampled(c);
    if (!taken.object) return nullptr;
    unpop(cache, c, instead_of);
    const HeapGuard guard(cache.heap);
    count_mixed(cache, c, taken);
    return taken.object;
}

void put_guarded(ThreadCache& cache, SizeClass c, Object* instead_of) {
    unpop(cache, c, instead_of);
    const HeapGuard guard(cache.heap);
    count_mixed(cache, c, {});
}

void flush(ThreadCache& cache) {
    const HeapGuard guard(cache.heap);
    for (SizeClass c = 0; c < kClasses; ++c)
        flush_bin(cache, c);
    cache.outgoing.send_all();
    cache.heap.drain_mail();
    cache.heap.dissolve_empty();
}

void keep_bins_empty(ThreadCache& cache) {
    flush(cache);
    for (Bin& bin : cache.bins)
        set_limit(bin, 0);
}

bool in_bin(const ThreadCache& cache, SizeClass c, const Object* object) {
    Bin& bin = const_cast<Bin&>(cache.bins[c]);
    for (size_t at = top(bin); at < bin.end; at += kSlot)
        if (slot(bin, at) == object) return true;
    return false;
}

}  // namespace tarn
