// SPDX-License-Identifier: MIT
// mremap of a mapping that may have huge pages.
#pragma once
#include <cstddef>

namespace tarn {

// In place, else to a place at the same offset from huge pages, so that the kernel moves them whole (and
// other pages by tables of 512), else anywhere. NULL when refused: the old mapping is then untouched.
[[nodiscard]] void* remap_by_huge_pages(void* at, size_t old_size, size_t new_size);

}  // namespace tarn
