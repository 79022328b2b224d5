// SPDX-License-Identifier: MIT
// What heaps of the explicit interface tell tarn_stats_get, and what stays when they are gone.
#include <gtest/gtest.h>

#include <atomic>
#include <random>
#include <thread>
#include <vector>

#include "stats_now.h"
#include "tarn/tarn.h"
#include "thread_sanitizer.h"

namespace {

TEST(HeapReport, ChunksAndBlocks) {
    const tarn_stats before = stats_now();
    tarn_heap* heap = tarn_heap_create(nullptr, 0);
    EXPECT_EQ(stats_now().user_heaps, before.user_heaps + 1);
    tarn_heap_allocate(heap, 100);
    const uint64_t with_chunk = stats_now().user_heap_bytes;
    EXPECT_GE(with_chunk, before.user_heap_bytes + 4096);
    void* block = tarn_heap_allocate(heap, 1 << 20);
    EXPECT_GE(stats_now().user_heap_bytes, with_chunk + (1 << 20));
    block = tarn_heap_reallocate(heap, block, 3 << 20);
    EXPECT_GE(stats_now().user_heap_bytes, with_chunk + (3 << 20));
    tarn_heap_free(heap, block);
    EXPECT_EQ(stats_now().user_heap_bytes, with_chunk);
    tarn_heap_destroy(heap);
    EXPECT_EQ(stats_now().user_heaps, before.user_heaps);
    EXPECT_EQ(stats_now().user_heaps_made, before.user_heaps_made + 1);
    EXPECT_EQ(stats_now().user_heap_bytes, before.user_heap_bytes);
}

// What the heap says of itself, of all that was done to it, is what the totals grow by.
void expect_growth(const tarn_stats& before, const tarn_heap_stats& heap) {
    const tarn_stats after = stats_now();
    EXPECT_EQ(after.user_heap_allocations - before.user_heap_allocations, heap.allocations);
    EXPECT_EQ(after.user_heap_live_objects - before.user_heap_live_objects, heap.live_objects);
    EXPECT_EQ(after.user_heap_live_bytes - before.user_heap_live_bytes, heap.live_bytes);
}

tarn_heap_stats stats_of(tarn_heap* heap) {
    tarn_heap_stats stats;
    EXPECT_EQ(tarn_heap_stats_get(heap, &stats, sizeof stats), 0);
    return stats;
}

TEST(HeapReport, Objects) {
    const tarn_stats before = stats_now();
    for (const uint32_t flags :
         {0, static_cast<int>(TARN_HEAP_LOCKED), static_cast<int>(TARN_HEAP_CHECKED)}) {
        const tarn_stats at_start = stats_now();
        tarn_heap_options options = TARN_HEAP_OPTIONS_INIT;
        options.flags = flags;
        options.soft_limit = 1 << 20;
        tarn_heap* heap = tarn_heap_create(&options, sizeof options);
        std::mt19937 random(flags);
        std::vector<void*> objects(5000);
        for (int i = 0; i < 40000; ++i) {
            void*& object = objects[random() % objects.size()];
            if (object) {
                tarn_heap_free(heap, object);
                object = nullptr;
            } else {
                object = tarn_heap_allocate(heap, random() % 100 == 0 ? 50000 : random() % 2000);
            }
            if (i % 1000 == 0) expect_growth(at_start, stats_of(heap));
        }
        tarn_heap_reset(heap);
        EXPECT_EQ(stats_of(heap).live_objects, 0u);
        expect_growth(at_start, stats_of(heap));
        const uint64_t served = stats_of(heap).allocations;
        tarn_heap_destroy(heap);
        EXPECT_EQ(stats_now().user_heap_allocations - at_start.user_heap_allocations, served);
    }
    EXPECT_EQ(stats_now().user_heap_live_objects, before.user_heap_live_objects);
    EXPECT_EQ(stats_now().user_heap_live_bytes, before.user_heap_live_bytes);
}

TEST(HeapReport, WhileThreadsAreAtWork) {
    std::atomic<bool> stop{false};
    std::vector<std::thread> threads;
    for (int t = 0; t < 3; ++t)
        threads.emplace_back([&stop] {
            while (!stop) {
                tarn_heap_options options = TARN_HEAP_OPTIONS_INIT;
                options.soft_limit = 100000;
                tarn_heap* heap = tarn_heap_create(&options, sizeof options);
                for (int i = 0; i < 3000; ++i) {
                    void* object = tarn_heap_allocate(heap, static_cast<size_t>(i));
                    if (i % 3) tarn_heap_free(heap, object);
                }
                tarn_heap_destroy(heap);
            }
        });
    for (int i = 0; i < 2000; ++i) {
        const tarn_stats seen = stats_now();
        ASSERT_LE(seen.user_heap_live_objects, seen.user_heap_allocations);
        ASSERT_LE(seen.user_heap_live_bytes, seen.user_heap_bytes);
    }
    stop = true;
    for (std::thread& thread : threads)
        thread.join();
    EXPECT_EQ(stats_now().user_heap_live_objects, 0u);
}

}  // namespace
