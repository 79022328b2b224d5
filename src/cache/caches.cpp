// SPDX-License-Identifier: MIT
// `caches.lock` comes before the lock of any heap.
#include "cache/caches.h"

#include <string.h>

#include <new>

#include "cache/bins.h"
#include "cache/hardened.h"
#include "cache/totals.h"
#include "heap/orphans.h"
#include "mixed/mixed.h"
#include "os/os.h"
#include "os/thread_pointer.h"

namespace tarn {

constinit ThreadCache empty_cache = {};
thread_local constinit ThreadCache* current_cache __attribute__((tls_model("initial-exec"))) = &empty_cache;

TARN_WRITTEN_AT_START constinit Caches caches;

namespace {

// On its way to this thread or from it, and in no list: in the child of a fork it is this thread's.
thread_local constinit ThreadCache* in_transit __attribute__((tls_model("initial-exec"))) = nullptr;

ThreadCache* own_cache() {
    return has_cache(current_cache) ? current_cache : in_transit;
}

constexpr uint64_t kForkWait = 10'000'000;  // ns; whoever collects is done within half a millisecond
constexpr size_t kIdleMost = 16;            // caches of ended threads that keep their memory

// Ids of caches that nobody has: with their memory; and all zero, as before their first use.
constinit HeapId kept_ids[kIdleMost];
constinit HeapId wiped_ids[kHeapsMax];

void lay_out(ThreadCache& cache) {
    for (SizeClass c = 0; c < kClasses; ++c) {
        cache.bins[c].room = static_cast<uint16_t>(kSizeClasses[c].bin_limit);
        cache.bins[c].bytes = static_cast<uint16_t>(kSizeClasses[c].size);
        set_slots(cache.bins[c], cache.first_slots[c] + kFirstSlots);
        BinTop& top = cache.tops[c];
        top.batch = kFirstBatch;
        top.few = mixed::few(c);
        top.own_slots = cache.bins[c].room <= kFirstSlots;
    }
    for (size_t i = 0; i <= kFastMax / 16; ++i)
        cache.by_size[i] = &cache.bins[class_of_size(i * 16)];
    cache.fast_end = kFastMax + 1;
}

bool wiped(const ThreadCache& cache) {
    return cache.bins[0].end == 0;
}

// From memory that is all zero. What is not used stays untouched.
void prepare(ThreadCache& cache, HeapId id) {
    lay_out(cache);
    cache.heap.open(id, reinterpret_cast<uintptr_t>(cache.bins),
                    static_cast<Entry>(reinterpret_cast<char*>(cache.bins) - page_table));
}

ThreadCache* make_cache() {
    if (heap_count() == kHeapsMax) return nullptr;
    void* memory = owner_memory(sizeof(ThreadCache));
    if (!memory) return nullptr;
    ThreadCache* cache = new (memory) ThreadCache;
    const HeapId id = register_heap(cache->heap);
    if (id == kNoHeap) return nullptr;
    prepare(*cache, id);
    __atomic_store_n(&heap_door(id).cache, static_cast<void*>(cache), __ATOMIC_RELEASE);
    return cache;
}

ThreadCache* idle_cache() {
    if (caches.kept) return cache_of(kept_ids[--caches.kept]);
    if (caches.wiped == 0) return nullptr;
    const HeapId id = wiped_ids[--caches.wiped];
    prepare(*cache_of(id), id);
    return cache_of(id);
}

void set_owner(ThreadCache& cache, uintptr_t owner) {
    for (Bin& bin : cache.bins) {
        __atomic_store_n(&bin.owner, owner, __ATOMIC_RELAXED);
        __atomic_store_n(&bin.sized_owner, caches.sized_delete ? owner : 0, __ATOMIC_RELAXED);
    }
    cache.heap.door().thread = owner;
}

// An idle cache loses its memory; what it has counted stays. With the lock held.
void wipe(ThreadCache& cache) {
    keep_totals(cache);
    Observer* observers[kObservers];  // upper layers', and the next thread's
    memcpy(observers, cache.observers, sizeof observers);
    observers[static_cast<size_t>(ObserverSlot::kRecord)] = nullptr;  // every cache has one; it is found anew
    const size_t page = os::kPageSize;
    const size_t bytes = (sizeof cache + page - 1) / page * page;
    if (os::page_size() != page || !os::discard(&cache, bytes)) memset(static_cast<void*>(&cache), 0, bytes);
    for (size_t i = 0; i < kObservers; ++i)
        if (observers[i]) cache.observers[i] = observers[i];
}

// With the lock held.
void put_idle(ThreadCache& cache) {
    const HeapId id = cache.heap.id();
    if (caches.kept < kIdleMost) {
        kept_ids[caches.kept++] = id;
        return;
    }
    wipe(cache);
    wiped_ids[caches.wiped++] = id;
}

// Its thread ended in the middle of a cold end: nobody knows what state its heap is in. With the lock held.
void abandon(ThreadCache& cache) {
    set_owner(cache, 0);
    cache.heap.door().lost = true;
    cache.heap.door().lock.reset();
    --caches.living;
    ++caches.ended;
}

ThreadCache* find_stale() {
    const uintptr_t self = thread_pointer();
    for (HeapId id = kOrphanHeap + 1; id < heap_count(); ++id) {
        if (heap_door(id).thread != self) continue;
        if (!heap_door(id).lock.is_mine()) return cache_of(id);
        abandon(*cache_of(id));
    }
    return nullptr;
}

}  // namespace

ThreadCache* stale_cache() {
    Guard guard(caches.lock);
    ThreadCache* const stale = find_stale();
    if (stale) ++caches.ended;
    in_transit = stale;
    return stale;
}

ThreadCache* open_cache() {
    if (ThreadCache* const stale = stale_cache()) return stale;
    Guard guard(caches.lock);
    ThreadCache* cache = idle_cache();
    if (!cache) cache = make_cache();
    if (!cache) return nullptr;
    cache->heap.revive();
    if (hardened::keeps_bins_empty())
        for (Bin& bin : cache->bins)
            set_limit(bin, 0);
    set_owner(*cache, thread_pointer());
    ++caches.living;
    in_transit = cache;
    return cache;
}

void cache_arrived() {
    in_transit = nullptr;
}

void cache_departs(ThreadCache& cache) {
    in_transit = &cache;
}

void close_cache(ThreadCache& cache) {
    {
        Guard guard(caches.lock);
        set_owner(cache, 0);
    }
    {
        const HeapGuard guard(cache.heap);
        end_bins(cache);
        cache.outgoing.send_all();
        cache.heap.retire();
    }
    Guard guard(caches.lock);
    put_idle(cache);
    --caches.living;
    ++caches.ended;
    in_transit = nullptr;
}

bool cache_at_hand() {
    return caches.kept.load(std::memory_order_relaxed) > 0;
}

ThreadCache* cache_of(HeapId id) {
    return static_cast<ThreadCache*>(__atomic_load_n(&heap_door(id).cache, __ATOMIC_ACQUIRE));
}

void trust_sized_delete() {
    Guard guard(caches.lock);
    caches.sized_delete = true;
    if (has_cache(current_cache)) set_owner(*current_cache, thread_pointer());
}

bool others_lived() {
    return heap_count() > kOrphanHeap + 2;
}

ReadingCaches::ReadingCaches(Waits waits) : taken_(!caches.lock.is_mine()) {
    constexpr uint64_t kWait = 100'000'000;  // ns
    taken_ = taken_ && (waits == Waits::kNot ? caches.lock.try_lock() : caches.lock.lock_within(kWait));
    if (!taken_) return;
    caches.reading = true;
    std::atomic_signal_fence(std::memory_order_seq_cst);
}

ReadingCaches::~ReadingCaches() {
    if (!holds()) return;
    caches.reading = false;
    caches.lock.unlock();
}

CacheCount count_caches() {
    const ReadingCaches reading(ReadingCaches::Waits::kBounded);
    return {caches.living, caches.ended};
}

namespace {

// Who collects from this thread's heap may wait for what this thread holds, under the signal handler that forks.
bool is_waited_for() {
    return orphans.lock.is_mine() || runs_are_mine();
}

}  // namespace

// Where nobody can let go of it, nobody is at work either: who collects waits for these locks with the lists whole.
void hold_own_heap() {
    if (!has_cache(current_cache)) return;
    HeapDoor& door = current_cache->heap.door();
    if (door.lock.is_mine()) return;
    while (!door.lock.lock_within(kForkWait))
        if (is_waited_for()) return;
    door.forking = true;
}

void let_go_own_heap() {
    if (!has_cache(current_cache)) return;
    HeapDoor& door = current_cache->heap.door();
    if (!door.forking) return;
    door.forking = false;
    door.lock.unlock_unwaited();
}

bool in_cold_end() {
    for (HeapId id = kOrphanHeap; id < heap_count(); ++id)
        if (heap_door(id).lock.is_mine()) return true;  // its own, or one that it collects from
    return caches.lock.is_mine() || orphans.lock.is_mine();
}

namespace {

// The objects in the bins of a thread that is gone are given up: a push or a refill may be half done.
void salvage(ThreadCache& cache) {
    for (SizeClass c = 0; c < kClasses; ++c) {
        Bin& bin = cache.bins[c];
        // It may have been on its way to other slots, empty.
        const size_t held = top(bin) <= bin.end ? objects_in(bin) : 0;
        if (held <= bin.room) cache.heap.counters(c).flushed += held;
        set_top(bin, bin.end);
        bin.taken = 0;
        bin.low = bin.end;
    }
    cache.outgoing.forget();
    put_idle(cache);
}

// Stacks of threads that are gone are given to new ones: their pointers must not name these caches any more.
void disown_others() {
    for (HeapId id = kOrphanHeap + 1; id < heap_count(); ++id) {
        ThreadCache* const cache = cache_of(id);
        if (!cache || cache == own_cache() || heap_door(id).thread == 0) continue;
        set_owner(*cache, 0);
        heap_door(id).thread = 0;  // whatever state the cache is in
        --caches.living;
        ++caches.ended;
    }
}

}  // namespace

// What this thread itself was doing under a signal handler goes on: door locks that are its own stay so, with the
// heaps behind them as they are. The locks of lists are held for so short that no call may wait for them; but then
// the lists are left alone for good, unless they were only read.
void caches_after_fork_child(Others others) {
    const bool in_lists = (caches.lock.is_mine() && !caches.reading) || orphans.lock.is_mine();
    caches.reading = false;
    caches.lock.reset();
    orphans.lock.reset();
    for (HeapId id = kOrphanHeap; id < heap_count(); ++id)
        if (!heap_door(id).lock.is_mine()) heap_door(id).lock.reset();
    if (others == Others::kNone) return;
    disown_others();
    orphans.unsalvaged = in_lists;
    if (in_lists) return;
    ThreadCache* const mine = own_cache();
    salvage_heaps(mine ? &mine->heap : nullptr);
    caches.kept = 0;
    caches.wiped = 0;
    for (HeapId id = kOrphanHeap + 1; id < heap_count(); ++id) {
        ThreadCache* const cache = cache_of(id);
        if (!cache || cache == mine || heap_door(id).lock.is_mine()) continue;
        if (wiped(*cache))
            wiped_ids[caches.wiped++] = id;
        else
            salvage(*cache);
    }
}

}  // namespace tarn
