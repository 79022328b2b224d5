// SPDX-License-Identifier: MIT
// Slots: what hardened slabs are cut into. A slot holds an object and, behind its last byte, the seal: eight bytes at least,
// and all that the object leaves of its slot. So a seal lies before each object but a slab's first, too.
//
//     guard page | object, as long as asked for | seal ......... | object ...
//                |<----------------- slot ---------------------->|
//
// Before the first one is the slab's guard page. Slots are as long as the size classes' objects, and one is longer, for the largest objects; and there are those of
// malloc(0), which nobody may touch.
#pragma once
#include <array>

#include "heap/size_classes.h"
#include "os/os.h"

namespace tarn::hardened {

using SlotClass = unsigned;

inline constexpr size_t kSealLeast = 8;
inline constexpr SlotClass kLargestSlot = kClasses;
inline constexpr SlotClass kUntouchable = kClasses + 1;
inline constexpr SlotClass kNoSlot = kClasses + 2;
inline constexpr unsigned kSlotClasses = kClasses + 2;

struct SlotInfo {
    uint32_t bytes;
    uint32_t slots;  // in a slab
    uint32_t units;  // of a slab
    uint64_t reciprocal;
    uint32_t words() const { return (slots + 63) / 64; }
};

namespace detail {

constexpr SlotInfo slot_info(SlotClass c) {
    SlotInfo info{};
    info.bytes = c < kClasses        ? kSizeClasses[c].size
                 : c == kLargestSlot ? kSmallMax + kAlignment
                                     : kAlignment;
    const uint32_t least = info.bytes <= os::kPageSize ? 8 : 4;
    do {
        ++info.units;
        info.slots = static_cast<uint32_t>((info.units * kUnitSize - os::kPageSize) / info.bytes);
    } while (info.slots < least);
    info.reciprocal = (uint64_t{1} << tarn::detail::kReciprocalShift) / info.bytes + 1;
    return info;
}

constexpr auto make_slots() {
    std::array<SlotInfo, kSlotClasses> slots{};
    for (SlotClass c = 0; c < kSlotClasses; ++c)
        slots[c] = slot_info(c);
    return slots;
}

}  // namespace detail

inline constexpr std::array<SlotInfo, kSlotClasses> kSlots = detail::make_slots();
inline constexpr size_t kSlotsMost = 1024;  // in a slab
inline constexpr size_t kUnitsMost = 16;    // of a slab

inline constexpr size_t kFirstSlot =
    os::kPageSize;  // where it begins in its slab; slots are aligned to no more

inline constexpr size_t slot_at(const SlotInfo& info, size_t offset) {
    return static_cast<size_t>((offset * info.reciprocal) >> tarn::detail::kReciprocalShift);
}

// The smallest slot for so many bytes at this alignment; kNoSlot: none.
inline SlotClass slot_for(size_t size, size_t alignment) {
    if (size == 0 && alignment <= kAlignment) return kUntouchable;
    if (size > kSmallMax || alignment > kFirstSlot) return kNoSlot;
    SlotClass c = size + kSealLeast <= kSmallMax ? class_of_size(size + kSealLeast) : kLargestSlot;
    while (kSlots[c].bytes & (alignment - 1))
        if (++c > kLargestSlot) return kNoSlot;
    return c;
}

static_assert([] {
    for (const SlotInfo& info : kSlots) {
        if (info.slots > kSlotsMost || info.units > kUnitsMost || info.bytes % kAlignment) return false;
        for (uint32_t i = 0; i < info.slots; ++i)
            if (slot_at(info, size_t{i} * info.bytes) != i ||
                slot_at(info, size_t{i + 1} * info.bytes - 1) != i)
                return false;
    }
    return true;
}());

}  // namespace tarn::hardened
