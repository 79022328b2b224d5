// SPDX-License-Identifier: MIT
// 10 MB of an arena, a heap and a pool, by names, for profile_scenarios.py.
#include <stdlib.h>

#include "tarn/arena.h"
#include "tarn/heap.h"
#include "tarn/pool.h"

// It is preloaded, not linked with.
extern "C" {
[[gnu::weak]] tarn_arena* tarn_arena_create(size_t, size_t);
[[gnu::weak]] void* tarn_arena_allocate_slow(tarn_arena*, size_t, size_t);
[[gnu::weak]] tarn_heap* tarn_heap_create(const tarn_heap_options*, size_t);
[[gnu::weak]] void* tarn_heap_allocate(tarn_heap*, size_t);
[[gnu::weak]] void tarn_heap_name(tarn_heap*, const char*);
[[gnu::weak]] tarn_pool* tarn_pool_create(size_t, size_t, unsigned);
[[gnu::weak]] void tarn_pool_name(tarn_pool*, const char*);
[[gnu::weak]] int tarn_pool_reserve(tarn_pool*, size_t);
}

int main() {
    constexpr size_t kBytes = 10'000'000, kObject = 100;
    tarn_arena* const arena = tarn_arena_create(0, 0);
    tarn_arena_name(arena, "an arena");
    tarn_heap* const heap = tarn_heap_create(nullptr, 0);
    tarn_heap_name(heap, "a heap");
    tarn_pool* const pool = tarn_pool_create(64, 8, 0);
    tarn_pool_name(pool, "a pool");
    for (size_t i = 0; i < kBytes / kObject; ++i)
        if (!tarn_arena_allocate_slow(arena, kObject, 8) || !tarn_heap_allocate(heap, kObject)) abort();
    return tarn_pool_reserve(pool, kBytes / 64);
}
