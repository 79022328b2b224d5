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

// So many are taken, and freed one after the other.
void take_and_release(SizeClass c, uint32_t count) {
    std::vector<void*> objects;
    for (uint32_t i = 0; i < count; ++i)
        objects.push_back(take(c));
    for (void* object : objects)
        release(object);
}

TEST_F(Cache, LongFreeingHalvesTheLimit) {
    constexpr SizeClass c = 3;
    std::vector<void*> objects;
    for (uint32_t i = 0; i < 4 * kOverflowsMost; ++i)
        objects.push_back(take(c));
    for (int round = 0; round < 40; ++round)
        take_and_release(c, 200);
    const size_t before = limit_of(bin(c));
    for (uint32_t i = 0; i < kOverflowsMost + kOverflowsMost / 4; ++i)
        release(objects.back()), objects.pop_back();
    EXPECT_EQ(limit_of(bin(c)), before / 2);
    for (void* object : objects)
        release(object);
}

// What is freed for long goes back a few at a time where so few are less than a page; else each by itself.
TEST_F(Cache, LongFreeingLeavesABinRoomForAFewSmallObjects) {
    for (const auto& [size, few] : {std::pair{64, 16}, {256, 16}, {320, 0}, {1024, 0}}) {
        const SizeClass c = class_of_size(static_cast<size_t>(size));
        std::vector<void*> kept;
        for (uint32_t i = 0; i < 32 * kOverflowsMost; ++i)
            kept.push_back(take(c));
        for (int round = 0; round < 40; ++round)
            take_and_release(c, 200);
        take_and_release(c, 8 * kOverflowsMost);
        EXPECT_EQ(limit_of(bin(c)), static_cast<size_t>(few)) << size;
        for (int round = 0; round < 40; ++round)  // it is no dead end
            take_and_release(c, kOverflowsMost / 16);
        EXPECT_GE(limit_of(bin(c)), kFirstLimit) << size;
        for (void* object : kept)
            release(object);
    }
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

size_t in_use_when_all_is_given_back() {
    flush(*current_cache);
    collect_others(Collect::kMemory);
    mixed::trim();
    trim_runs();
    return run_stats().in_use;
}

TEST(CacheThreads, WhatEndedThreadsAllocatedAndOthersFreedAddsUp) {
    constexpr unsigned kThreads = 4, kObjects = 5000;
    grow_region();
    const size_t in_use = in_use_when_all_is_given_back();  // of the hardened mode, after other tests
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
    EXPECT_EQ(in_use_when_all_is_given_back(), in_use);
    EXPECT_EQ(orphans.slabs(), 0u);
}

// Made and freed first in, first out, so that the bin hands out again what lies in all slabs.
struct Fifo {
    std::vector<void*> objects;
    size_t oldest = 0;

    void add(size_t size) { objects.push_back(allocate(size)); }
    void drop() { release(objects[oldest++]); }
    size_t live() const { return objects.size() - oldest; }
};

TEST(Thinning, AClassOfWhichLessIsNeededGivesUpItsSlabs) {
    constexpr size_t kSize = 256, kMost = 20000, kLeast = 2000;
    const SizeClass c = class_of_size(kSize);
    sample::settle_thread();
    Fifo fifo;
    while (fifo.live() < kMost)
        fifo.add(kSize);
    // Two go for each that comes; then as many as come, a few at a time, so that the bin is full now and then.
    while (fifo.live() > kLeast) {
        fifo.add(kSize);
        fifo.drop();
        fifo.drop();
    }
    for (size_t i = 0; i < 5 * kMost; i += 100) {
        for (int n = 0; n < 100; ++n)
            fifo.add(kSize);
        for (int n = 0; n < 100; ++n)
            fifo.drop();
    }
    check_all();
    const size_t slabs = current_cache->heap.counters(c).slabs - current_cache->heap.empty_units().count();
    EXPECT_LT(slabs, kMost / kSizeClasses[c].objects / 3);
    EXPECT_GE(slabs, kLeast / kSizeClasses[c].objects);
    while (fifo.live() > 0)
        fifo.drop();
    flush(*current_cache);
}

TEST(Thinning, InVainItIsDoneLessAndLessOften) {
    constexpr size_t kSize = 512, kObjects = 40000;
    const SizeClass c = class_of_size(kSize);
    ThreadCache& cache = sample::settle_thread();
    std::vector<void*> objects;
    for (size_t i = 0; i < kObjects; ++i)
        objects.push_back(allocate(kSize));
    std::vector<void*> stay;  // one in each slab and more
    for (size_t i = 0; i < kObjects; ++i)
        i % 16 ? release(objects[i]) : stay.push_back(objects[i]);
    EXPECT_TRUE(cache.heap.is_sparse(c));
    uint32_t tries = 0, rests = 0;
    bool thinning = cache.tops[c].thinning;
    for (size_t i = 0; i < 2000000; i += 100) {
        void* few[100];
        for (void*& object : few)
            object = allocate(kSize);
        for (void* object : few)
            release(object);
        if (cache.tops[c].thinning != thinning) {
            thinning = !thinning;
            ++(thinning ? tries : rests);
        }
    }
    EXPECT_GE(rests, 1u) << "it ends";
    EXPECT_LE(tries, 6u);
    EXPECT_GT(limit_of(cache.bins[c]), 0u);
    check_all();
    for (void* object : stay)
        release(object);
    flush(cache);
}

TEST(Heaps, AFewAtATimeWhoseThreadsWait) {
    std::atomic<int> step{0};
    size_t kept = 0;
    std::thread waits([&] {
        ThreadCache& cache = sample::settle_thread();
        std::vector<void*> objects;
        for (int i = 0; i < 2000; ++i)
            objects.push_back(allocate(1024));
        for (void* object : objects)
            release(object);
        kept = cache.heap.empty_units().count();
        step = 1;
        while (step != 2)
            std::this_thread::yield();
        kept = cache.heap.empty_units().count();
    });
    while (step != 1)
        std::this_thread::yield();
    EXPECT_GT(kept, 0u);
    for (HeapId i = 0; i < heap_count(); ++i)
        collect_some();
    step = 2;
    waits.join();
    EXPECT_EQ(kept, 0u) << "its empty slabs";
    check_all();
}

}  // namespace
}  // namespace tarn
