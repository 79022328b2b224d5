// SPDX-License-Identifier: MIT
// The slow ends of release. May be called at any time, as those of allocate.
#pragma once
#include <cstddef>

#include "hardened/guarded_slab.h"

namespace tarn {

struct Bin;

// Every case that release does not serve itself. errno is preserved.
[[gnu::noinline]] void release_full(void* pointer, Bin& bin) noexcept;       // the bin is this thread's
[[gnu::noinline]] void release_elsewhere(void* pointer, Bin& bin) noexcept;  // it is not, or there is none
[[gnu::cold, gnu::noinline]] void release_cold(void* pointer) noexcept;
// In the hardened mode: whatever it is, and NULL; `size` is what the caller says, or hardened::kAnySize.
[[gnu::noinline]] void release_hardened(void* pointer, hardened::Form form, size_t size) noexcept;
// What the caller knows nothing of.
[[gnu::noinline]] void release_slow(void* pointer) noexcept;

}  // namespace tarn
