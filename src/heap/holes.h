// SPDX-License-Identifier: MIT
// Holes: pages of a slab in use whose memory went back, since every object on them is free. The objects have
// left the slab's list; they are taken in again when it has no others. After the "hole purging" of Bun's
// mimalloc. Each page has a bit in its window's header (page_map.h). For who has the lock of the slab's
// owner.
#pragma once
#include "heap/slab.h"

namespace tarn {

// Because the program asks; else of tarn's own accord, where few objects are used: while the program grows, two pages
// at a time at least.
enum class Punch : uint8_t { kGrown, kIdle, kAsked };
inline constexpr unsigned kPunches = 3;
struct Punched {
    size_t bytes = 0;      // that went back
    unsigned calls = 0;    // of the system
    bool refused = false;  // one of them was, and tarn's own accord ended there
};
Punched punch_holes(Slab& slab, Punch punch);
// Whether tarn may do so of its own accord: madvise is on no list of what a sandbox must allow, and huge pages that the
// user wants stay whole. Found out once.
bool may_punch();
// An object that is away comes back to the slab's list, and those that become whole with it. Nothing when
// none is away.
void fill_hole(Slab& slab);
// The slab is about to be dissolved.
void forget_holes(Slab& slab);
// In the child of a fork. Whether the bits and the count of what is away say the same; and away with both.
bool holes_agree(const Slab& slab);
void clear_holes(Slab& slab);

}  // namespace tarn
