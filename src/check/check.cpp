// SPDX-License-Identifier: MIT
#include "check/check.h"

#include "base/message.h"
#include "cache/sound.h"
#include "heap/orphans.h"
#include "heap/sound.h"
#include "mixed/mixed.h"

namespace tarn {

namespace {

constexpr uint64_t kWaitMost = 10'000'000;  // ns

void require_none(const void* about, const char* fault) {
    if (fault) die(Fault::kInternal, about, fault);
}

void check_slab(const Slab& slab, const Heap& heap, SizeClass c, SlabState state) {
    if (slab.size_class != c || slab.state != state)
        die(Fault::kInternal, &slab, "a slab on a list that is not its own");
    require_none(&slab, fault_of_linked(slab, heap));
    require_none(&slab, fault_of_units(slab, heap));
    require_none(&slab, fault_of_objects(slab));
}

// With the lock held that the slabs are under.
void check_lists(const Heap& heap) {
    Units units, empty_units;
    for (SizeClass c = 0; c < kClasses; ++c) {
        size_t slabs = 0, used = 0, touched = 0, untouched = 0;
        for (SlabState state : {SlabState::kPartial, SlabState::kFull, SlabState::kEmpty}) {
            for (const Slab* slab = heap.first(c, state); slab; slab = slab->next) {
                check_slab(*slab, heap, c, state);
                used += slab->used;
                touched += slab->touched();
                untouched += slab->carved() == 0;
                units += slab->info().units;
                if (++slabs > heap.counters(c).slabs)
                    die(Fault::kInternal, slab, "more slabs than are counted");
                if (state == SlabState::kEmpty) empty_units += slab->info().units;
            }
        }
        if (used != heap.used(c)) die(Fault::kInternal, &heap, "used objects are not what is counted");
        if (touched != heap.counters(c).touched)
            die(Fault::kInternal, &heap, "touched objects are not what is counted");
        if (untouched != heap.untouched(c))
            die(Fault::kInternal, &heap, "untouched slabs are not what is counted");
        if (slabs != heap.counters(c).slabs) die(Fault::kInternal, &heap, "fewer slabs than are counted");
    }
    if (units != heap.units()) die(Fault::kInternal, &heap, "units are not what is counted");
    if (empty_units != heap.empty_units())
        die(Fault::kInternal, &heap, "empty units are not what is counted");
}

// R1. Nobody takes slabs off it while the lock of the door is held, and the heap by a thread.
void check_mail(const HeapDoor& door) {
    for (const Slab* slab = door.mail.first(); slab; slab = slab->next_mail)
        if (!posted(*slab) || remote_count(*slab) == 0)
            die(Fault::kInternal, slab, "a slab on a mail that is not posted");
}

// The heap behind it may be about to be opened: nothing of it is read before somebody holds it.
void check_behind(HeapDoor& door) {
    if (door.lost || door.lock.is_mine() || !door.lock.lock_within(kWaitMost)) return;
    if (door.held.load(std::memory_order_seq_cst)) {
        check_lists(*door.heap);
        check_mail(door);
    }
    door.lock.unlock();
}

}  // namespace

void check_heap(Heap& heap) {
    check_behind(heap.door());
}

void check_orphans() {
    if (orphans.lock.is_mine()) return;
    const Guard guard(orphans.lock);
    check_lists(orphans.heap);
}

void check_bins(const ThreadCache& cache) {
    if (cache.heap.door().lock.is_mine()) return;
    const HeapGuard guard(cache.heap);
    for (SizeClass c = 0; c < kClasses; ++c)
        require_none(&cache.bins[c], fault_of_bin(cache, c));
}

void check_all() {
    check_runs();
    mixed::check();
    if (orphans.unsalvaged.load(std::memory_order_relaxed)) return;  // lists of others may be half done
    if (has_cache(current_cache)) check_bins(*current_cache);
    for (HeapId id = kOrphanHeap + 1; id < heap_count(); ++id)
        check_behind(heap_door(id));
    check_orphans();
}

}  // namespace tarn
