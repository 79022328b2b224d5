// SPDX-License-Identifier: MIT
// The slow ends of allocate, and the allocations that have no fast path. Each begins by making sure that the thread
// has a cache, if it can have one. All may be called at any time: before start-up, after thread exit, after
// atexit handlers.
#pragma once
#include <cstddef>

#include "hardened/guarded_slab.h"
#include "pages/runs.h"

namespace tarn {

inline constexpr size_t kSlabAlignmentMax = kUnitSize;  // slabs start on a unit

// NULL and errno ENOMEM when out of memory.
[[gnu::noinline]] void* allocate_slow(size_t size);

// In the hardened mode, of any size: zeroed, and to be freed as `form` says.
void* allocate_hardened(size_t size, size_t alignment, hardened::Form form);

// Zeroed. ENOMEM when count * size overflows.
void* allocate_zeroed(size_t count, size_t size);
// Alignment is a power of two. ENOMEM.
void* allocate_aligned(size_t alignment, size_t size);
// What allocate_aligned makes of `size`, which may be asked for instead; `size` itself where that is not
// known.
size_t aligned_size(size_t alignment, size_t size);
}  // namespace tarn
