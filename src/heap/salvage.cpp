// SPDX-License-Identifier: MIT
#include "heap/orphans.h"

#include "heap/holes.h"
#include "heap/sound.h"

namespace tarn {

namespace {

// What a thread that is gone may have left half done: a list that is not sound is given up, and its objects
// stay counted as used.
void make_sound(Slab& slab) {
    if (slab.carved() > slab.info().objects) slab.set_carved(slab.info().objects);
    if (!holes_agree(slab) || slab.used + slab.away > slab.carved() ||
        sound_length(slab, slab.free, slab.free_count()) != slab.free_count()) {
        clear_holes(slab);
        slab.free = nullptr;
        slab.used = slab.carved();
    }
    slab.zeroed = false;
}

// A slab begins here, and all its units have its entry. Else the thread that set or cleared entries did not
// come to the end; then no object of the slab is in use.
bool is_whole_slab(size_t unit, size_t window_end) {
    const Slab& slab = *static_cast<Slab*>(record_of(unit));
    if (slab.behind != 0 || slab.size_class >= kClasses) return false;
    const size_t end = unit + slab.info().units.count();
    if (end > window_end) return false;
    for (size_t i = unit + 1; i < end; ++i) {
        if (!is_slab_entry(entry_of(i))) return false;
        if (static_cast<Slab*>(record_of(i))->behind != i - unit) return false;
    }
    return true;
}

}  // namespace

void Heap::forget_slabs() {
    for (ClassHeap& c : classes_) {
        for (Slab*& list : c.lists)
            list = nullptr;
        c.counters.slabs = 0;
        c.counters.touched = 0;
        c.used = 0;
    }
    for (uint16_t& slabs : untouched_)
        slabs = 0;
    units_ = empty_units_ = {};
    sweep_next_ = nullptr;
    sweep_left_ = 0;
}

// This thread is a signal handler over what it does to the heap.
bool left_alone(HeapId id) {
    return id < heap_count() && heap_door(id).lock.is_mine();
}

// The slab that begins at this unit goes to the orphans unless it is the survivor's; its remote word is read.
void salvage_slab(Slab& slab, Heap* survivor) {
    const HeapId owner = slab.owner.load(std::memory_order_relaxed);
    if (left_alone(owner)) return;
    RemoteChain chain = take_remote(slab);
    const bool mine = survivor && owner == survivor->id();
    if (!mine) {
        make_sound(slab);
        orphans.heap.claim(slab);
    }
    if (chain.count > slab.used || sound_length(slab, chain.head, chain.count) != chain.count) chain = {};
    // Who was to write it down may not have come to that.
    for (chain.tail = chain.head; chain.tail && chain.tail->next;)
        chain.tail = chain.tail->next;
    (mine ? *survivor : orphans.heap).absorb(slab, chain);
}

// A torn slab, of which some units alone have its entry, is on its way to somebody or back: to be given back, unless it
// may be this thread that does it.
enum class Torn : bool { kGiven, kLeft };

void salvage_window(UnitRange range, Heap* survivor, Torn torn) {
    size_t next;
    for (size_t unit = range.first; unit < range.end; unit = next) {
        next = unit + 1;
        if (!is_slab_entry(entry_of(unit))) continue;
        if (!is_whole_slab(unit, range.end)) {
            if (torn == Torn::kGiven) give_run(unit_address(unit), Units{1});
            continue;
        }
        Slab& slab = *static_cast<Slab*>(record_of(unit));
        next = unit + slab.info().units.count();
        // Off the books of a heap, on its way back: perhaps this thread's.
        if (torn == Torn::kLeft && slab.owner.load(std::memory_order_relaxed) == kNoHeap) continue;
        salvage_slab(slab, survivor);
    }
}

void salvage_heaps(Heap* survivor) {
    Torn torn = Torn::kGiven;
    orphans.heap.forget_slabs();
    for (HeapId id = kOrphanHeap; id < heap_count(); ++id) {
        heap_door(id).mail.take_all();
        if (left_alone(id)) torn = Torn::kLeft;
        if (id == kOrphanHeap || heap_door(id).heap == survivor || left_alone(id)) continue;
        heap_door(id).held.store(false, std::memory_order_relaxed);
        heap_door(id).heap->forget_slabs();
    }
    uint32_t holders = 0;
    for (HeapId id = kOrphanHeap + 1; id < heap_count(); ++id)
        holders += heap_door(id).held.load(std::memory_order_relaxed);
    orphans.holders.store(holders, std::memory_order_relaxed);
    for (size_t window = 0; window < window_count(); ++window)
        salvage_window(window_units(window), survivor, torn);
}

}  // namespace tarn
