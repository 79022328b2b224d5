// SPDX-License-Identifier: MIT
// The cold ends of bins, and the list of caches. `caches.lock` comes before the orphan lock.
#include "cache/thread_cache.h"

#include <new>

#include "base/options.h"
#include "base/os.h"

namespace tarn {

constinit const ThreadCache empty_cache = {
    .bins = {}, .tag = kNoTag, .living = false, .next_idle = nullptr, .heap = {}};
thread_local constinit ThreadCache* current_cache __attribute__((tls_model("initial-exec"))) =
    const_cast<ThreadCache*>(&empty_cache);

namespace {

constexpr size_t kChunk = 64 << 10;  // memory for caches is mapped this much at a time
constexpr uint32_t kPatience = 256;  // overflowing frees before the bin's limit is halved
constexpr int32_t kFirstLimit = 8;

struct Caches {
    Lock lock;
    ThreadCache* idle = nullptr;
    char* chunk = nullptr;
    size_t chunk_left = 0;
    uint64_t living = 0, ended = 0;
};
constinit Caches caches;

// The cache that a heap is part of: what class_totals reads bins of.
constinit ThreadCache* by_id[kHeapsMax];

ThreadCache* make_cache() {
    constexpr size_t kSize = (sizeof(ThreadCache) + 63) / 64 * 64;
    if (caches.chunk_left < kSize) {
        void* chunk = os::map(kChunk);
        if (!chunk) return nullptr;
        os::name_range(chunk, kChunk, "tarn: heaps");
        caches.chunk = static_cast<char*>(chunk);
        caches.chunk_left = kChunk;
    }
    ThreadCache* cache = new (caches.chunk) ThreadCache{};
    const HeapId id = register_heap(cache->heap);
    if (id == kNoHeap) return nullptr;
    caches.chunk += kSize;
    caches.chunk_left -= kSize;
    cache->heap.open(id, reinterpret_cast<uintptr_t>(cache));
    cache->tag = cache->heap.tag();
    __atomic_store_n(&by_id[id], cache, __ATOMIC_RELEASE);
    return cache;
}

int32_t limit_of(SizeClass c) {
    return static_cast<int32_t>(kSizeClasses[c].bin_limit);
}

void set_limit(Bin& bin, int32_t limit) {
    bin.room += limit - bin.limit;
    bin.limit = limit;
}

void flush_bin(ThreadCache& cache, SizeClass c) {
    Bin& bin = cache.bins[c];
    uint64_t flushed = 0;
    while (Object* object = bin.head) {
        bin.head = object->next;
        ++bin.room;
        ++flushed;
        cache.heap.give(*slab_of(object), object);
    }
    count(cache.heap.counters(c).flushed, flushed);
}

}  // namespace

ThreadCache* open_cache() {
    Guard guard(caches.lock);
    ThreadCache* cache = caches.idle;
    if (cache)
        caches.idle = cache->next_idle;
    else
        cache = make_cache();
    if (!cache) return nullptr;
    cache->heap.revive();
    cache->living = true;
    ++caches.living;
    return cache;
}

void close_cache(ThreadCache& cache) {
    for (SizeClass c = 0; c < kClasses; ++c) {
        flush_bin(cache, c);
        set_limit(cache.bins[c], 0);
        cache.bins[c].overflows = 0;
    }
    cache.heap.retire();
    Guard guard(caches.lock);
    cache.living = false;
    cache.next_idle = caches.idle;
    caches.idle = &cache;
    --caches.living;
    ++caches.ended;
}

Refill refill(ThreadCache& cache, SizeClass c) {
    Bin& bin = cache.bins[c];
    bin.overflows = 0;
    if (options.hardened) {
        const Batch batch = cache.heap.take_one(c);
        return {batch.head, batch.zeroed};
    }
    const Batch batch = cache.heap.take(c);
    if (!batch.head) return {};
    if (bin.limit && bin.limit < limit_of(c))
        set_limit(bin, 2 * bin.limit < limit_of(c) ? 2 * bin.limit : limit_of(c));
    bin.head = batch.head->next;
    bin.room -= static_cast<int32_t>(batch.count - 1);
    return {batch.head, batch.zeroed};
}

void give_past_bin(ThreadCache& cache, Slab& slab, Object* object) {
    const SizeClass c = slab.size_class;
    Bin& bin = cache.bins[c];
    count(cache.heap.counters(c).direct_frees);
    cache.heap.give(slab, object);
    if (options.hardened) return;
    if (bin.limit == 0 && bin.overflows == 0)
        return set_limit(bin, kFirstLimit < limit_of(c) ? kFirstLimit : limit_of(c));
    if (++bin.overflows < kPatience) return;
    // A freeing phase: what the bin holds keeps slabs from becoming empty.
    bin.overflows = 1;
    flush_bin(cache, c);
    set_limit(bin, bin.limit / 2);
}

void flush(ThreadCache& cache) {
    for (SizeClass c = 0; c < kClasses; ++c)
        flush_bin(cache, c);
    cache.heap.drain_mail();
    cache.heap.release_empty();
}

bool in_bin(const ThreadCache& cache, SizeClass c, const Object* object) {
    for (const Object* free = cache.bins[c].head; free; free = free->next)
        if (free == object) return true;
    return false;
}

void salvage_caches() {
    caches.lock.reset();
    caches.idle = nullptr;
    caches.chunk_left = 0;  // the rest of the chunk may be half given out
    ThreadCache* const mine = has_cache(current_cache) ? current_cache : nullptr;
    salvage_heaps(mine ? &mine->heap : nullptr);
    for (HeapId id = kOrphanHeap + 1; id < heap_count(); ++id) {
        ThreadCache* cache = by_id[id];
        if (!cache || cache == mine) continue;
        if (cache->living) {
            --caches.living;
            ++caches.ended;
        }
        // The objects in its bins are given up: their links may be half written.
        for (SizeClass c = 0; c < kClasses; ++c) {
            Bin& bin = cache->bins[c];
            count(cache->heap.counters(c).flushed, static_cast<uint64_t>(int64_t{bin.limit} - bin.room));
            bin = {nullptr, bin.pops, 0, 0, 0, 0};
        }
        cache->living = false;
        cache->next_idle = caches.idle;
        caches.idle = cache;
    }
}

bool others_lived() {
    return heap_count() > kOrphanHeap + 2;
}

CacheCount count_caches() {
    Guard guard(caches.lock);
    return {caches.living, caches.ended};
}

ClassTotals class_totals(SizeClass c) {
    ClassTotals total{};
    for (HeapId id = kOrphanHeap; id < heap_count(); ++id) {
        const Heap* heap = heap_of(id);
        const ClassCounters& counters = heap->counters(c);
        const uint64_t filled = counters.filled.load(std::memory_order_relaxed);
        const uint64_t flushed = counters.flushed.load(std::memory_order_relaxed);
        const uint64_t remote = counters.remote_frees.load(std::memory_order_relaxed);
        uint64_t pops = filled;  // the orphan heap has no bins: what was taken was handed out
        uint64_t pushes = 0;
        if (const ThreadCache* cache = __atomic_load_n(&by_id[id], __ATOMIC_ACQUIRE)) {
            const Bin& bin = cache->bins[c];
            pops = __atomic_load_n(&bin.pops, __ATOMIC_RELAXED);
            const int64_t held = int64_t{__atomic_load_n(&bin.limit, __ATOMIC_RELAXED)} -
                                 __atomic_load_n(&bin.room, __ATOMIC_RELAXED);
            const int64_t pushed = held + static_cast<int64_t>(pops + flushed - filled);
            pushes = pushed > 0 ? static_cast<uint64_t>(pushed) : 0;
        }
        total.allocations += pops;
        total.frees += pushes + counters.direct_frees.load(std::memory_order_relaxed) + remote;
        total.fresh += counters.fresh.load(std::memory_order_relaxed);
        total.remote_frees += remote;
        total.slabs += counters.slabs.load(std::memory_order_relaxed);
    }
    return total;
}

}  // namespace tarn
