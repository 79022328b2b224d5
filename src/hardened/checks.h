// SPDX-License-Identifier: MIT
// What is looked at around an object, and how it is said. Other threads may be at work on the neighbours meanwhile: what seems broken is looked at
// again until it cannot have been that.
#pragma once
#include "base/message.h"
#include "hardened/guarded_slab.h"

namespace tarn::hardened {

// `at` NULL: nothing is wrong.
struct Finding {
    Fault fault = Fault::kInternal;
    const void* at = nullptr;
    const char* detail = "";
    size_t number = 0;
    explicit operator bool() const { return at != nullptr; }
};
// With no lock held.
[[noreturn]] void die_of(const Finding& finding);

// The word and the place of the live object that begins at p; a finding where there is none.
struct LiveSlot {
    GuardedSlab* slab;
    size_t index;
    SlotWord word;
    Finding finding;
};
LiveSlot live_slot(const void* p);

// The seal of an object that is this thread's, and what lies before it.
Finding check_object(const GuardedSlab& slab, size_t index, size_t asked);
// The end of a slot that is about to be used for the first time: what the next object's owner wrote before its begin.
Finding check_fresh(const GuardedSlab& slab, size_t index);
// The memory of a slot that was freed and is about to be used again.
Finding check_reused(const GuardedSlab& slab, size_t index);
// All objects of a slab that are live, and all that was freed.
Finding check_slab(const GuardedSlab& slab);

inline bool touchable(const GuardedSlab& slab) {
    return slab.slot_class != kUntouchable;
}

}  // namespace tarn::hardened
