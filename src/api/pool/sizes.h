// SPDX-License-Identifier: MIT
// How large a pool's objects and stacks are.
#pragma once
#include <cstddef>
#include <cstdint>

namespace tarn::pool {

inline constexpr size_t kMostAlignment = 4096;
inline constexpr size_t kMostSlots = 2048, kFewestSlots = 16;
inline constexpr size_t kStackBytes = size_t{64} << 10;  // of objects on a full stack, unless that is too few

// What an object takes; 0 when no memory can be that large.
inline size_t stride_of(size_t size, size_t alignment) {
    if (size > PTRDIFF_MAX - alignment) return 0;
    if (size < sizeof(void*)) size = sizeof(void*);
    return (size + alignment - 1) & ~(alignment - 1);
}

inline size_t slots_for(size_t stride) {
    const size_t slots = kStackBytes / stride & ~size_t{1};
    return slots > kMostSlots ? kMostSlots : slots < kFewestSlots ? kFewestSlots : slots;
}

}  // namespace tarn::pool
