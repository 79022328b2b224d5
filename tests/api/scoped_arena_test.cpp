// SPDX-License-Identifier: MIT
// Arenas on the stack: nothing from malloc until they are full, and nothing left behind.
#include "tarn/scoped_arena.hpp"

#include <gtest/gtest.h>

#include <cstring>
#include <memory_resource>
#include <string>
#include <vector>

#include "tarn/statistics.h"

namespace {

uint64_t allocations() {
    tarn_stats stats;
    tarn_stats_get(&stats, sizeof stats);
    return stats.allocations;
}
uint64_t live_objects() {
    tarn_stats stats;
    tarn_stats_get(&stats, sizeof stats);
    return stats.live_objects;
}

TEST(ScopedArena, TakesNothingFromMallocUntilItIsFull) {
    const uint64_t before = allocations();
    tarn::ScopedArena<1024> arena;
    for (int i = 0; i < 64; ++i) {
        auto* at = static_cast<char*>(arena.allocate(16, 16));
        ASSERT_GE(at, reinterpret_cast<char*>(&arena));
        ASSERT_LE(at + 16, reinterpret_cast<char*>(&arena + 1));
    }
    EXPECT_EQ(allocations(), before);
    EXPECT_NE(arena.allocate(1, 1), nullptr);
    EXPECT_EQ(allocations(), before + 1);
}

template <size_t N>
void fills_and_goes() {
    const uint64_t before = live_objects();
    for (size_t size : {size_t{1}, size_t{7}, N / 3, N, N + 1, 10 * N, 100 * N}) {
        tarn::ScopedArena<N> arena;
        static_assert(tarn::ScopedArena<N>::capacity_on_stack() >= N);
        std::vector<std::pair<unsigned char*, int>> blocks;
        for (int i = 0; i < 40; ++i) {
            auto* at = static_cast<unsigned char*>(arena.allocate(size, size_t{1} << i % 8));
            ASSERT_EQ(reinterpret_cast<uintptr_t>(at) % (size_t{1} << i % 8), 0u);
            memset(at, i, size);
            blocks.push_back({at, i});
        }
        for (auto [at, i] : blocks)
            for (size_t j = 0; j < size; ++j)
                ASSERT_EQ(at[j], i);
    }
    EXPECT_EQ(live_objects(), before);
}

TEST(ScopedArena, OverflowsToTheHeapAndGoes) {
    fills_and_goes<16>();
    fills_and_goes<100>();
    fills_and_goes<1024>();
    fills_and_goes<9000>();
}

TEST(ScopedArena, RunsDestructorsAtTheEnd) {
    static int live = 0;
    struct Counted {
        std::string text = std::string(100, 'x');
        Counted() { ++live; }
        ~Counted() { --live; }
    };
    const uint64_t before = live_objects();
    try {
        tarn::ScopedArena<256> arena;
        for (int i = 0; i < 20; ++i)
            arena.make<Counted>();
        EXPECT_EQ(live, 20);
        throw 1;
    } catch (int) {
    }
    EXPECT_EQ(live, 0);
    EXPECT_EQ(live_objects(), before);
}

TEST(ScopedArena, IsAMemoryResource) {
    const uint64_t before = allocations();
    tarn::ScopedArena<4096> arena;
    tarn::ArenaResource resource(arena);
    std::pmr::vector<int> numbers(&resource);
    for (int i = 0; i < 200; ++i)
        numbers.push_back(i);
    EXPECT_EQ(numbers[199], 199);
    EXPECT_EQ(allocations(), before);
}

}  // namespace
