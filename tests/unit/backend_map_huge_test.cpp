// SPDX-License-Identifier: MIT
// The built-in backend and huge pages: which blocks get them, and where such blocks move.
#include <gtest/gtest.h>

#include <cstdio>
#include <cstring>
#include <vector>

#include "backend/map/map.h"
#include "base/options.h"
#include "os/os.h"
#include "pages/page_map.h"

namespace tarn::map {
namespace {

constexpr size_t kMiB = size_t{1} << 20;
constexpr size_t kHuge = 2 * kMiB;

class MapHuge : public testing::Test {
  protected:
    static void SetUpTestSuite() { start_page_map(); }
    void TearDown() override {
        os::fail_none();
        trim();
        trim_runs_at_hand();
        EXPECT_EQ(stats().live, 0u);
        EXPECT_EQ(stats().kept, 0u);
    }
};

// Blocks of 1 MiB, `count` at a time, of each of which `written` bytes are; whether any got huge pages. What
// was seen of earlier ones is forgotten slowly: hence so many that are written whole.
bool get_huge_pages(size_t count, size_t written) {
    const size_t rounds = written < kMiB ? 300 : 2000;
    trim();
    bool found = false;
    std::vector<Block> blocks(count);
    for (size_t i = 0; i < rounds; ++i) {
        Block& block = blocks[i % count];
        if (block.at) free(block.at, block.record);
        if (i % count == 0) trim();
        block = allocate(kMiB, 16);
        EXPECT_TRUE(block.at);
        memset(block.at, 1, written);
        found |= is_huge(block.record.tag);
    }
    for (const Block& block : blocks)
        free(block.at, block.record);
    return found;
}

TEST_F(MapHuge, ForManyBlocksThatAreWrittenWhole) {
    EXPECT_FALSE(get_huge_pages(10, kMiB)) << "too few";
    EXPECT_FALSE(get_huge_pages(40, kMiB / 2)) << "half of each is untouched";
    options.huge_pages = HugePageUse::kNever;
    EXPECT_FALSE(get_huge_pages(40, kMiB));
    options.huge_pages = HugePageUse::kDenseBlocks;
    EXPECT_TRUE(get_huge_pages(40, kMiB));
    EXPECT_FALSE(get_huge_pages(10, kMiB)) << "few again";
}

TEST_F(MapHuge, SmallOnesShareThemAndAllIsCounted) {
    ASSERT_TRUE(get_huge_pages(40, kMiB));
    trim();
    std::vector<Block> blocks;
    size_t sum = 0;
    for (size_t size = 129 << 10; sum < 64 * kMiB; size += size / 16) {
        blocks.push_back(allocate(size, 16));
        ASSERT_TRUE(blocks.back().at);
        memset(blocks.back().at, 1, blocks.back().record.size);
        sum += blocks.back().record.size;
        ASSERT_EQ(stats().live, sum);
    }
    EXPECT_TRUE(is_huge(blocks.back().record.tag));
    for (const Block& block : blocks)
        free(block.at, block.record);
}

TEST_F(MapHuge, TheLastOfABlockIsWholeWhereWhatIsNotNeededIsLittle) {
    ASSERT_TRUE(get_huge_pages(40, kMiB));
    trim();
    std::vector<Block> blocks;
    for (size_t i = 0; i < 12; ++i) {  // so that no block is much of all
        blocks.push_back(allocate(8 * kMiB, 16));
        memset(blocks.back().at, 1, 8 * kMiB);
    }
    struct {
        size_t size, whole;
    } const cases[] = {{8 * kMiB - kMiB / 4, 8 * kMiB},
                       {8 * kMiB - kMiB, 8 * kMiB - kMiB},
                       {16 * kMiB - kMiB / 2, 16 * kMiB}};
    for (const auto& [size, whole] : cases) {
        blocks.push_back(allocate(size, 16));
        const Block& block = blocks.back();
        ASSERT_TRUE(block.at);
        ASSERT_TRUE(is_huge(block.record.tag)) << size;
        EXPECT_EQ(block.record.size, whole) << size;
    }
    for (const Block& block : blocks)
        free(block.at, block.record);
}

TEST_F(MapHuge, WhatIsKeptInOrdinaryPagesGivesWay) {
    ASSERT_TRUE(get_huge_pages(40, kMiB));
    trim();
    options.huge_pages = HugePageUse::kNever;
    std::vector<Block> blocks;
    for (size_t i = 0; i < 8; ++i) {
        blocks.push_back(allocate(8 * kMiB, 16));
        ASSERT_FALSE(is_huge(blocks.back().record.tag));
    }
    free(blocks.back().at, blocks.back().record);
    ASSERT_EQ(stats().kept, 8 * kMiB);
    options.huge_pages = HugePageUse::kDenseBlocks;
    blocks.back() = allocate(8 * kMiB, 16);
    EXPECT_TRUE(is_huge(blocks.back().record.tag));
    EXPECT_EQ(stats().kept, 0u) << "the old one went back";
    EXPECT_EQ(stats().live, 64 * kMiB);
    for (const Block& block : blocks)
        free(block.at, block.record);
}

TEST_F(MapHuge, ABlockThatGrowsGetsThemWhenItWasWritten) {
    for (const bool written : {false, true}) {
        Block block = allocate(4 * kMiB, 16);
        ASSERT_TRUE(block.at);
        ASSERT_FALSE(is_huge(block.record.tag));
        static_cast<char*>(block.at)[0] = 42;
        if (written) memset(block.at, 42, 4 * kMiB);
        if (const size_t size = resize_in_place(block.at, block.record, 32 * kMiB))
            block.record.size = size;
        else
            block = remap(block.at, block.record, 32 * kMiB);
        ASSERT_TRUE(block.at);
        EXPECT_EQ(is_huge(block.record.tag), written);
        EXPECT_EQ(static_cast<char*>(block.at)[0], 42);
        EXPECT_EQ(static_cast<char*>(block.at)[4 * kMiB - 1], written ? 42 : 0);
        free(block.at, block.record);
        trim();
    }
}

size_t address_space() {
    size_t pages = 0;
    FILE* file = fopen("/proc/self/statm", "r");
    EXPECT_EQ(fscanf(file, "%zu", &pages), 1);
    fclose(file);
    return pages * os::page_size();
}

// A block with something behind it, so that it has to move.
struct Wedged {
    Block block;
    char* behind;
    Wedged() : block(allocate(4 * kMiB, 16)), behind(static_cast<char*>(block.at) + 4 * kMiB) {
        memset(block.at, 9, 4 * kMiB);
        wedge = os::reserve_zeros_at(behind, os::page_size());
    }
    ~Wedged() {
        if (wedge) os::unmap(behind, os::page_size());
    }
    bool wedge = false;
};

TEST_F(MapHuge, WhatMovesKeepsItsOffsetAndLeavesNothingBehind) {
    const Wedged wedged;
    const size_t before = address_space();
    const Block moved = remap(wedged.block.at, wedged.block.record, 16 * kMiB);
    ASSERT_TRUE(moved.at);
    const auto from = reinterpret_cast<uintptr_t>(wedged.block.at);
    EXPECT_NE(moved.at, wedged.block.at);
    EXPECT_EQ(reinterpret_cast<uintptr_t>(moved.at) % kHuge, from % kHuge);
    EXPECT_EQ(address_space(), before + moved.record.size - 4 * kMiB);
    EXPECT_EQ(static_cast<char*>(moved.at)[4 * kMiB - 1], 9);
    free(moved.at, moved.record);
}

TEST_F(MapHuge, WithoutAddressSpaceToAlignInItMovesAnywhere) {
    const Wedged wedged;
    os::fail_after(os::Call::kReserve, 0);
    const Block moved = remap(wedged.block.at, wedged.block.record, 16 * kMiB);
    ASSERT_TRUE(moved.at);
    EXPECT_EQ(static_cast<char*>(moved.at)[4 * kMiB - 1], 9);
    free(moved.at, moved.record);
}

// The last one: nothing is aligned in this process any more.
TEST_F(MapHuge, ARefusedMoveLeavesItsTargetAloneAndIsNotTriedAgain) {
    const Wedged wedged;
    const size_t before = address_space();
    os::fail_after(os::Call::kRemap, 0);
    EXPECT_EQ(remap(wedged.block.at, wedged.block.record, 16 * kMiB).at, nullptr);
    EXPECT_EQ(address_space(), before + 17 * kMiB) << "the target is never unmapped: it may be another's";
    const long reserved = os::calls(os::Call::kReserve);
    EXPECT_EQ(remap(wedged.block.at, wedged.block.record, 16 * kMiB).at, nullptr);
    EXPECT_EQ(os::calls(os::Call::kReserve), reserved);
    EXPECT_EQ(static_cast<char*>(wedged.block.at)[4 * kMiB - 1], 9);
    os::fail_none();
    const Block moved = remap(wedged.block.at, wedged.block.record, 16 * kMiB);
    ASSERT_TRUE(moved.at);
    EXPECT_EQ(static_cast<char*>(moved.at)[4 * kMiB - 1], 9);
    free(moved.at, moved.record);
}

}  // namespace
}  // namespace tarn::map
