// SPDX-License-Identifier: MIT
// realloc. May be called at any time, as the slow ends of allocate and release.
#pragma once
#include <cstddef>

namespace tarn {

// realloc's contract, as in glibc: size 0 frees and returns NULL.
void* reallocate(void* pointer, size_t size);
// The same for what allocate_aligned gave with this alignment, of which only `used` bytes are kept; `size` is
// not 0, and such as aligned_size gives. NULL and ENOMEM: the old block is untouched.
void* reallocate_aligned(void* pointer, size_t alignment, size_t used, size_t size);

}  // namespace tarn
