// SPDX-License-Identifier: MIT
// What lies free in any part of tarn goes back: all of it when the program asks, and what helps before a request
// fails.
#include "process/reclaim.h"

#include <thread>
#include <vector>

#include "backend/blocks.h"
#include "cache/bins.h"
#include "cache/caches.h"
#include "cache/totals.h"
#include "entry_sample.h"
#include "os/os.h"
#include "pages/runs.h"
#include "process/thread.h"

namespace tarn {
namespace {

constexpr size_t kMiB = size_t{1} << 20;

std::vector<void*> objects_of(size_t bytes, size_t size) {
    std::vector<void*> objects;
    for (size_t i = 0; i < bytes / size; ++i)
        objects.push_back(memset(allocate(size), 1, size));
    return objects;
}

void release_all(std::vector<void*>& objects) {
    for (void* object : objects)
        release(object);
    objects.clear();
}

class Reclaim : public testing::Test {
  protected:
    void SetUp() override { trim(); }
    void TearDown() override {
        os::fail_none();
        trim();
        EXPECT_EQ(run_stats().dirty, 0u);
        EXPECT_EQ(block_stats().live_bytes, 0u);
        EXPECT_EQ(block_stats().backend_cached, 0u);
    }
};

TEST_F(Reclaim, WithNothingFreeThereIsNothingToTrim) {
    auto objects = objects_of(2 * kMiB, 4096);
    trim();
    EXPECT_EQ(trim(), 0u);
    release_all(objects);
}

TEST_F(Reclaim, ATrimGivesBackWhatBinsSlabsAndRunsHold) {
    auto objects = objects_of(20 * kMiB, 512);
    const RunStats full = run_stats();
    release_all(objects);
    EXPECT_GE(trim(), 4 * kMiB) << "the rest went as it was freed";
    EXPECT_LE(run_stats().in_use, full.in_use - 19 * kMiB);
    EXPECT_GE(run_stats().returned - full.returned, 19 * kMiB);
    for (const Bin& bin : current_cache->bins)
        EXPECT_EQ(objects_in(bin), 0u);
}

TEST_F(Reclaim, ATrimSaysHowMuchAndCountsWhatBlocksKept) {
    for (int i = 0; i < 3; ++i)
        release(memset(allocate(6 * kMiB), 1, 6 * kMiB));
    const size_t cached = block_stats().backend_cached;
    ASSERT_GT(cached, 0u);
    EXPECT_GE(trim(), cached);
    EXPECT_EQ(block_stats().backend_cached, 0u);
}

TEST_F(Reclaim, ATrimFindsPagesInsideSlabsInUse) {
    auto objects = objects_of(8 * kMiB, 1024);
    std::vector<void*> kept;
    for (size_t i = 0; i < objects.size(); ++i)
        if (i % 16 == 0)
            kept.push_back(objects[i]);
        else
            release(objects[i]);
    EXPECT_GE(trim(), 4 * kMiB);
    EXPECT_GE(run_stats().in_use, 7 * kMiB) << "the slabs are in use";
    for (void* object : kept)
        EXPECT_EQ(static_cast<char*>(object)[1023], 1);
    release_all(kept);
}

TEST_F(Reclaim, ATrimWorksInAThreadWithoutACache) {
    auto objects = objects_of(6 * kMiB, 4096);
    release_all(objects);
    flush(*current_cache);
    bool had_cache = true;
    std::thread([&] {
        trim();
        had_cache = has_cache(current_cache);
    }).join();
    EXPECT_FALSE(had_cache);
    EXPECT_EQ(run_stats().dirty, 0u);
}

TEST_F(Reclaim, SoMuchAsThereNeverWasIsNotTriedFor) {
    auto objects = objects_of(6 * kMiB, 4096);
    release_all(objects);
    const RunStats before = run_stats();
    ASSERT_GT(before.dirty, 2 * kMiB);
    EXPECT_FALSE(reclaim(SIZE_MAX));
    EXPECT_FALSE(reclaim(before.reserved + block_stats().backend_committed + 1));
    EXPECT_EQ(run_stats().dirty, before.dirty) << "a request that no machine serves costs nothing";
}

TEST_F(Reclaim, BeforeARequestFailsAllGoesBackButAMiB) {
    auto objects = objects_of(8 * kMiB, 4096);
    release_all(objects);
    release(memset(allocate(6 * kMiB), 1, 6 * kMiB));
    ASSERT_GT(run_stats().dirty + block_stats().backend_cached, 2 * kMiB);
    EXPECT_TRUE(reclaim(100));
    EXPECT_LE(run_stats().dirty, kMiB);
    EXPECT_EQ(block_stats().backend_cached, 0u);
    EXPECT_FALSE(reclaim(100)) << "there is no more";
}

TEST_F(Reclaim, WhatOthersHoldFreeIsCollected) {
    std::vector<void*> objects;
    std::atomic<bool> filled{false}, go{false};
    std::thread holder([&] {
        objects = objects_of(8 * kMiB, 4096);
        filled = true;
        while (!go)
            std::this_thread::yield();
    });
    while (!filled)
        std::this_thread::yield();
    const size_t in_use = run_stats().in_use;
    release_all(objects);  // into the heap of a thread that is blocked
    EXPECT_TRUE(reclaim(100));
    EXPECT_LE(run_stats().in_use, in_use - 7 * kMiB);
    go = true;
    holder.join();
}

// What the layer above does with it: the region is full of what is free in another form.
TEST_F(Reclaim, ARequestThatFindsNoMemoryIsServedFromWhatWasFree) {
    auto objects = objects_of(4 * kMiB, 256);
    release_all(objects);
    ASSERT_GT(run_stats().dirty, 0u);
    os::fail_after(os::Call::kMap, 0);
    void* const block = allocate(size_t{40} << 10);
    EXPECT_TRUE(block);
    release(block);
}

}  // namespace
}  // namespace tarn
