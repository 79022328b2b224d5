// SPDX-License-Identifier: MIT
// The built-in backend: runs and mappings, grown, shrunk, aligned, kept and given back.
#include "backend/map/map.h"

#include <gtest/gtest.h>

#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstring>
#include <random>
#include <vector>

#include "backend/map/books.h"
#include "os/os.h"
#include "pages/page_map.h"

namespace tarn::map {
namespace {

constexpr size_t kMiB = size_t{1} << 20;

class Map : public testing::Test {
  protected:
    static void SetUpTestSuite() { start_page_map(); }
    void SetUp() override { trim(); }
    void TearDown() override {
        os::fail_none();
        trim();
        trim_runs_at_hand();
        EXPECT_EQ(stats().live, 0u);
        EXPECT_EQ(stats().kept, 0u);
    }
};

bool all_zero(const void* at, size_t size) {
    const char* first = static_cast<const char*>(at);
    return std::all_of(first, first + size, [](char c) { return c == 0; });
}

// The first: the others teach what is worth keeping.
TEST_F(Map, LargeBlocksUsedOnceGoBack) {
    std::vector<Block> blocks;
    for (size_t i = 1; i <= 8; ++i)
        blocks.push_back(allocate(i * 3 * kMiB, 16));
    for (const Block& block : blocks) {
        ASSERT_TRUE(block.at);
        free(block.at, block.record);
    }
    EXPECT_LE(stats().kept, 2 * kMiB);
}

TEST_F(Map, SmallBlocksAreRunsLargeOnesMappings) {
    const Block small = allocate(kSmallestBlock, 16);
    const Block large = allocate(5 * kMiB + 1, 16);
    ASSERT_TRUE(small.at && large.at);
    EXPECT_EQ(small.record.source, BlockSource::kRun);
    EXPECT_GE(small.record.size, kSmallestBlock);
    EXPECT_EQ(large.record.source, BlockSource::kMapping);
    EXPECT_EQ(large.record.size, 5 * kMiB + os::page_size());
    free(small.at, small.record);
    free(large.at, large.record);
}

TEST_F(Map, EveryAlignment) {
    for (size_t alignment = 16; alignment <= 64 * kMiB; alignment *= 2)
        for (size_t size : {kSmallestBlock, kMiB, 3 * kMiB}) {
            const Block block = allocate(size, alignment);
            ASSERT_TRUE(block.at) << alignment;
            EXPECT_EQ(reinterpret_cast<uintptr_t>(block.at) % alignment, 0u);
            EXPECT_GE(block.record.size, size);
            memset(block.at, 1, block.record.size);
            free(block.at, block.record);
        }
}

TEST_F(Map, FreshIsZeroAndKeptIsMarkedDirty) {
    const Block fresh = allocate(4 * kMiB, 16);
    ASSERT_TRUE(fresh.at);
    EXPECT_EQ(fresh.dirty, 0u);
    EXPECT_TRUE(all_zero(fresh.at, fresh.record.size));
    memset(fresh.at, 7, fresh.record.size);
    free(fresh.at, fresh.record);
    const Block again = allocate(4 * kMiB, 16);
    EXPECT_EQ(again.at, fresh.at);
    EXPECT_EQ(again.dirty, again.record.size);
    free(again.at, again.record);
}

TEST_F(Map, AKeptRangeIsLengthenedAndOnlyItsFrontIsDirty) {
    const Block first = allocate(3 * kMiB, 16);
    ASSERT_TRUE(first.at);
    memset(first.at, 7, first.record.size);
    free(first.at, first.record);
    const long mapped = os::calls(os::Call::kMap);
    const Block longer = allocate(6 * kMiB, 16);
    ASSERT_TRUE(longer.at);
    EXPECT_EQ(os::calls(os::Call::kMap), mapped);
    EXPECT_EQ(longer.dirty, 3 * kMiB);
    EXPECT_EQ(stats().kept, 0u);
    EXPECT_EQ(static_cast<char*>(longer.at)[3 * kMiB - 1], 7);
    EXPECT_TRUE(all_zero(static_cast<char*>(longer.at) + longer.dirty, longer.record.size - longer.dirty));
    free(longer.at, longer.record);
}

TEST_F(Map, KeepsAtMostHalfOfTheLivePlusTwiceTheLargestFreed) {
    // What comes and goes is learned to be worth keeping.
    for (int cycle = 0; cycle < 4; ++cycle) {
        const Block largest[] = {allocate(32 * kMiB, 16), allocate(32 * kMiB, 16), allocate(32 * kMiB, 16)};
        for (const Block& block : largest) {
            ASSERT_TRUE(block.at);
            free(block.at, block.record);
        }
    }
    std::vector<Block> blocks;
    for (int i = 0; i < 40; ++i)
        blocks.push_back(allocate(4 * kMiB, 16));
    for (const Block& block : blocks) {
        ASSERT_TRUE(block.at);
        free(block.at, block.record);
        EXPECT_LE(stats().kept, stats().live / 2 + 64 * kMiB);
    }
    EXPECT_GE(stats().kept, 60 * kMiB);
    EXPECT_LE(stats().kept, 64 * kMiB);
}

TEST_F(Map, TrimGivesEverythingBack) {
    const Block block = allocate(4 * kMiB, 16);
    free(block.at, block.record);
    EXPECT_TRUE(is_kept(block.at));
    EXPECT_EQ(trim(), 4 * kMiB);
    EXPECT_FALSE(is_kept(block.at));
    EXPECT_FALSE(os::readable(block.at, 1));
    EXPECT_EQ(trim(), 0u);
}

TEST_F(Map, GrowsIntoItsOwnFreedTail) {
    const Block block = allocate(16 * kMiB, 16);
    ASSERT_TRUE(block.at);
    const size_t smaller = resize_in_place(block.at, block.record, 8 * kMiB);
    EXPECT_EQ(smaller, 8 * kMiB);
    const long remapped = os::calls(os::Call::kRemap);
    const size_t larger = resize_in_place(block.at, {smaller, BlockSource::kMapping}, 12 * kMiB);
    EXPECT_GE(larger, 12 * kMiB);
    EXPECT_EQ(os::calls(os::Call::kRemap), remapped);
    free(block.at, {larger, BlockSource::kMapping});
}

TEST_F(Map, WhatIsKeptIsRoomToGrowIn) {
    const Block other = allocate(8 * kMiB, 16), growing = allocate(kMiB, 16), kept = allocate(3 * kMiB, 16);
    ASSERT_TRUE(other.at && growing.at && kept.at);
    EXPECT_EQ(kept_to_grow_in(growing.record, 2 * kMiB).at, nullptr) << "nothing is kept";
    free(kept.at, kept.record);
    ASSERT_EQ(stats().kept, 3 * kMiB);
    EXPECT_EQ(kept_to_grow_in(growing.record, 4 * kMiB).at, nullptr) << "moving is cheaper";
    const Block room = kept_to_grow_in(growing.record, 2 * kMiB);
    EXPECT_EQ(room.at, kept.at);
    EXPECT_EQ(room.record.size, 2 * kMiB + kMiB / 2) << "with room to spare";
    EXPECT_EQ(stats().kept, kMiB / 2);
    EXPECT_EQ(stats().live, 11 * kMiB + kMiB / 2);
    for (const Block& block : {other, growing, room})
        free(block.at, block.record);
}

TEST_F(Map, RemapKeepsTheContentsAndCopiesNothing) {
    Block block = allocate(2 * kMiB, 16);
    ASSERT_TRUE(block.at);
    static_cast<char*>(block.at)[2 * kMiB - 1] = 42;
    for (size_t size = 4 * kMiB; size <= 1024 * kMiB; size *= 2) {
        const size_t before = os::memory().resident;
        block = remap(block.at, block.record, size);
        ASSERT_TRUE(block.at);
        EXPECT_GE(block.record.size, size);
        EXPECT_EQ(static_cast<char*>(block.at)[2 * kMiB - 1], 42);
        EXPECT_LE(os::memory().resident, before + kMiB);
    }
    free(block.at, block.record);
}

TEST_F(Map, RefusedByTheKernel) {
    const Block block = allocate(4 * kMiB, 16);
    ASSERT_TRUE(block.at);
    os::fail_after(os::Call::kMap, 0);
    os::fail_after(os::Call::kRemap, 0);
    EXPECT_EQ(allocate(4 * kMiB, 16).at, nullptr);
    EXPECT_EQ(allocate(4 * kMiB, 4 * kMiB).at, nullptr);
    EXPECT_EQ(resize_in_place(block.at, block.record, 8 * kMiB), 0u);
    EXPECT_EQ(remap(block.at, block.record, 8 * kMiB).at, nullptr);
    EXPECT_EQ(stats().live, 4 * kMiB);
    os::fail_none();
    free(block.at, block.record);
}

TEST_F(Map, OutOfMemoryWhatIsKeptGoesFirst) {
    const Block kept = allocate(4 * kMiB, 16);
    free(kept.at, kept.record);
    os::fail_after(os::Call::kRemap, 0);
    os::fail_after(os::Call::kMap, 0);
    EXPECT_EQ(allocate(8 * kMiB, 16).at, nullptr);
    EXPECT_EQ(stats().kept, 0u);
    os::fail_none();
}

// Of 40 MiB.
std::vector<Block> filled_blocks() {
    std::vector<Block> blocks;
    for (int i = 0; i < 40; ++i) {
        blocks.push_back(allocate(kMiB, 16));
        memset(blocks.back().at, 6, kMiB);
    }
    return blocks;
}

TEST_F(Map, WhatCannotBeUnmappedGivesItsPagesBackAllTheSame) {
    const std::vector<Block> blocks = filled_blocks();
    const size_t full = os::memory().resident;
    os::fail_after(os::Call::kUnmap, 0);
    for (const Block& block : blocks)
        free(block.at, block.record);
    trim();
    EXPECT_LE(os::memory().resident, full - 36 * kMiB);
    EXPECT_EQ(stats().kept, 0u);
    const long mapped = os::calls(os::Call::kMap);
    const Block again = allocate(8 * kMiB, 16);
    ASSERT_TRUE(again.at);
    EXPECT_EQ(os::calls(os::Call::kMap), mapped) << "its address space is used again";
    EXPECT_EQ(again.dirty, 0u);
    EXPECT_TRUE(all_zero(again.at, again.record.size));
    free(again.at, again.record);
    os::fail_none();
}

TEST_F(Map, WhatTheKernelWillNotHaveIsNotTriedAtEveryFree) {
    const std::vector<Block> blocks = filled_blocks();
    os::fail_after(os::Call::kUnmap, 0);
    os::fail_after(os::Call::kMap, 0);
    const long unmaps = os::calls(os::Call::kUnmap);
    for (const Block& block : blocks)
        free(block.at, block.record);
    EXPECT_LE(os::calls(os::Call::kUnmap), unmaps + 2);
    EXPECT_EQ(stats().kept, 40 * kMiB) << "nothing is lost";
    os::fail_none();
    EXPECT_EQ(trim(), 40 * kMiB);
}

// Single blocks among others go back: the mappings stay few, and so do those of a fork's child.
TEST_F(Map, HolesMakeFewMappings) {
    constexpr size_t kSize = 132 << 10;
    std::vector<Block> blocks;
    for (int i = 0; i < 60000; ++i) {
        blocks.push_back(allocate(kSize, i % 3 ? 16 : 65536));
        ASSERT_TRUE(blocks.back().at);
    }
    for (size_t i = 0; i < blocks.size(); i += 2)
        free(blocks[i].at, blocks[i].record);
    FILE* maps = fopen("/proc/self/maps", "r");
    size_t lines = 0;
    for (int c; (c = getc(maps)) != EOF;)
        lines += c == '\n';
    fclose(maps);
    EXPECT_LE(lines, size_t{17000});
    for (size_t i = 1; i < blocks.size(); i += 2)
        free(blocks[i].at, blocks[i].record);
}

TEST_F(Map, AlignedOnesAreServedFromWhatIsKept) {
    const Block first = allocate(8 * kMiB, 16);
    free(first.at, first.record);
    const long mapped = os::calls(os::Call::kMap);
    const Block block = allocate(2 * kMiB, kMiB);
    ASSERT_TRUE(block.at);
    EXPECT_EQ(os::calls(os::Call::kMap), mapped);
    EXPECT_EQ(reinterpret_cast<uintptr_t>(block.at) % kMiB, 0u);
    free(block.at, block.record);
}

// As in a signal handler of the forking thread, and after threads that are gone.
TEST_F(Map, TheChildOfAForkGivesUpWhatItCannotTrust) {
    const Block held = allocate(4 * kMiB, 16);
    const Block freed = allocate(2 * kMiB, 16);
    free(freed.at, freed.record);
    for (const bool others : {false, true}) {
        const pid_t child = fork();
        if (child == 0) {
            alarm(10);
            if (!others) books().lock.lock();
            after_fork_child(others);
            bool good = stats().kept == 0 && stats().live == 4 * kMiB;
            const Block block = allocate(2 * kMiB, 16);
            good = good && block.at && block.at != freed.at;
            free(block.at, block.record);
            free(held.at, held.record);
            trim();
            _exit(good && stats().live == 0 && stats().kept == 0 ? 0 : 1);
        }
        int status = -1;
        ASSERT_EQ(waitpid(child, &status, 0), child);
        EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0) << others << ' ' << status;
    }
    free(held.at, held.record);
}

TEST_F(Map, TheChildOfASingleThreadKeepsWhatIsKept) {
    const Block freed = allocate(2 * kMiB, 16);
    free(freed.at, freed.record);
    const pid_t child = fork();
    if (child == 0) {
        after_fork_child(false);
        _exit(stats().kept == 2 * kMiB ? 0 : 1);
    }
    int status = -1;
    ASSERT_EQ(waitpid(child, &status, 0), child);
    EXPECT_EQ(status, 0);
}

TEST_F(Map, WithoutARegionSmallBlocksAreMappings) {
    os::fail_after(os::Call::kReserve, 0);
    os::fail_after(os::Call::kCommit, 0);
    std::vector<Block> blocks;
    bool mapped = false;
    for (int i = 0; i < 10000 && !mapped; ++i) {
        blocks.push_back(allocate(kSmallestBlock, 16));
        ASSERT_TRUE(blocks.back().at);
        mapped = blocks.back().record.source == BlockSource::kMapping;
    }
    EXPECT_TRUE(mapped);
    os::fail_none();
    for (const Block& block : blocks)
        free(block.at, block.record);
}

TEST_F(Map, ImpossibleSizesAndAlignments) {
    EXPECT_EQ(allocate(kLargestBlock + 1, 16).at, nullptr);
    EXPECT_EQ(allocate(kLargestBlock, 16).at, nullptr);
    EXPECT_EQ(allocate(kMiB, size_t{1} << 62).at, nullptr);
    EXPECT_EQ(allocate_growing(kLargestBlock).at, nullptr);
}

// Contents survive while blocks come, grow, shrink and go at random; nothing overlaps.
TEST_F(Map, AtRandomContentsSurvive) {
    std::mt19937 random(5);
    struct Held {
        Block block;
        unsigned char mark;
    };
    std::vector<Held> held;
    auto fill = [](const Held& h) { memset(h.block.at, h.mark, h.block.record.size); };
    auto intact = [](const Held& h, size_t size) {
        const auto* first = static_cast<const unsigned char*>(h.block.at);
        return *first == h.mark && memcmp(first, first + 1, size - 1) == 0;
    };
    for (int i = 0; i < 2000; ++i) {
        const size_t size = kSmallestBlock + random() % (4 * kMiB);
        if (held.size() < 12) {
            held.push_back({allocate(size, 16), static_cast<unsigned char>(1 + i % 255)});
            ASSERT_TRUE(held.back().block.at);
            fill(held.back());
            continue;
        }
        Held& h = held[random() % held.size()];
        ASSERT_TRUE(intact(h, h.block.record.size));
        if (random() % 2 && h.block.record.source == BlockSource::kMapping) {
            const size_t kept = std::min(size, h.block.record.size);
            if (const size_t changed = resize_in_place(h.block.at, h.block.record, size))
                h.block.record.size = changed;
            else
                h.block = remap(h.block.at, h.block.record, size);
            ASSERT_TRUE(h.block.at);
            ASSERT_TRUE(intact(h, kept));
            fill(h);
        } else {
            free(h.block.at, h.block.record);
            h = held.back();
            held.pop_back();
        }
    }
    for (const Held& h : held)
        free(h.block.at, h.block.record);
}

}  // namespace
}  // namespace tarn::map
