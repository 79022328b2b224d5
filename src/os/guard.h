// SPDX-License-Identifier: MIT
// Guard pages: a touch of them raises SIGSEGV. Linux 6.13 and on has them inside of a mapping; elsewhere, and in locked memory,
// each costs a mapping or two, of which there are so many and no more. As in os.h nothing allocates, locks or touches errno.
#pragma once
#include <cstddef>
#include <cstdint>

namespace tarn::os {

// Whole pages of a private, anonymous mapping that may be read and written. Nobody may touch them until they are
// unguarded, in children of fork as well; their memory goes. False, and nothing has changed: the kernel refused, or too
// many mappings would be needed.
[[nodiscard]] bool guard(void* at, size_t bytes);
// A range that was guarded, the same one: it may be read and written again, and reads as zero, unless it is
// locked memory. False when the kernel refused: it stays guarded.
bool unguard(void* at, size_t bytes);

// Whether guards cost no mappings here. A system call at first.
bool guards_inside_mappings();
// How many ranges are guarded by mappings of their own.
size_t guards_by_mapping();
// So many there may be: an eighth of the kernel's mappings.
size_t guards_by_mapping_most();

// Tests only (os.h): whether guards inside of mappings may be used, and how many of the others.
void allow_guards_inside(bool allowed);
void allow_guards_by_mapping(size_t most);

}  // namespace tarn::os
