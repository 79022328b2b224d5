// SPDX-License-Identifier: MIT
// What must hold of a slab between two changes, for who has the lock of its owner. Each function says what does not, or
// NULL. Asked after each change in builds with assertions (base/expect.h), by the walks of src/check, and of what
// threads that are gone have left (salvage.cpp).
#pragma once
#include "heap/heap.h"
#include "heap/holes.h"

namespace tarn {

inline constexpr size_t kUnsound = SIZE_MAX;

// The length of a chain, or kUnsound when one link does not hold, since then none can be trusted.
inline size_t sound_length(const Slab& slab, const Object* head, size_t at_most) {
    size_t length = 0;
    for (const Object* object = head; object; object = object->next) {
        if (unit_of(object) - slab.first_unit() >= slab.info().units.count()) return kUnsound;
        if (length == at_most || slab.index_of(object) >= slab.carved()) return kUnsound;
        ++length;
    }
    return length;
}

// In as few steps as any slab takes.
inline const char* fault_of_counts(const Slab& slab) {
    if (slab.size_class >= kClasses || slab.behind != 0) return "not the record of a slab";
    if (slab.carved() > slab.info().objects) return "a slab with more objects than there is room for";
    if (size_t{slab.used} + slab.away > slab.carved()) return "a slab with more objects used than carved";
    if (!slab.free != (slab.free_count() == 0)) return "a slab's free list is not what is counted";
    if (slab.free && slab.index_of(slab.free) >= slab.carved()) return "a slab's free list begins elsewhere";
    if (remote_count(slab) > slab.used) return "more objects of a slab freed elsewhere than used";
    return nullptr;
}

inline const char* fault_of_state(const Slab& slab) {
    return slab.state == slab.fitting_state() ? nullptr : "a slab on the list of another state";
}

inline const char* fault_of_links(const Slab& slab, const Heap& owner) {
    const Slab* const first = owner.first(slab.size_class, slab.state);
    if (slab.previous ? slab.previous->next != &slab : first != &slab)
        return "a slab that its list does not name";
    if (slab.next && slab.next->previous != &slab) return "a slab whose list does not lead back";
    return nullptr;
}

// On the list of its state.
inline const char* fault_of_linked(const Slab& slab, const Heap& owner) {
    if (const char* fault = fault_of_counts(slab)) return fault;
    if (const char* fault = fault_of_state(slab)) return fault;
    return fault_of_links(slab, owner);
}

// Of a heap that has no slabs.
inline const char* fault_of_emptiness(const Heap& heap) {
    if (heap.units() != Units{}) return "units counted in a heap without slabs";
    if (heap.empty_units() != Units{}) return "empty slabs counted in a heap without slabs";
    for (SizeClass c = 0; c < kClasses; ++c) {
        if (heap.counters(c).slabs != 0) return "slabs counted in a heap without slabs";
        for (SlabState state : {SlabState::kPartial, SlabState::kFull, SlabState::kEmpty})
            if (heap.first(c, state)) return "a slab in a heap without slabs";
    }
    return nullptr;
}

// All units name the owner, and lead to the record.
inline const char* fault_of_units(const Slab& slab, const Heap& owner) {
    if (slab.owner.load(std::memory_order_relaxed) != owner.id()) return "a slab of another owner";
    for (size_t i = 0; i < slab.info().units.count(); ++i) {
        if (entry_of(slab.first_unit() + i) != owner.entry(slab.size_class))
            return "a unit of a slab with another entry";
        if (slab_of(slab.begin() + i * kUnitSize) != &slab) return "a unit that does not lead to its slab";
    }
    return nullptr;
}

// Link by link, object by object.
inline const char* fault_of_objects(const Slab& slab) {
    if (sound_length(slab, slab.free, slab.free_count()) != slab.free_count())
        return "a slab's free list is not sound";
    return holes_agree(slab) ? nullptr : "a slab's holes are not what is counted";
}

}  // namespace tarn
