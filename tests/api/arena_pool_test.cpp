// SPDX-License-Identifier: MIT
// Pools of arenas: RAII, and many threads. Runs under ThreadSanitizer, too.
#include "tarn/arena_pool.hpp"
#include "thread_sanitizer.h"

#include <gtest/gtest.h>

#include <atomic>
#include <random>
#include <thread>
#include <vector>

namespace {

TEST(ArenaPool, GivesBackAtTheEndOfTheScope) {
    tarn::ArenaPool pool;
    tarn_arena* first;
    {
        tarn::PooledArena arena = pool.acquire();
        first = arena.handle();
        arena.string("text");
        EXPECT_EQ(pool.statistics().idle_arenas, 0u);
    }
    EXPECT_EQ(pool.statistics().idle_arenas, 1u);
    tarn::PooledArena again = pool.acquire();
    EXPECT_EQ(again.handle(), first);
    EXPECT_EQ(again.statistics().used, 0u);
}

TEST(ArenaPool, MovesOwnership) {
    tarn::ArenaPool pool;
    {
        tarn::PooledArena a = pool.acquire();
        tarn::PooledArena b(std::move(a));
        tarn::PooledArena c = pool.acquire();
        c = std::move(b);
        EXPECT_EQ(pool.statistics().kept, 1u);
    }
    EXPECT_EQ(pool.statistics().kept, 2u);
    EXPECT_EQ(pool.statistics().idle_arenas, 2u);
    EXPECT_GT(pool.trim(), 0u);
    EXPECT_EQ(pool.statistics().idle_bytes, 0u);
}

TEST(ArenaPool, ThrowsWhenTheSizesMakeNoSense) {
    EXPECT_THROW(tarn::ArenaPool({.first_chunk = 8192, .largest_chunk = 512}), std::bad_alloc);
}

// Each arena is one thread's at a time: what a thread writes into it is there until it gives it back. Arenas
// are given back by other threads, too.
TEST(ArenaPool, ManyThreads) {
    constexpr int kThreads = 4, kRounds = 1500;
    tarn::ArenaPool pool({.idle_arenas = 3, .idle_bytes = 100000, .first_chunk = 512});
    std::atomic<tarn_arena*> handed{nullptr};
    std::atomic<uint64_t> released{0}, torn{0}, cleanups{0};
    const auto run = [&](unsigned number) {
        std::mt19937 random(number);
        for (int round = 0; round < kRounds; ++round) {
            tarn_arena* arena = tarn_arena_pool_acquire(pool.handle());
            if (!arena) std::abort();
            tarn::ArenaRef ref(arena);
            ref.on_rewind([](void* count) { ++*static_cast<std::atomic<uint64_t>*>(count); }, &cleanups);
            std::vector<std::span<uint64_t>> written;
            for (auto i = random() % 30; i > 0; --i) {
                written.push_back(ref.make_array<uint64_t>(random() % 40));
                for (uint64_t& word : written.back())
                    word = number * uint64_t{kRounds} + static_cast<uint64_t>(round);
            }
            if (round % 5 == 0) std::this_thread::yield();
            for (const auto& words : written)
                for (const uint64_t word : words)
                    torn += word != number * uint64_t{kRounds} + static_cast<uint64_t>(round);
            if (round % 3 == 0) arena = handed.exchange(arena);
            if (arena) {
                tarn_arena_pool_release(pool.handle(), arena);
                ++released;
            }
            if (round % 200 == 0) pool.trim();
            const tarn_arena_pool_stats now = pool.statistics();
            torn += now.idle_arenas > 3 || now.idle_bytes > 100000;
        }
    };
    std::vector<std::thread> threads;
    for (unsigned i = 0; i < kThreads; ++i)
        threads.emplace_back(run, i);
    for (std::thread& thread : threads)
        thread.join();
    if (tarn_arena* arena = handed.load()) {
        tarn_arena_pool_release(pool.handle(), arena);
        ++released;
    }
    const tarn_arena_pool_stats stats = pool.statistics();
    EXPECT_EQ(torn.load(), 0u);
    EXPECT_EQ(released.load(), uint64_t{kThreads} * kRounds);
    EXPECT_EQ(cleanups.load(), uint64_t{kThreads} * kRounds);
    EXPECT_EQ(stats.hits + stats.misses, uint64_t{kThreads} * kRounds);
    EXPECT_EQ(stats.kept + stats.freed, uint64_t{kThreads} * kRounds);
    EXPECT_GT(stats.hits, 0u);
}

}  // namespace
