// SPDX-License-Identifier: MIT
// How many mappings the kernel holds of ours, by the books; no memory stands behind the addresses.
#include "backend/ranges/mappings.h"

#include <gtest/gtest.h>

#include <memory>
#include <random>
#include <vector>

namespace tarn {
namespace {

constexpr size_t kPage = 4096;

class MappingsTest : public testing::Test {
  protected:
    static constexpr size_t kNodes = 40000;
    MappingsTest() : memory(new RangeNode[kNodes]) { nodes.add(memory.get(), kNodes * sizeof(RangeNode)); }
    static Range range(size_t page, size_t pages, Tag tag = 0) {
        return {reinterpret_cast<char*>(0x7f0000000000 + page * kPage), pages * kPage, tag};
    }
    std::unique_ptr<RangeNode[]> memory;
    RangeNodes nodes;
    Mappings mappings{nodes};
};

TEST_F(MappingsTest, NeighboursAreOne) {
    mappings.added(range(10, 5));
    mappings.added(range(5, 5));
    EXPECT_EQ(mappings.count(), 1u);
    mappings.added(range(20, 5));
    EXPECT_EQ(mappings.count(), 2u);
    mappings.added(range(15, 5));
    EXPECT_EQ(mappings.count(), 1u);
}

TEST_F(MappingsTest, WhatMovedStaysApart) {
    mappings.added(range(10, 5));
    mappings.added(range(15, 5, 7));
    EXPECT_EQ(mappings.count(), 2u);
    mappings.removed(range(12, 6));  // of both
    EXPECT_EQ(mappings.count(), 2u);
}

TEST_F(MappingsTest, AHoleMakesTwoAndAnEndNone) {
    mappings.added(range(0, 30));
    EXPECT_FALSE(mappings.costs_nothing(range(10, 5)));
    EXPECT_TRUE(mappings.costs_nothing(range(0, 5)));
    EXPECT_TRUE(mappings.costs_nothing(range(25, 5)));
    mappings.removed(range(10, 5));
    EXPECT_EQ(mappings.count(), 2u);
    mappings.removed(range(0, 10));
    EXPECT_EQ(mappings.count(), 1u);
    mappings.removed(range(15, 15));
    EXPECT_EQ(mappings.count(), 0u);
}

TEST_F(MappingsTest, BeyondItsShareOnlyEndsAreRemoved) {
    mappings.limit_is(1000 * Mappings::kShare);
    for (size_t i = 0; i < 999; ++i)
        mappings.added(range(4 * i, 3));
    EXPECT_TRUE(mappings.may_remove(range(1, 1), false));
    mappings.removed(range(1, 1));
    EXPECT_TRUE(mappings.scarce());
    EXPECT_FALSE(mappings.may_remove(range(5, 1), false));
    EXPECT_TRUE(mappings.may_remove(range(5, 1), true)) << "memory is what is missing";
    EXPECT_TRUE(mappings.may_remove(range(4, 1), false));
}

TEST_F(MappingsTest, TheLimitIsAskedForOnce) {
    for (size_t i = 0; i < Mappings::kAskFrom; ++i) {
        EXPECT_FALSE(mappings.wants_limit());
        mappings.added(range(2 * i, 1));
    }
    EXPECT_TRUE(mappings.wants_limit());
    mappings.limit_is(Mappings::kUsualLimit);
    EXPECT_FALSE(mappings.wants_limit());
    EXPECT_FALSE(mappings.scarce());
}

TEST_F(MappingsTest, APartMayNeverHaveBeenKnown) {
    mappings.added(range(10, 5));
    mappings.added(range(20, 5));
    mappings.removed(range(0, 40));
    EXPECT_EQ(mappings.count(), 1u) << "what was unknown may have been one";
    mappings.added(range(10, 5));
    mappings.added(range(12, 8));  // it was gone and nobody said so
    EXPECT_EQ(mappings.count(), 2u);
    mappings.removed(range(10, 10));
    EXPECT_EQ(mappings.count(), 1u);
}

TEST_F(MappingsTest, WithoutNodesItCountsTooMany) {
    RangeNodes none;
    Mappings blind(none);
    blind.added(range(0, 1));
    blind.added(range(1, 1));
    EXPECT_EQ(blind.count(), 2u);
}

// Page by page, as the kernel sees it.
TEST_F(MappingsTest, AtRandomAsManyAsThePagesSay) {
    std::mt19937 random(5);
    constexpr size_t kPages = 600;
    std::vector<int> tags(kPages, -1);
    for (int step = 0; step < 20000; ++step) {
        const size_t first = random() % kPages;
        const size_t most = std::min<size_t>(kPages - first, 1 + random() % 20);
        const bool add = tags[first] < 0;
        const int tag = add ? static_cast<int>(random() % 3) : -1;
        size_t pages = 0;
        while (pages < most && (tags[first + pages] < 0) == add)
            tags[first + pages++] = tag;
        if (add)
            mappings.added(range(first, pages, static_cast<Tag>(tag)));
        else
            mappings.removed(range(first, pages));
        size_t expected = 0;
        for (size_t i = 0; i < kPages; ++i)
            expected += tags[i] >= 0 && (i == 0 || tags[i - 1] != tags[i]);
        ASSERT_EQ(mappings.count(), expected) << step;
    }
}

}  // namespace
}  // namespace tarn
