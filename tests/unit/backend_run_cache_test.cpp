// SPDX-License-Identifier: MIT
// Freed runs at hand.
#include "backend/map/run_cache.h"

#include <gtest/gtest.h>

#include <atomic>
#include <cstring>
#include <thread>
#include <vector>

#include "pages/page_map.h"
#include "pages/runs.h"

namespace tarn::map {
namespace {

class RunCache : public testing::Test {
  protected:
    static void SetUpTestSuite() { start_page_map(); }
    void TearDown() override {
        trim_runs_at_hand();
        EXPECT_EQ(run_stats().in_use, 0u);
    }
    static void* fresh(Units length) { return take_run(length, RunUse::kBlock).at; }
};

TEST_F(RunCache, GivesWhatItWasGivenOfThatLength) {
    void* const run = fresh(Units{5});
    ASSERT_TRUE(run);
    give_run_at_hand(run, Units{5});
    EXPECT_EQ(bytes_at_hand(), 5 * kUnitSize);
    EXPECT_EQ(take_run_at_hand(Units{4}), nullptr);
    EXPECT_EQ(take_run_at_hand(Units{6}), nullptr);
    EXPECT_EQ(take_run_at_hand(Units{5}), run);
    EXPECT_EQ(take_run_at_hand(Units{5}), nullptr);
    EXPECT_EQ(bytes_at_hand(), 0u);
    give_run(run, Units{5});
}

TEST_F(RunCache, WhatIsTooMuchGoesBackToTheSupply) {
    for (size_t i = 0; i < 1000; ++i) {
        const Units length{3 + i % 6};
        void* const run = fresh(length);
        ASSERT_TRUE(run);
        give_run_at_hand(run, length);
    }
    EXPECT_LE(bytes_at_hand(), size_t{1} << 20);
    EXPECT_EQ(run_stats().in_use, bytes_at_hand());
}

TEST_F(RunCache, LongRunsAreNotKept) {
    give_run_at_hand(fresh(kUnitsMost + Units{1}), kUnitsMost + Units{1});
    EXPECT_EQ(bytes_at_hand(), 0u);
}

TEST_F(RunCache, TrimGivesAllBack) {
    give_run_at_hand(fresh(Units{3}), Units{3});
    give_run_at_hand(fresh(Units{8}), Units{8});
    EXPECT_EQ(trim_runs_at_hand(), 11 * kUnitSize);
    EXPECT_EQ(trim_runs_at_hand(), 0u);
}

// Nobody is given a run that another one has.
TEST_F(RunCache, ManyThreadsShareIt) {
    std::atomic<bool> overlap{false};
    std::vector<std::thread> threads;
    for (int t = 1; t <= 6; ++t)
        threads.emplace_back([&overlap, t] {
            for (size_t i = 0; i < 20000; ++i) {
                const Units length{3 + i % 3};
                void* run = take_run_at_hand(length);
                if (!run) run = fresh(length);
                if (!run) return overlap.store(true);
                auto* const mark = static_cast<std::atomic<int>*>(run);
                mark->store(t, std::memory_order_relaxed);
                if (i % 16 == 0) std::this_thread::yield();
                if (mark->load(std::memory_order_relaxed) != t) overlap = true;
                give_run_at_hand(run, length);
            }
        });
    for (auto& thread : threads)
        thread.join();
    EXPECT_FALSE(overlap.load());
}

}  // namespace
}  // namespace tarn::map
