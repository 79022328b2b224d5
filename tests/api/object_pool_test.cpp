// SPDX-License-Identifier: MIT
// ObjectPool<T>: objects stay constructed between two uses.
#include "tarn/object_pool.hpp"
#include "thread_sanitizer.h"

#include <gtest/gtest.h>

#include <atomic>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

namespace tarn {
namespace {

struct Buffer {
    static inline std::atomic<int> alive{0};
    explicit Buffer(size_t capacity) { ++alive, text.reserve(capacity); }
    ~Buffer() { --alive; }
    Buffer(const Buffer&) = delete;
    std::string text;
};
using Buffers = ObjectPool<Buffer>;

std::function<Buffer()> makes(size_t capacity) {
    return [capacity] { return Buffer(capacity); };
}
void clears(Buffer& buffer) {
    buffer.text.clear();
}

// Without a factory only what a T() can be made of; with one, only what it gives.
static_assert(std::is_constructible_v<ObjectPool<std::string>, size_t>);
static_assert(!std::is_constructible_v<Buffers, size_t>);
static_assert(std::is_constructible_v<Buffers, size_t, Buffer (*)()>);
static_assert(!std::is_constructible_v<Buffers, size_t, int* (*)()>);

TEST(ObjectPool, KeepsWhatAnObjectOwns) {
    Buffers pool(4, makes(1000), clears);
    const void* at;
    const char* memory;
    {
        Buffers::Handle buffer = pool.acquire();
        buffer->text = "used";
        at = buffer.get();
        memory = buffer->text.data();
    }
    EXPECT_EQ(Buffer::alive, 1);
    Buffers::Handle again = pool.acquire();
    EXPECT_EQ(again.get(), at);
    EXPECT_EQ(again->text.data(), memory);
    EXPECT_EQ(again->text, "");
    EXPECT_GE(again->text.capacity(), 1000u);
    const ObjectPoolStats stats = pool.stats();
    EXPECT_EQ(stats.acquired, 2u);
    EXPECT_EQ(stats.made, 1u);
    EXPECT_EQ(stats.reused, 1u);
    EXPECT_EQ(stats.live, 1u);
    EXPECT_EQ(stats.idle, 0u);
    EXPECT_EQ(stats.hit_rate(), 0.5);
}

TEST(ObjectPool, IdleObjectsAreBounded) {
    {
        Buffers pool(3, makes(1), clears);
        EXPECT_EQ(pool.stats().hit_rate(), 0);
        {
            std::vector<Buffers::Handle> handles;
            for (int i = 0; i < 10; ++i)
                handles.push_back(pool.acquire());
            EXPECT_EQ(Buffer::alive, 10);
            EXPECT_EQ(pool.stats().live, 10u);
        }
        EXPECT_EQ(Buffer::alive, 3);
        EXPECT_EQ(pool.stats().idle, 3u);
        EXPECT_EQ(pool.stats().live, 0u);
        pool.clear();
        EXPECT_EQ(Buffer::alive, 0);
        pool.prefill(100);
        EXPECT_EQ(Buffer::alive, 3);
        EXPECT_EQ(pool.stats().made, 13u);
        EXPECT_EQ(pool.stats().acquired, 10u);
    }
    EXPECT_EQ(Buffer::alive, 0);
    ObjectPool<int> keeps_none(0);
    { EXPECT_EQ(*keeps_none.acquire(), 0); }
    EXPECT_EQ(keeps_none.stats().idle, 0u);
}

TEST(ObjectPool, HandlesMove) {
    ObjectPool<int> pool(2);
    ObjectPool<int>::Handle first = pool.acquire();
    ObjectPool<int>::Handle second = std::move(first);
    EXPECT_EQ(pool.stats().live, 1u);
    second = pool.acquire();
    EXPECT_EQ(pool.stats().live, 1u);
    EXPECT_EQ(pool.stats().idle, 1u);
    second.reset();
    EXPECT_EQ(pool.stats().idle, 2u);
}

TEST(ObjectPool, FactoriesAndResetsMayThrow) {
    bool fails = true;
    Buffers pool(
        2,
        [&] {
            if (fails) throw std::runtime_error("no");
            return Buffer(1);
        },
        [&](Buffer&) {
            if (fails) throw std::runtime_error("neither");
        });
    EXPECT_THROW(static_cast<void>(pool.acquire()), std::runtime_error);
    EXPECT_THROW(pool.prefill(1), std::runtime_error);
    EXPECT_EQ(pool.stats().made, 0u);
    EXPECT_EQ(pool.stats().live, 0u);
    fails = false;
    Buffers::Handle buffer = pool.acquire();
    EXPECT_EQ(Buffer::alive, 1);
    fails = true;
    buffer.reset();
    EXPECT_EQ(Buffer::alive, 0);
    EXPECT_EQ(pool.stats().idle, 0u);
    EXPECT_EQ(pool.stats().live, 0u);
}

TEST(ObjectPool, TooManyIdleObjectsAreRefused) {
    EXPECT_THROW(ObjectPool<int>{SIZE_MAX}, std::length_error);
}

TEST(ObjectPool, OneThreadNeedsNoMutex) {
    ObjectPool<std::string, NoMutex> pool(1, [] { return std::string("made"); });
    EXPECT_EQ(*pool.acquire(), "made");
    EXPECT_EQ(pool.stats().idle, 1u);
}

TEST(ObjectPool, ThreadsShareIt) {
    static constexpr int kThreads = 4, kRounds = 3000;
    {
        ObjectPool<Buffer> pool(2, makes(100), clears);
        std::atomic<bool> damaged{false};
        std::vector<std::thread> threads;
        for (int t = 0; t < kThreads; ++t)
            threads.emplace_back([&, t] {
                for (int i = 0; i < kRounds; ++i) {
                    auto buffer = pool.acquire();
                    if (!buffer->text.empty()) damaged = true;
                    buffer->text.assign(50, static_cast<char>('a' + t));
                    if (buffer->text != std::string(50, static_cast<char>('a' + t))) damaged = true;
                }
            });
        for (std::thread& thread : threads)
            thread.join();
        EXPECT_FALSE(damaged);
        EXPECT_EQ(pool.stats().acquired, uint64_t{kThreads} * kRounds);
        EXPECT_EQ(pool.stats().made + pool.stats().reused, pool.stats().acquired);
        EXPECT_LE(pool.stats().idle, 2u);
        EXPECT_EQ(pool.stats().live, 0u);
    }
    EXPECT_EQ(Buffer::alive, 0);
}

}  // namespace
}  // namespace tarn
