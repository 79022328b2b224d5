// SPDX-License-Identifier: MIT
// The supply of runs: lowest address, merging, the bound on dirty memory, what is said to be zero, refusals
// of the kernel, and the state rebuilt as after a fork.
#include "pages/runs.h"

#include <gtest/gtest.h>
#include <sys/mman.h>

#include <algorithm>
#include <cstring>
#include <fstream>
#include <map>
#include <random>
#include <vector>

#include "base/options.h"
#include "os/os.h"
#include "pages/page_map.h"
#include "pages/unit_bits.h"

namespace tarn {
namespace {

using Faults = os::Call;

struct Start {
    Start() {
        options.region = size_t{256} << 20;
        start_page_map();
    }
} start;

// Each test begins and ends with nothing taken and nothing dirty.
class Runs : public testing::Test {
  protected:
    void SetUp() override {
        os::fail_none();
        trim_runs();
        ASSERT_EQ(run_stats().in_use, 0u);
        ASSERT_EQ(run_stats().dirty, 0u);
    }
    void TearDown() override {
        os::fail_none();
        EXPECT_EQ(run_stats().in_use, 0u);
    }
};

// As a holder of slabs does: the entries say that the units are taken.
char* take(Units length) {
    const auto run = take_run(length, RunUse::kBlock);
    return static_cast<char*>(run.at);
}

bool all_zero(const char* at, size_t bytes) {
    return at[0] == 0 && memcmp(at, at + 1, bytes - 1) == 0;
}

TEST_F(Runs, TheLowestAddressComesFirst) {
    char* a = take(Units{3});
    char* b = take(Units{2});
    char* c = take(Units{1});
    EXPECT_EQ(b, a + 3 * kUnitSize);
    EXPECT_EQ(c, b + 2 * kUnitSize);
    give_run(a, Units{3});
    EXPECT_EQ(take(Units{1}), a);
    EXPECT_EQ(take(Units{2}), a + kUnitSize);
    give_run(a, Units{1}), give_run(a + kUnitSize, Units{2}), give_run(b, Units{2}), give_run(c, Units{1});
}

TEST_F(Runs, SeveralAtOnceAreWhatWouldComeOneByOne) {
    tarn::Run runs[4];
    ASSERT_EQ(take_runs(Units{2}, RunUse::kBlock, runs, 4), 4u);
    for (size_t i = 0; i < 4; ++i) {
        EXPECT_EQ(runs[i].at, static_cast<char*>(runs[0].at) + i * 2 * kUnitSize);
        EXPECT_TRUE(runs[i].zeroed);
    }
    constexpr PackedUnits<uint32_t> length{Units{2}};
    OwnRun own[4];
    for (size_t i = 0; i < 4; ++i)
        own[i] = {runs[i].at, length, i % 2 == 0};
    give_runs(own, 4);
    EXPECT_EQ(run_stats().dirty, 4 * kUnitSize) << "what is zeroed stays clean";
    EXPECT_EQ(run_stats().in_use, 0u);
}

TEST_F(Runs, InAdvanceNobodyGetsMoreThanAnEighthOfTheDirtyOnesNorCleanOnesBesides) {
    char* const few = take(Units{8});
    give_run(few, Units{8});
    tarn::Run runs[16];
    ASSERT_EQ(take_runs(Units{1}, RunUse::kBlock, runs, 16), 1u);
    EXPECT_EQ(runs[0].at, few);
    give_run(few, Units{1});
    char* const many = take(Units{32});
    give_run(many, Units{32});
    const size_t count = take_runs(Units{1}, RunUse::kBlock, runs, 16);
    EXPECT_EQ(count, 1 + (run_stats().dirty / kUnitSize + count - 1) / 8);
    for (size_t i = 0; i < count; ++i) {
        EXPECT_FALSE(runs[i].zeroed);
        give_run(runs[i].at, Units{1});
    }
}

TEST_F(Runs, NeighboursMerge) {
    char* a = take(Units{4});
    char* b = take(Units{5});
    char* c = take(Units{6});
    char* wall = take(Units{1});
    give_run(a, Units{4}), give_run(c, Units{6}), give_run(b, Units{5});
    EXPECT_EQ(take(Units{15}), a);
    give_run(a, Units{15}), give_run(wall, Units{1});
}

TEST_F(Runs, EveryUnitIsAlignedAndWritable) {
    char* a = take(kRunUnitsMax);
    EXPECT_EQ(reinterpret_cast<uintptr_t>(a) % kUnitSize, 0u);
    memset(a, 1, kRunUnitsMax.bytes());
    give_run(a, kRunUnitsMax);
}

TEST_F(Runs, TheUseStandsInThePageMap) {
    char* block = take(Units{2});
    const auto slab = take_run(Units{2}, RunUse::kSlab);
    EXPECT_EQ(entry_at(block + 2 * kUnitSize - 1), kBlockEntry);
    EXPECT_EQ(entry_at(slab.at), 0u);
    give_run(block, Units{2});
    EXPECT_EQ(entry_at(block), 0u);
    give_run(slab.at, Units{2});
}

TEST_F(Runs, DirtyMemoryIsBounded) {
    std::vector<char*> runs;
    for (int i = 0; i < 40; ++i) {
        runs.push_back(take(kRunUnitsMax));
        memset(runs.back(), 1, kRunUnitsMax.bytes());
    }
    const size_t returned = run_stats().returned;
    for (char* run : runs) {
        give_run(run, kRunUnitsMax);
        const RunStats now = run_stats();
        ASSERT_LE(now.dirty, std::max(4 * options.dirty, now.in_use / 8));  // earlier tests have missed some
    }
    EXPECT_GE(run_stats().returned - returned, (40 << 20) - 4 * options.dirty);
}

// Bytes returned while `runs` runs were taken and given back.
size_t returned_by_cycle(int runs) {
    const size_t before = run_stats().returned;
    std::vector<char*> taken;
    for (int i = 0; i < runs; ++i)
        taken.push_back(take(kRunUnitsMax));
    for (char* run : taken)
        give_run(run, kRunUnitsMax);
    return run_stats().returned - before;
}

TEST_F(Runs, WhatWasReturnedAndMissedStaysTheNextTime) {
    constexpr int kRuns = 20;
    ASSERT_GT(kRuns * kRunUnitsMax.bytes(), 2 * options.dirty);
    for (int cycle = 0; cycle < 8; ++cycle)
        returned_by_cycle(kRuns);
    EXPECT_EQ(returned_by_cycle(kRuns), 0u);
    // What is no longer needed goes, if not at once.
    for (int cycle = 0; cycle < 1000; ++cycle)
        returned_by_cycle(2);
    EXPECT_LE(run_stats().dirty, options.dirty + 3 * kRunUnitsMax.bytes());
}

TEST_F(Runs, WhatWasMissedStaysOnlyWhereAnEighthOfWhatIsInUseIsLess) {
    for (int cycle = 0; cycle < 8; ++cycle)
        returned_by_cycle(40);
    std::vector<char*> runs;
    while (runs.size() < 200)
        runs.push_back(take(kRunUnitsMax));
    for (; !runs.empty(); runs.pop_back()) {
        give_run(runs.back(), kRunUnitsMax);
        ASSERT_LE(run_stats().dirty, std::max(4 * options.dirty, run_stats().in_use / 8));
    }
}

TEST_F(Runs, TrimReturnsAllThatIsDirty) {
    char* a = take(Units{10});
    memset(a, 1, 10 * kUnitSize);
    give_run(a, Units{10});
    EXPECT_EQ(run_stats().dirty, 10 * kUnitSize);
    EXPECT_EQ(trim_runs().memory, 10 * kUnitSize);
    EXPECT_EQ(run_stats().dirty, 0u);
    EXPECT_EQ(trim_runs().memory, 0u);
    const auto again = take_run(Units{10}, RunUse::kBlock);
    EXPECT_EQ(again.at, a);
    EXPECT_TRUE(again.zeroed);
    EXPECT_TRUE(all_zero(a, 10 * kUnitSize));
    give_run(a, Units{10});
}

TEST_F(Runs, ARunWithOneDirtyUnitIsNotZeroed) {
    char* a = take(Units{1});
    give_run(a, Units{1});
    const auto run = take_run(Units{3}, RunUse::kBlock);
    EXPECT_EQ(run.at, a);
    EXPECT_FALSE(run.zeroed);
    give_run(run.at, Units{3});
}

TEST_F(Runs, RandomRunsNeverOverlapAndAreZeroWhenTheySaySo) {
    std::mt19937 random(7);
    struct Held {
        Units length;
        char pattern;
    };
    std::map<char*, Held> held;
    Units in_use;
    unsigned zeroed = 0;
    for (int step = 0; step < 20000; ++step) {
        if (random() % 100 == 0) trim_runs();
        if (step % 1000 == 0) check_runs();
        if (held.size() < 60 && random() % 2) {
            const Units length{1 + random() % (random() % 8 ? 6 : kRunUnitsMax.count())};
            const auto run = take_run(length, RunUse::kBlock);
            char* at = static_cast<char*>(run.at);
            ASSERT_TRUE(at);
            zeroed += run.zeroed;
            if (run.zeroed) {
                ASSERT_TRUE(all_zero(at, length.bytes())) << "step " << step;
            }
            const auto next = held.lower_bound(at);
            ASSERT_TRUE(next == held.end() || at + length.bytes() <= next->first);
            ASSERT_TRUE(next == held.begin() ||
                        std::prev(next)->first + std::prev(next)->second.length.bytes() <= at);
            const char pattern = static_cast<char>(1 + random() % 100);
            for (size_t unit = 0; unit < length.count(); ++unit)
                at[unit * kUnitSize + random() % kUnitSize] = pattern;
            held[at] = {length, pattern};
            in_use += length;
        } else if (!held.empty()) {
            auto victim = std::next(held.begin(), static_cast<long>(random() % held.size()));
            give_run(victim->first, victim->second.length);
            in_use -= victim->second.length;
            held.erase(victim);
        }
        ASSERT_EQ(run_stats().in_use, in_use.bytes());
    }
    EXPECT_GT(zeroed, 0u);
    for (const auto& [at, run] : held)
        give_run(at, run.length);
}

TEST_F(Runs, ARefusedCommitIsNoMemoryAndLosesNothing) {
    std::vector<char*> runs;
    os::fail_after(Faults::kCommit, 0);
    while (char* at = take(kRunUnitsMax))
        runs.push_back(at);
    const RunStats full = run_stats();
    EXPECT_EQ(full.in_use, runs.size() * kRunUnitsMax.bytes());
    os::fail_none();
    for (int attempt = 0; attempt < 4; ++attempt) {
        // Of the calls that one step makes, the metadata's succeed and the units' fail, and so on.
        os::fail_after(Faults::kCommit, attempt);
        if (char* at = take(kRunUnitsMax)) runs.push_back(at);
    }
    os::fail_none();
    runs.push_back(take(kRunUnitsMax));
    ASSERT_TRUE(runs.back());
    memset(runs.back(), 1, kRunUnitsMax.bytes());
    for (char* at : runs)
        give_run(at, kRunUnitsMax);
}

TEST_F(Runs, ARefusedPurgeLeavesTheMemoryDirtyAndUsable) {
    char* a = take(Units{8});
    memset(a, 7, 8 * kUnitSize);
    give_run(a, Units{8});
    const size_t returned = run_stats().returned;
    os::fail_after(Faults::kPurge, 0);
    EXPECT_EQ(trim_runs().memory, 0u);
    EXPECT_EQ(run_stats().returned, returned);
    EXPECT_EQ(run_stats().dirty, 8 * kUnitSize);
    const auto again = take_run(Units{8}, RunUse::kBlock);
    EXPECT_EQ(again.at, a);
    EXPECT_FALSE(again.zeroed);
    give_run(again.at, Units{8});
    os::fail_none();
    EXPECT_EQ(trim_runs().memory, 8 * kUnitSize);
}

TEST_F(Runs, TheRegionHasAnEnd) {
    std::vector<char*> runs, rest;
    while (char* at = take(kRunUnitsMax))
        runs.push_back(at);
    // All of it but what windows need for themselves and what is left at their ends.
    EXPECT_GE(runs.size(), (options.region >> 20) - 2 * (options.region / kWindowSize));
    EXPECT_LE(run_stats().committed, options.region);
    while (char* at = take(Units{1}))
        rest.push_back(at);
    EXPECT_FALSE(take(Units{1}));
    for (char* at : rest)
        give_run(at, Units{1});
    for (char* at : runs)
        give_run(at, kRunUnitsMax);
}

TEST_F(Runs, RebuiltStateIsTheStateBefore) {
    std::mt19937 random(3);
    std::map<char*, Units> held;
    for (int step = 0; step < 300; ++step) {
        if (random() % 3) {
            const Units length{1 + random() % 9};
            held[take(length)] = length;
        } else if (!held.empty()) {
            auto victim = std::next(held.begin(), static_cast<long>(random() % held.size()));
            give_run(victim->first, victim->second);
            held.erase(victim);
        }
    }
    const RunStats before = run_stats();
    check_runs();
    runs_after_fork_child(Others::kLived, Transit::kNobodys);
    check_runs();
    const RunStats after = run_stats();
    EXPECT_EQ(after.in_use, before.in_use);
    EXPECT_EQ(after.committed, before.committed);
    // Nothing is known to be zero any more.
    EXPECT_EQ(after.dirty, before.committed - before.in_use - window_count() * kHeaderUnits.bytes());
    char* fresh = take(kRunUnitsMax);
    const auto next = held.lower_bound(fresh);
    EXPECT_TRUE(next == held.end() || fresh + kRunUnitsMax.bytes() <= next->first);
    give_run(fresh, kRunUnitsMax);
    for (const auto& [at, length] : held)
        give_run(at, length);
    trim_runs();
}

TEST_F(Runs, TrimGivesTheAddressSpaceBackAsWell) {
    std::vector<char*> runs;
    for (int i = 0; i < 150; ++i)
        runs.push_back(take(kRunUnitsMax));
    const size_t committed = run_stats().committed;
    EXPECT_GE(committed, size_t{150} << 20);
    for (char* run : runs)
        give_run(run, kRunUnitsMax);
    EXPECT_GE(trim_runs().address_space, kHeaderUnits.bytes());
    EXPECT_EQ(run_stats().committed, 0u);
    EXPECT_EQ(window_count(), 0u);
}

// The program may have anything at addresses that tarn has not taken yet.
TEST_F(Runs, WhatIsInTheWayCostsNoMoreThanItsPlace) {
    char* first = take(Units{1});
    char* const window = unit_address(window_units(0).first);
    std::vector<void*> walls;
    for (size_t at : {size_t{2} << 20, size_t{3} << 20, size_t{40} << 20, 2 * kWindowSize}) {
        void* const wall =
            mmap(window + at, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);
        ASSERT_EQ(wall, window + at);
        walls.push_back(wall);
    }
    std::map<char*, Units> held;
    for (int i = 0; i < 190; ++i) {
        char* const at = take(kRunUnitsMax);
        ASSERT_TRUE(at) << "after " << i;
        memset(at, 1, kRunUnitsMax.bytes());
        held[at] = kRunUnitsMax;
    }
    for (const auto& [at, length] : held) {
        for (void* wall : walls)
            ASSERT_FALSE(static_cast<char*>(wall) >= at && static_cast<char*>(wall) < at + length.bytes());
        give_run(at, length);
    }
    give_run(first, Units{1});
    for (void* wall : walls) {
        EXPECT_TRUE(os::readable(wall, 1)) << "not ours to take away";
        munmap(wall, 4096);
    }
}

TEST_F(Runs, ManyHolesDoNotUseUpTheMappingsOfTheProcess) {
    const auto mappings = [] {
        std::ifstream maps("/proc/self/maps");
        return static_cast<size_t>(std::count(std::istreambuf_iterator<char>(maps), {}, '\n'));
    };
    std::vector<char*> runs;
    runs.reserve(1 << 20);  // AddressSanitizer's allocator makes mappings of its own for it as it grows
    const size_t before = mappings();
    while (char* at = take(Units{1}))
        runs.push_back(at);
    ASSERT_GT(runs.size(), 14000u);
    for (size_t i = 0; i < runs.size(); i += 2)
        give_run(runs[i], Units{1});
    EXPECT_LE(mappings(), before + 65530 / 12 + 40);
    const auto limit = [] { return std::max(4 * options.dirty, run_stats().in_use / 8); };
    EXPECT_LE(run_stats().dirty, limit() + run_stats().in_use / 4);  // pieces, for a while
    while (run_stats().dirty > limit())
        give_run(take(Units{1}), Units{1});
    for (size_t i = 1; i < runs.size(); i += 2)
        give_run(runs[i], Units{1});
    trim_runs();
    EXPECT_LE(mappings(), before + 2);
}

}  // namespace
}  // namespace tarn
