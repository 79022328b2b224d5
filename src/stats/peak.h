// SPDX-License-Identifier: MIT
// The most bytes that were ever live. Nobody counts them as they come and go: they are summed up, by a walk over all
// caches, where more memory is in slabs and blocks than there was at any sum before, and in each snapshot.
//
//     footprint = bytes in slabs + bytes of live blocks >= live bytes
//
// Between two sums the footprint rises by less than a step beyond what it was at the highest one: kPeakStepLeast, a share
// of it, or more where there are many caches. So the peak is too low by no more than a step and what lay free in slabs
// at that sum.
#pragma once
#include <cstddef>
#include <cstdint>

namespace tarn {

inline constexpr size_t kPeakStepLeast = size_t{256} << 10;
inline constexpr size_t kPeakStepShare = 32;                   // of the footprint
inline constexpr size_t kPeakStepOfCache = size_t{128} << 10;  // for each cache that there is to walk over

// There may be more in slabs, or in blocks, than ever. At cold ends, with no lock held; waits for nobody, and leaves the
// sum to the next call where somebody holds a lock.
void note_footprint();

struct Peak {
    uint64_t small, all;
};
Peak peak_live();
// Both are at least so high from now on.
void raise_peak(Peak least);

}  // namespace tarn
