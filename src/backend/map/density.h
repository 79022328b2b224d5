// SPDX-License-Identifier: MIT
// Whether the blocks of a process are written nearly everywhere (huge_pages.h), as the kernel says of some of them. Each
// function takes the lock of the books, and asks the kernel without it.
#pragma once
#include "backend/map/books.h"

namespace tarn::map {

// Of a range that is about to be kept.
void learn_density(Books& all, Range range);
// Before anything was given back, for a block of this size: is the last fresh block written by now?
void learn_from_latest(Books& all, size_t size);
// A block that grows is judged by itself: was it written as it grew so far?
bool growth_deserves_huge(Books& all, Range range, size_t size);
// `more`: of the block, what the books do not count yet.
bool huge_wanted(Books& all, size_t size, size_t more);

}  // namespace tarn::map
