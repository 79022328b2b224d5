// SPDX-License-Identifier: MIT
// What is looked at around an object, and how it is said. Other threads may be at work on the neighbours meanwhile: what seems broken is looked at
// again until it cannot have been that.
#pragma once
#include "base/message.h"
#include "base/seal.h"
#include "hardened/guarded_slab.h"

namespace tarn::hardened {

// `at` NULL: nothing is wrong.
struct Finding {
    Fault fault;
    const void* at;
    const char* detail;  // may be NULL
    size_t number;
    explicit operator bool() const { return at != nullptr; }
};
// With no lock held.
[[noreturn]] void die_of(const Finding& finding);

inline bool touchable(const GuardedSlab& slab) {
    return slab.slot_class != kUntouchable;
}

// The slot that p is in, of the slab that has p; its word is of none where there is no slot.
struct FoundSlot {
    GuardedSlab* slab;
    size_t index;
    SlotWord word;
    bool is_live;  // a live object begins at p
};
inline FoundSlot slot_of(const void* p) {
    GuardedSlab& slab = *slab_at(p);
    const SlotInfo& info = slab.info();
    const size_t offset = static_cast<size_t>(static_cast<const char*>(p) - slab.begin()) - kFirstSlot;
    const size_t index = offset < info.units * kUnitSize ? slot_at(info, offset) : info.slots;
    if (index >= info.slots) [[unlikely]]
        return {&slab, index, {}, false};
    const SlotWord word = word_at(slab.words[index]);
    return {&slab, index, word, word.state() == SlotState::kLive && index * info.bytes == offset};
}
// Why no live object begins at p.
Finding why_not_live(const FoundSlot& slot, const void* p);

// Whether the seal of an object that is this thread's, and what lies before it, are as they were; what is not, as check_object() says, may be
// another thread's doing.
inline bool seems_sound(const GuardedSlab& slab, size_t index, const char* object, size_t asked) {
    if (!touchable(slab)) return true;
    const size_t bytes = slab.info().bytes;
    if (broken_at(object, asked, bytes) < bytes) return false;
    if (index == 0 || slab.doubtful) return true;
    const SlotWord before = word_at(slab.words[index - 1]);
    if (before.state() == SlotState::kLive) return broken_at(object - bytes, before.asked(), bytes) == bytes;
    return is_zero(object - kAlignment, kAlignment);
}
Finding check_object(const GuardedSlab& slab, size_t index, size_t asked);
// The end of a slot that is about to be used for the first time: what the next object's owner wrote before its begin.
Finding check_fresh(const GuardedSlab& slab, size_t index);
// The memory of a slot that was freed and is about to be used again.
Finding check_reused(const GuardedSlab& slab, size_t index);
// All objects of a slab that are live, and all that was freed.
Finding check_slab(const GuardedSlab& slab);

}  // namespace tarn::hardened
