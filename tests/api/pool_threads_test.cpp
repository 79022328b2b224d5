// SPDX-License-Identifier: MIT
// Many threads in one pool: they free for one another, end, and are followed by others.
#include <gtest/gtest.h>
#include <pthread.h>

#include <array>
#include <atomic>
#include <cstdint>
#include <mutex>
#include <set>
#include <thread>
#include <vector>

#include "tarn/pool.h"
#include "thread_sanitizer.h"

namespace {

struct Object {
    uint64_t owner, check, fill[4];
};

class Pools : public testing::TestWithParam<unsigned> {
  public:
    ~Pools() override { tarn_pool_destroy(pool); }
    Object* make(uint64_t owner) {
        auto* object = static_cast<Object*>(tarn_pool_allocate(pool));
        *object = Object{owner, ~owner, {owner, owner, owner, owner}};
        return object;
    }
    void drop(Object* object) {
        if (object->check != ~object->owner || object->fill[3] != object->owner) damaged = true;
        object->check = object->owner;
        tarn_pool_free(pool, object);
    }
    tarn_pool_stats stats() {
        tarn_pool_stats now;
        tarn_pool_stats_get(pool, &now, sizeof now);
        return now;
    }
    // By its option, or because all are: in hardened mode and in a tarn built for debugging.
    bool is_checked() { return tarn_pool_enter(pool)->owner == 0; }
    tarn_pool* pool = tarn_pool_create(sizeof(Object), alignof(Object), GetParam());
    std::atomic<bool> damaged{false};
};

INSTANTIATE_TEST_SUITE_P(Threads, Pools, testing::Values(0u, unsigned{TARN_POOL_CHECKED}),
                         [](const auto& parameter) {
                             return parameter.param == 0 ? "Unchecked" : "Checked";
                         });

// One only allocates, one only frees: what is freed goes back to the producer.
TEST_P(Pools, ProducerAndConsumerDoNotGrow) {
    static constexpr uint64_t kObjects = 100000;
    static constexpr size_t kRing = 1024;
    std::array<std::atomic<Object*>, kRing> ring{};
    std::thread consumer([&] {
        for (uint64_t i = 0; i < kObjects; ++i) {
            Object* object;
            while (!(object = ring[i % kRing].exchange(nullptr, std::memory_order_acquire)))
                std::this_thread::yield();
            if (object->owner != i) damaged = true;
            drop(object);
        }
    });
    for (uint64_t i = 0; i < kObjects; ++i) {
        while (ring[i % kRing].load(std::memory_order_relaxed))
            std::this_thread::yield();
        ring[i % kRing].store(make(i), std::memory_order_release);
    }
    consumer.join();
    EXPECT_FALSE(damaged);
    EXPECT_EQ(stats().live_objects, 0u);
    EXPECT_EQ(stats().allocations, kObjects);
    // In the ring, on two stacks, on the way, and twice that since chunks grow geometrically.
    EXPECT_LE(stats().chunk_bytes, 2 * (kRing * sizeof(Object) + 3 * 65536));
    EXPECT_GT(stats().hit_rate, 0.9);
}

// Threads that live for a moment free what others have made; their thread pointers are used again.
TEST_P(Pools, ThreadsEndAndFreeForOneAnother) {
    static constexpr int kRounds = 60, kThreads = 4, kSteps = 1000;
    std::array<std::atomic<Object*>, 256> mailbox{};
    for (int round = 0; round < kRounds; ++round) {
        std::vector<std::thread> threads;
        for (int t = 0; t < kThreads; ++t)
            threads.emplace_back([&, seed = static_cast<uint32_t>(round * kThreads + t)]() mutable {
                for (int i = 0; i < kSteps; ++i) {
                    seed = seed * 1664525u + 1013904223u;
                    Object* mine = seed >> 31 ? make(seed) : nullptr;
                    Object* other = mailbox[seed >> 8 & 255].exchange(mine, std::memory_order_acq_rel);
                    if (other) drop(other);
                }
                if (seed & 1) tarn_pool_flush(pool);
            });
        for (std::thread& thread : threads)
            thread.join();
    }
    uint64_t held = 0;
    for (std::atomic<Object*>& slot : mailbox)
        if (slot.load()) ++held;
    EXPECT_EQ(stats().live_objects, held);
    for (std::atomic<Object*>& slot : mailbox)
        if (Object* object = slot.load()) drop(object);
    EXPECT_FALSE(damaged);
    EXPECT_EQ(stats().live_objects, 0u);
    EXPECT_LE(stats().chunk_bytes, uint64_t{kThreads} * 4 * 65536);
}

// Nobody joins them: only the stack of the thread before, given to the next one, orders the two.
TEST_P(Pools, DetachedThreadsFollowOneAnother) {
    static constexpr int kThreads = 200;
    static std::atomic<int> ended;
    ended = 0;
    pthread_attr_t attributes;
    pthread_attr_init(&attributes);
    pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
    for (int i = 0; i < kThreads; ++i) {
        pthread_t thread;
        ASSERT_EQ(pthread_create(
                      &thread, &attributes,
                      [](void* context) -> void* {
                          auto& test = *static_cast<Pools*>(context);
                          std::array<Object*, 20> objects;
                          for (Object*& object : objects)
                              object = test.make(1);
                          for (Object* object : objects)
                              test.drop(object);
                          ended.fetch_add(1, std::memory_order_release);
                          return nullptr;
                      },
                      this),
                  0);
        while (ended.load(std::memory_order_relaxed) <= i)
            std::this_thread::yield();
    }
    EXPECT_EQ(ended.load(std::memory_order_acquire), kThreads);  // all is over before the pool ends
    pthread_attr_destroy(&attributes);
    EXPECT_FALSE(damaged);
    EXPECT_EQ(stats().allocations, uint64_t{kThreads} * 20);
    EXPECT_EQ(stats().live_objects, 0u);
    EXPECT_LE(stats().threads, 20u);
}

// More threads than lists: some are never the first of theirs.
TEST_P(Pools, MoreThreadsThanListsEachKeepTheirOwn) {
    static constexpr int kThreads = 150, kObjects = 300, kRounds = 3;
    std::vector<std::thread> threads;
    std::atomic<int> ready{0};
    for (int t = 0; t < kThreads; ++t)
        threads.emplace_back([&, t] {
            drop(make(static_cast<uint64_t>(t)));
            ready.fetch_add(1);
            while (ready.load() < kThreads)
                std::this_thread::yield();
            // What was freed last is on this thread's stack, not on that of the first in its list.
            Object* const first = make(static_cast<uint64_t>(t));
            drop(first);
            Object* const again = make(static_cast<uint64_t>(t));
            if (!is_checked() && again != first) damaged = true;
            drop(again);
            std::vector<Object*> mine;
            for (int round = 0; round < kRounds; ++round) {
                for (int i = 0; i < kObjects; ++i)
                    mine.push_back(make(static_cast<uint64_t>(t)));
                for (Object* object : mine) {
                    if (object->owner != static_cast<uint64_t>(t)) damaged = true;
                    drop(object);
                }
                mine.clear();
            }
        });
    for (std::thread& thread : threads)
        thread.join();
    EXPECT_FALSE(damaged);
    EXPECT_EQ(stats().live_objects, 0u);
    EXPECT_EQ(stats().allocations, uint64_t{kThreads} * (kObjects * kRounds + 3));
    const unsigned stacks = stats().threads;
    EXPECT_EQ(stacks, is_checked() ? 0u : unsigned{kThreads});
}

// Readings, trims and reservations while others work; every equation holds in each reading.
TEST_P(Pools, IsReadAndTrimmedMeanwhile) {
    std::atomic<bool> working{true};
    std::vector<std::thread> threads;
    for (uint64_t t = 0; t < 3; ++t)
        threads.emplace_back([&, t] {
            std::array<Object*, 64> objects{};
            for (uint32_t i = 0; working.load(std::memory_order_relaxed); ++i) {
                Object*& object = objects[i * 7 % 64];
                if (object) drop(object);
                object = make(t);
                if (i % 4096 == 0) tarn_pool_trim(pool);
            }
            for (Object* object : objects)
                if (object) drop(object);
        });
    for (int i = 0; i < 1000; ++i) {
        const tarn_pool_stats now = stats();
        EXPECT_EQ(now.fresh + now.reused, now.allocations);
        EXPECT_EQ(now.live_objects + now.frees, now.allocations);
        EXPECT_LE(now.hit_rate, 1.0);
        if (i % 100 == 0) {
            EXPECT_EQ(tarn_pool_reserve(pool, 100), 0);
        }
        if (i % 10 == 0) tarn_pool_trim(pool);
    }
    working = false;
    for (std::thread& thread : threads)
        thread.join();
    EXPECT_FALSE(damaged);
    EXPECT_EQ(stats().live_objects, 0u);
}

}  // namespace
