// SPDX-License-Identifier: MIT
// Large blocks of the hardened mode: each a mapping of its own that ends at a guard page.
//
//     guard | seal | block ............ | seal | guard ...
//           |<------- whole pages ----------->|
//
// The block ends where the guard begins, but for its alignment and, when realloc made it longer, less than a page: there the seal
// is. A word of it lies before the block, too, unless it begins with a page. The guard behind is as long as it takes
// to make the whole one of few lengths: a block may grow into it, and another one may have its place.
//
// What is freed may not be touched from then on. In the quarantine it keeps its memory, cleared, while there is not too much of it and
// nearly all was in use, so that a later block of its length costs no page faults; else the memory goes. A later block of its length gets its
// place; it is unmapped when others have taken its place there. No lock: each place is one word, and what the child of a fork finds half done is address space.
#pragma once
#include "backend/map/map.h"

namespace tarn::guarded {

using map::Block;

// `size` at least kSmallestBlock, `alignment` a power of two. All zero. `at` NULL: the kernel refuses, or it is too long for its record.
[[nodiscard]] Block allocate(size_t size, size_t alignment);
// Dies when a seal is broken.
void free(void* at, Record record);
// Where it is, with another size; `size` 0: it has to move. Dies when a seal is broken.
[[nodiscard]] Record resize_in_place(void* at, Record record, size_t new_size);
// To another place, without copying. `at` NULL: the block is untouched.
[[nodiscard]] Block remap(void* at, Record record, size_t new_size);

// Which seal of a block is broken.
enum class Broken : uint8_t { kNone, kBefore, kBehind };
Broken broken(const void* at, Record record);

// Whether it is in quarantine.
bool is_waiting(const void* at);
size_t trim();  // unmaps all that is in quarantine; bytes
size_t live_bytes();

}  // namespace tarn::guarded
