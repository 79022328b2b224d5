// SPDX-License-Identifier: MIT
// The questions of `map` to the kernel about huge pages: madvise and mincore. A process may live under a filter that
// allows what malloc is known to call (mmap, munmap, mremap, mprotect), and ends it for anything else, which
// nobody is told. So nothing is asked before a process has so much in blocks that it matters; then, once,
// whether it is so confined and what the machine does about huge pages; under a filter only after far more.
#pragma once
#include <cstddef>

#include "backend/ranges/range_tree.h"

namespace tarn::map {

inline constexpr size_t kMuch = size_t{1} << 30;  // bytes taken in all, from where on a filter is no reason

// May the kernel be asked? For a process that has HugePages::kFrom in blocks and took `taken` bytes in all.
bool worth_asking(size_t taken);

// A fresh mapping, in every process: marked as never huge where the kernel would make it so unasked, or as
// the user wants it.
void advise_fresh(Range range);
// Huge pages are wanted here. False: it was refused.
bool want_huge(Range range);
// Bytes of the range that are resident; 0 when the kernel does not say.
size_t resident_bytes(Range range);

}  // namespace tarn::map
