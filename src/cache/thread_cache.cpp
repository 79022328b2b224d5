// SPDX-License-Identifier: MIT
// The cold ends of bins, and the list of caches. `caches.lock` comes before the orphan lock.
#include "cache/thread_cache.h"

#include <string.h>

#include <new>

#include "base/message.h"
#include "base/options.h"
#include "base/os.h"

namespace tarn {

constinit ThreadCache empty_cache = {};
thread_local constinit ThreadCache* current_cache __attribute__((tls_model("initial-exec"))) = &empty_cache;

namespace {

constexpr uint32_t kSendEvery = 32;  // refills: what waits for other heaps does not wait for long
constexpr size_t kIdleMax = 16;      // caches of ended threads that keep all their memory

struct Caches {
    Lock lock;
    ThreadCache* idle = nullptr;
    size_t idle_count = 0;
    bool sized_delete = false;  // see trust_sized_delete
    uint64_t living = 0, ended = 0;
};
[[gnu::section(".data")]] constinit Caches caches;  // with what else is written at start

// The cache that a heap is part of: what class_totals reads bins of.
constinit ThreadCache* by_id[kHeapsMax];

constinit Tallies without_cache;  // of threads that have none

void lay_out(ThreadCache& cache) {
    Object** next = cache.slots;
    for (SizeClass c = 0; c < kClasses; ++c) {
        Bin& bin = cache.bins[c];
        bin.room = static_cast<uint16_t>(kSizeClasses[c].bin_limit);
        next += bin.room;
        bin.end = bin.low =
            static_cast<uint16_t>(reinterpret_cast<char*>(next) - reinterpret_cast<char*>(&bin));
        pops_top(bin) = bin.end;
        top_of(bin).batch = kFirstBatch;
        ++next;
    }
    cache.fast_end = kFastMax + 1;
}

void fill_table(ThreadCache& cache) {
    for (size_t i = 0; i <= kFastMax / 16; ++i)
        cache.by_size[i] = &cache.bins[class_of_size(i * 16)];
    cache.lean = false;
}

// What a cache that is not in use can do without: its bins are empty.
void make_lean(ThreadCache& cache) {
    char* const from = reinterpret_cast<char*>(cache.by_size);
    char* const end = reinterpret_cast<char*>(&cache + 1);
    if (os::page_size() == os::kPageSize) cache.lean = os::purge(from, static_cast<size_t>(end - from));
}

ThreadCache* make_cache() {
    void* memory = owner_memory(sizeof(ThreadCache));
    if (!memory) return nullptr;
    ThreadCache* cache =
        new (memory) ThreadCache;  // the memory is zeroed, and what is not used stays untouched
    const HeapId id = register_heap(cache->heap);
    if (id == kNoHeap) return nullptr;
    lay_out(*cache);
    fill_table(*cache);
    cache->heap.open(id, reinterpret_cast<uintptr_t>(cache->bins),
                     static_cast<Entry>(reinterpret_cast<char*>(cache->bins) - page_table));
    __atomic_store_n(&by_id[id], cache, __ATOMIC_RELEASE);
    return cache;
}

void set_owner(ThreadCache& cache, uintptr_t owner) {
    for (Bin& bin : cache.bins) {
        __atomic_store_n(&bin.owner, owner, __ATOMIC_RELAXED);
        __atomic_store_n(&bin.sized_owner, caches.sized_delete ? owner : 0, __ATOMIC_RELAXED);
    }
}

void put_idle(ThreadCache& cache) {
    cache.next_idle = caches.idle;
    caches.idle = &cache;
    ++caches.idle_count;
}

void set_limit(Bin& bin, size_t limit) {
    if (limit > bin.room) limit = bin.room;
    bin.low = static_cast<uint16_t>(bin.end - limit * kSlot);
}

// Gives `many` objects back to their slabs, those that were freed longest ago.
void drain_bin(ThreadCache& cache, SizeClass c, size_t many) {
    Bin& bin = cache.bins[c];
    const SizeClassInfo& info = kSizeClasses[c];
    Object** const end = &slot(bin, bin.end);
    for (Object** at = end - many; at < end; ++at) {
        Slab* const slab = slab_of_object(*at, info);
        if (!slab) [[unlikely]]
            die(Fault::kInsideObject, *at, "into one of", info.size, "bytes");
        cache.heap.give(*slab, *at);
    }
    const size_t kept = objects_in(bin) - many;
    if (kept > 0) memmove(end - kept, end - kept - many, kept * kSlot);
    pops_top(bin) += many * kSlot;
    cache.heap.counters(c).flushed += many;
}

void flush_bin(ThreadCache& cache, SizeClass c) {
    if (const size_t held = objects_in(cache.bins[c])) drain_bin(cache, c, held);
}

// The same at the end of a thread; the next one takes less at a time of what this one did not use up.
void end_bin(ThreadCache& cache, SizeClass c) {
    const size_t held = objects_in(cache.bins[c]);
    if (held == 0) return;
    drain_bin(cache, c, held);
    uint8_t& batch = cache.tops[c].batch;
    if (2 * held > batch && batch > kFirstBatch) batch /= 2;
}

}  // namespace

ThreadCache* open_cache() {
    Guard guard(caches.lock);
    ThreadCache* cache = caches.idle;
    if (cache) {
        caches.idle = cache->next_idle;
        --caches.idle_count;
    } else {
        cache = make_cache();
    }
    if (!cache) return nullptr;
    cache->heap.revive();
    if (cache->lean) fill_table(*cache);
    if (options.hardened)
        for (Bin& bin : cache->bins)
            set_limit(bin, 0);
    set_owner(*cache, thread_pointer());
    cache->living = true;
    ++caches.living;
    return cache;
}

void close_cache(ThreadCache& cache) {
    set_owner(cache, 0);
    for (SizeClass c = 0; c < kClasses; ++c)
        end_bin(cache, c);
    cache.outgoing.send_all();
    cache.heap.retire();
    caches.lock.lock();
    const bool many_idle = caches.idle_count >= kIdleMax;
    caches.lock.unlock();
    if (many_idle) make_lean(cache);
    Guard guard(caches.lock);
    cache.living = false;
    put_idle(cache);
    --caches.living;
    ++caches.ended;
}

Refill refill(ThreadCache& cache, SizeClass c) {
    Bin& bin = cache.bins[c];
    if (options.hardened) {
        const Batch batch = cache.heap.take_one(c);
        if (batch.count) pops_top(bin) += kPop - kSlot;
        return {batch.first, batch.zeroed};
    }
    if (++cache.refills % kSendEvery == 0) cache.outgoing.send_all();
    BinTop& tops = top_of(bin);
    const Batch batch = cache.heap.take(c, &slot(bin, bin.end), tops.batch);
    if (batch.count == 0) return {};
    tops.batch = static_cast<uint8_t>(2 * tops.batch < bin.room ? 2 * tops.batch : bin.room);
    const size_t limit = limit_of(bin);
    if (limit) set_limit(bin, 2 * limit);
    // The first free past a bin without limit gives it one.
    tops.overflows = limit ? 0 : kPatience - 1;
    tops.refilled = true;
    pops_top(bin) -= batch.count * kSlot;
    pops_top(bin) += kPop;
    return {batch.first, batch.zeroed};
}

namespace {

// The bin has been full for long: what it holds keeps slabs from becoming empty.
void shrink_limit(ThreadCache& cache, SizeClass c) {
    Bin& bin = cache.bins[c];
    BinTop& top = cache.tops[c];
    const size_t limit = limit_of(bin);
    set_limit(bin, limit > 0 ? limit / 2 : top.refilled ? kFirstLimit : 0);
    if (objects_in(bin) > limit_of(bin)) drain_bin(cache, c, objects_in(bin) - limit_of(bin));
    top.refilled = false;
    top.overflows = 0;
}

}  // namespace

void overflow(Bin& bin, Slab& slab, Object* object) {
    ThreadCache& cache = *current_cache;
    const SizeClass c = slab.size_class;
    BinTop& tops = top_of(bin);
    if (tops.overflows >= kPatience && !options.hardened) shrink_limit(cache, c);
    const size_t limit = limit_of(bin);
    if (limit < kFirstLimit) {
        __atomic_store_n(&tops.direct_frees, tops.direct_frees + 1, __ATOMIC_RELAXED);
        return cache.heap.give(slab, object);
    }
    // Half of it at once is cheaper than one by one.
    if (objects_in(bin) > limit / 2) drain_bin(cache, c, objects_in(bin) - limit / 2);
    slot(bin, top(bin) - kSlot) = object;
    pops_top(bin) -= kSlot;
    tops.overflows += static_cast<uint32_t>(limit / 2);
}

void flush(ThreadCache& cache) {
    for (SizeClass c = 0; c < kClasses; ++c)
        flush_bin(cache, c);
    cache.outgoing.send_all();
    cache.heap.drain_mail();
    cache.heap.release_empty();
}

bool in_bin(const ThreadCache& cache, SizeClass c, const Object* object) {
    Bin& bin = const_cast<Bin&>(cache.bins[c]);
    for (size_t at = top(bin); at < bin.end; at += kSlot)
        if (slot(bin, at) == object) return true;
    return false;
}

void salvage_caches() {
    caches.lock.reset();
    caches.idle = nullptr;
    caches.idle_count = 0;
    ThreadCache* const mine = has_cache(current_cache) ? current_cache : nullptr;
    salvage_heaps(mine ? &mine->heap : nullptr);
    for (HeapId id = kOrphanHeap + 1; id < heap_count(); ++id) {
        ThreadCache* cache = by_id[id];
        if (!cache || cache == mine) continue;
        if (cache->living) {
            --caches.living;
            ++caches.ended;
        }
        // The objects in its bins are given up: a push or a refill may be half done.
        for (SizeClass c = 0; c < kClasses; ++c) {
            Bin& bin = cache->bins[c];
            cache->heap.counters(c).flushed += objects_in(bin);
            pops_top(bin) += objects_in(bin) * kSlot;
            bin.low = bin.end;
            bin.owner = bin.sized_owner = 0;
        }
        cache->outgoing.forget();
        cache->living = false;
        put_idle(*cache);
    }
}

bool others_lived() {
    return heap_count() > kOrphanHeap + 2;
}

void trust_sized_delete() {
    Guard guard(caches.lock);
    caches.sized_delete = true;
    if (has_cache(current_cache)) set_owner(*current_cache, thread_pointer());
}

CacheCount count_caches() {
    ReportGuard guard(caches.lock);
    return {caches.living, caches.ended};
}

ClassTotals class_totals(SizeClass c) {
    ClassTotals total{};
    for (HeapId id = kOrphanHeap; id < heap_count(); ++id) {
        const Heap* heap = heap_of(id);
        const ClassCounters& counters = heap->counters(c);
        const uint64_t filled = counters.filled;
        const uint64_t flushed = counters.flushed;
        const uint64_t remote = counters.remote_frees;
        uint64_t pops = filled;  // the orphan heap has no bins: what was taken was handed out
        uint64_t pushes = 0;
        if (const ThreadCache* cache = __atomic_load_n(&by_id[id], __ATOMIC_ACQUIRE)) {
            const Bin& bin = cache->bins[c];
            const uint64_t both = __atomic_load_n(&cache->tops[c].pops_top, __ATOMIC_RELAXED);
            pops = both >> 16;
            const int64_t held = (bin.end - static_cast<int64_t>(both & 0xffff)) / int64_t{kSlot};
            const int64_t pushed = held + static_cast<int64_t>(pops + flushed - filled);
            pushes = pushed > 0 ? static_cast<uint64_t>(pushed) : 0;
            pushes += __atomic_load_n(&cache->tops[c].direct_frees, __ATOMIC_RELAXED);
        }
        total.allocations += pops;
        total.frees += pushes + remote;
        total.fresh += counters.fresh;
        total.remote_frees += remote;
        total.slabs += counters.slabs;
    }
    return total;
}

void tally(Tally which, int64_t change) {
    if (has_cache(current_cache)) [[likely]]
        current_cache->tallies.add(which, change);
    else
        without_cache.add_shared(which, change);
}

uint64_t tally_total(Tally which) {
    int64_t total = without_cache.value(which);
    for (HeapId id = kOrphanHeap + 1; id < heap_count(); ++id)
        if (const ThreadCache* cache = __atomic_load_n(&by_id[id], __ATOMIC_ACQUIRE))
            total += cache->tallies.value(which);
    return total > 0 ? static_cast<uint64_t>(total) : 0;
}

}  // namespace tarn
