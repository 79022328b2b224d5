// SPDX-License-Identifier: MIT
// Bins: how their limits grow and shrink, that every object is somewhere exactly once, and that totals are
// exact.
#include "cache/thread_cache.h"

#include <random>
#include <thread>

#include "cache/bins.h"
#include "cache/caches.h"
#include "cache/collect.h"
#include "cache/totals.h"
#include "cache_sample.h"
#include "check/check.h"
#include "heap/orphans.h"
#include "mixed/mixed.h"
#include "process/thread.h"

namespace tarn {
namespace {

class Cache : public testing::Test {
  protected:
    void SetUp() override {
        cache = enter_thread();
        ASSERT_TRUE(cache);
    }
    void TearDown() override {
        options.hardened = false;
        flush(*cache);
        for (SizeClass c = 0; c < kClasses; ++c) {
            const ClassTotals totals = class_totals(c);
            EXPECT_EQ(totals.allocations, totals.frees) << "class " << c;
        }
    }
    Bin& bin(SizeClass c) { return cache->bins[c]; }
    ThreadCache* cache = nullptr;
};

void* take(SizeClass c) {
    return allocate(kSizeClasses[c].size);
}

TEST_F(Cache, ABinStartsByHoldingNothingAndGrowsToItsLimit) {
    constexpr SizeClass c = 2;
    EXPECT_EQ(limit_of(bin(c)), 0u);
    release(take(c));
    EXPECT_GT(limit_of(bin(c)), 0u);
    for (int round = 0; round < 40; ++round) {
        std::vector<void*> objects;
        for (int i = 0; i < 200; ++i)
            objects.push_back(take(c));
        for (void* object : objects)
            release(object);
        EXPECT_LE(objects_in(bin(c)), kSizeClasses[c].bin_limit);
    }
    EXPECT_EQ(limit_of(bin(c)), kSizeClasses[c].bin_limit);
}

TEST_F(Cache, LongFreeingHalvesTheLimit) {
    constexpr SizeClass c = 3;
    std::vector<void*> objects;
    for (uint32_t i = 0; i < 2 * kOverflowsMost; ++i)
        objects.push_back(take(c));
    release(objects.back()), objects.pop_back();
    const size_t before = limit_of(bin(c));
    for (void* object : objects)
        release(object);
    EXPECT_LT(limit_of(bin(c)), before);
}

TEST_F(Cache, LastFreedIsFirstTaken) {
    constexpr SizeClass c = 4;
    release(take(c));
    std::vector<void*> objects;
    do  // a bin filled from a slab may hold more than its limit
        objects.push_back(take(c));
    while (objects_in(bin(c)) || objects.size() < 2);
    release(objects[0]), release(objects[1]);
    EXPECT_EQ(take(c), objects[1]);
    EXPECT_EQ(take(c), objects[0]);
    for (void* object : objects)
        release(object);
}

TEST_F(Cache, FlushedBinsAreEmptyAndSlabsReleased) {
    std::vector<void*> objects;
    for (SizeClass c = 0; c < kClasses; ++c)
        for (int i = 0; i < 20; ++i)
            objects.push_back(take(c));
    for (void* object : objects)
        release(object);
    flush(*cache);
    for (SizeClass c = 0; c < kClasses; ++c) {
        EXPECT_EQ(objects_in(bin(c)), 0u);
    }
    EXPECT_EQ(sample::slabs_of(cache->heap), 0u);
}

TEST_F(Cache, HardenedBinsHoldNothing) {
    constexpr SizeClass c = 30;
    options.hardened = true;  // as from the start of the process: a new thread's bins hold nothing yet
    std::thread([] {
        for (int i = 0; i < 100; ++i)
            release(take(c));
        EXPECT_EQ(limit_of(current_cache->bins[c]), 0u);
        EXPECT_EQ(objects_in(current_cache->bins[c]), 0u);
    }).join();
}

TEST_F(Cache, AFreedObjectIsInItsBinAndATakenOneIsNot) {
    constexpr SizeClass c = 6;
    release(take(c));
    std::vector<void*> objects;
    do
        objects.push_back(take(c));
    while (objects_in(bin(c)));
    auto* object = static_cast<Object*>(objects[0]);
    EXPECT_FALSE(in_bin(*cache, c, object));
    release(object);
    EXPECT_TRUE(in_bin(*cache, c, object));
    EXPECT_EQ(object->mark, cache->heap.mark(c, object));
    EXPECT_EQ(take(c), object);
    for (void* each : objects)
        release(each);
}

TEST_F(Cache, TotalsAreExactAfterEveryStep) {
    std::mt19937 random(5);
    constexpr SizeClass c = 12;
    const ClassTotals before = class_totals(c);
    std::vector<void*> objects;
    uint64_t allocations = 0, frees = 0;
    for (int step = 0; step < 20000; ++step) {
        options.hardened = step / 2000 % 5 == 3;
        if (random() % 2 || objects.empty()) {
            objects.push_back(take(c));
            ++allocations;
        } else {
            for (size_t many = random() % 400 ? 1 : objects.size(); many-- > 0; ++frees) {
                release(objects.back());
                objects.pop_back();
            }
        }
        if (random() % 1000 == 0) flush(*cache);
        if (random() % 1000 == 0) check_all();
        const ClassTotals now = class_totals(c);
        ASSERT_EQ(now.allocations - before.allocations, allocations) << "step " << step;
        ASSERT_EQ(now.frees - before.frees, frees) << "step " << step;
    }
    for (void* object : objects)
        release(object);
}

TEST_F(Cache, AThreadsCacheIsKeptForTheNext) {
    ThreadCache* seen[2] = {};
    for (auto& each : seen) {
        std::thread([&each] {
            release(allocate(100));
            each = current_cache;
        }).join();
    }
    EXPECT_TRUE(has_cache(seen[0]));
    EXPECT_EQ(seen[0], seen[1]);
    EXPECT_EQ(count_caches().living, 1u);
}

// ---- several threads ------------------------------------------------------------------------------------

// page_table_end is read by a plain load, which is safe since it only grows and whoever has a pointer has
// seen it grow; ThreadSanitizer would report it all the same.
void grow_region() {
    std::vector<void*> runs;
    for (int i = 0; i < 128; ++i)
        runs.push_back(take_run(kRunUnitsMax, RunUse::kBlock).at);
    for (void* run : runs)
        give_run(run, kRunUnitsMax);
}

TEST(CacheThreads, WhatEndedThreadsAllocatedAndOthersFreedAddsUp) {
    constexpr unsigned kThreads = 4, kObjects = 5000;
    grow_region();
    std::vector<std::vector<void*>> left(kThreads);
    for (int generation = 0; generation < 4; ++generation) {
        std::vector<std::thread> threads;
        for (unsigned i = 0; i < kThreads; ++i)
            threads.emplace_back([&left, i] {
                for (void* object : left[i])
                    release(object);
                left[i].clear();
                std::mt19937 random(i);
                for (unsigned n = 0; n < kObjects; ++n)
                    left[i].push_back(allocate(random() % 3000));
                for (unsigned n = 0; n < kObjects / 2; ++n) {
                    std::swap(left[i][random() % left[i].size()], left[i].back());
                    release(left[i].back());
                    left[i].pop_back();
                }
            });
        for (auto& thread : threads)
            thread.join();
        std::rotate(left.begin(), left.begin() + 1, left.end());
        uint64_t live = 0, expected = 0;
        for (const auto& objects : left)
            expected += objects.size();
        for (SizeClass c = 0; c < kClasses; ++c)
            live += class_totals(c).allocations - class_totals(c).frees;
        EXPECT_EQ(live, expected);
    }
    for (auto& objects : left)
        for (void* object : objects)
            release(object);
    flush(*current_cache);
    collect_others(Collect::kMemory);
    mixed::trim();
    trim_runs();
    EXPECT_EQ(orphans.slabs(), 0u);
    EXPECT_EQ(run_stats().in_use, 0u);
}

}  // namespace
}  // namespace tarn
