// SPDX-License-Identifier: MIT
// What caches count: exact for each cache, and never lost, whatever becomes of the threads.
#include "cache/totals.h"

#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <thread>
#include <vector>

#include "cache/bins.h"
#include "cache/caches.h"
#include "cache_sample.h"
#include "heap/orphans.h"
#include "process/thread.h"

namespace tarn {
namespace {

void* take(SizeClass c) {
    return allocate(kSizeClasses[c].size);
}

TEST(Totals, OneCacheCountsEachCallOnce) {
    constexpr SizeClass c = 11;
    ThreadCache& cache = *enter_thread();
    const ClassTotals before = totals_of(cache, c);
    std::vector<void*> objects;
    for (int i = 0; i < 1000; ++i)
        objects.push_back(i % 2 ? take(c) : allocate_zeroed(1, kSizeClasses[c].size));
    EXPECT_EQ(totals_of(cache, c).allocations - before.allocations, 1000u);
    EXPECT_EQ(totals_of(cache, c).frees, before.frees);
    EXPECT_GE(totals_of(cache, c).fresh, 1000u);
    EXPECT_GE(totals_of(cache, c).slabs, 1000 / kSizeClasses[c].objects);
    for (size_t i = 0; i < 1000; ++i) {
        release(objects[i]);
        ASSERT_EQ(totals_of(cache, c).frees - before.frees, i + 1);
    }
    flush(cache);
    EXPECT_EQ(totals_of(cache, c).frees - before.frees, 1000u) << "what a flush moves is no free";
}

TEST(Totals, AFreeCountsWhereItHappensAndAsRemote) {
    constexpr SizeClass c = 12;
    std::vector<void*> objects;
    for (int i = 0; i < 100; ++i)
        objects.push_back(take(c));
    const ClassTotals before = class_totals(c), mine = totals_of(*current_cache, c);
    ClassTotals its{};
    std::thread([&] {
        ThreadCache& cache = *enter_thread();
        const ClassTotals had = totals_of(cache, c);
        for (void* object : objects)
            release(object);
        its = totals_of(cache, c);
        its.frees -= had.frees;
        its.remote_frees -= had.remote_frees;
    }).join();
    EXPECT_EQ(its.frees, 100u);
    EXPECT_EQ(its.remote_frees, 100u);
    EXPECT_EQ(totals_of(*current_cache, c).frees, mine.frees);
    EXPECT_EQ(class_totals(c).frees - before.frees, 100u);
    EXPECT_EQ(class_totals(c).remote_frees - before.remote_frees, 100u);
}

// A signal handler over the walk: what the child has of the threads that are gone is put right all the same.
TEST(Totals, AForkOverASumLeavesTheListsWhole) {
    enter_thread();
    std::atomic<bool> there{false}, over{false};
    std::thread other([&] {
        release(take(14));
        enter_thread();
        there = true;
        while (!over)
            std::this_thread::yield();
    });
    while (!there)
        std::this_thread::yield();
    const auto fork_over = [](auto& what, auto expected) {
        const uint64_t living = caches.living;
        const pid_t child = fork();
        if (child == 0) {
            if (caches.living == living)
                caches_after_fork_child(Others::kLived);  // not as a handler of fork already
            const bool sound = orphans.unsalvaged == !expected && !caches.lock.is_mine() &&
                               caches.living == 1 && living > 1 && !what.holds() &&
                               (!expected || caches.kept + caches.wiped > 0);
            _exit(sound ? 0 : 1);
        }
        int status = 1;
        waitpid(child, &status, 0);
        return status == 0;
    };
    {
        const ReadingCaches reading(ReadingCaches::Waits::kNot);
        ASSERT_TRUE(reading.holds());
        EXPECT_TRUE(fork_over(reading, true));
        EXPECT_TRUE(reading.holds());
    }
    struct {
        bool holds() const { return caches.lock.is_mine(); }
    } writing;
    {
        const Guard guard(caches.lock);
        EXPECT_TRUE(fork_over(writing, false)) << "lists may be half done";
    }
    over = true;
    other.join();
}

// As an idle cache is before it loses its memory.
TEST(Totals, WhatAWipedCacheCountedStays) {
    constexpr SizeClass c = 13;
    ThreadCache& cache = *enter_thread();
    for (int i = 0; i < 70; ++i)
        release(take(c));
    cache.tallies.add(Tally::kArenasMade, 5);
    const ClassTotals own = totals_of(cache, c), before = class_totals(c);
    const uint64_t tallied = tally_total(Tally::kArenasMade);
    {
        Guard guard(caches.lock);
        keep_totals(cache);
    }
    const ClassTotals both = class_totals(c);
    EXPECT_EQ(both.allocations, before.allocations + own.allocations);
    EXPECT_EQ(both.frees, before.frees + own.frees);
    EXPECT_EQ(both.fresh, before.fresh + own.fresh);
    EXPECT_EQ(tally_total(Tally::kArenasMade), tallied + 5);
}

TEST(Totals, ThreadsThatEndAtOnceLoseNoCount) {
    constexpr SizeClass c = 14;
    constexpr int kThreads = 50;  // more than keep the memory of their cache
    const ClassTotals before = class_totals(c);
    const uint64_t tallied = tally_total(Tally::kArenasMade);
    for (int round = 1; round <= 2; ++round) {
        std::atomic<int> inside{0};
        std::vector<std::thread> threads;
        for (int t = 0; t < kThreads; ++t)
            threads.emplace_back([&] {
                for (int i = 0; i < 10; ++i)
                    release(take(c));
                tally(Tally::kArenasMade, 3);
                ++inside;
                while (inside < kThreads)
                    std::this_thread::yield();
            });
        for (auto& thread : threads)
            thread.join();
        const auto expected = static_cast<uint64_t>(round) * kThreads;
        EXPECT_EQ(class_totals(c).allocations - before.allocations, expected * 10);
        EXPECT_EQ(class_totals(c).frees - before.frees, expected * 10);
        EXPECT_EQ(tally_total(Tally::kArenasMade) - tallied, expected * 3);
    }
}

TEST(Tally, OneThreadMayGiveBackWhatAnotherTook) {
    enter_thread();
    const uint64_t before = tally_total(Tally::kArenaBytes);
    tally(Tally::kArenaBytes, 1000);
    EXPECT_EQ(tally_total(Tally::kArenaBytes), before + 1000);
    std::thread([] {
        enter_thread();
        tally(Tally::kArenaBytes, -1000);
    }).join();
    EXPECT_EQ(tally_total(Tally::kArenaBytes), before);
}

TEST(Tally, AThreadWithoutACacheCountsAsWell) {
    const uint64_t before = tally_total(Tally::kArenas);
    std::thread([] {
        tally(Tally::kArenas, 2);
        EXPECT_FALSE(has_cache(current_cache));
    }).join();
    EXPECT_EQ(tally_total(Tally::kArenas), before + 2);
    tally(Tally::kArenas, -2);
}

TEST(Tally, ATotalIsNeverBelowNothing) {
    enter_thread();
    const auto before = static_cast<int64_t>(tally_total(Tally::kArenas));
    tally(Tally::kArenas, -before - 1);
    EXPECT_EQ(tally_total(Tally::kArenas), 0u);
    tally(Tally::kArenas, before + 1);
    EXPECT_EQ(tally_total(Tally::kArenas), static_cast<uint64_t>(before));
}

}  // namespace
}  // namespace tarn
