// SPDX-License-Identifier: MIT
// Pointers that libc's own allocator has made, before tarn was there or behind its back: all that is known of them.
#pragma once
#include <cstddef>

namespace tarn {

// What libc's malloc_usable_size says of a chunk of its own; 0 of what cannot be one. Reads nothing that cannot be
// read.
size_t libc_size(const void* pointer);

// The pointer is in no slab, and no live block starts there: libc frees it, or there is a message and the end.
void release_foreign(void* pointer);

}  // namespace tarn
