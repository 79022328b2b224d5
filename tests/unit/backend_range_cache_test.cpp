// SPDX-License-Identifier: MIT
// The cache of freed mappings, as the data structure it is: no memory stands behind these addresses.
#include "backend/ranges/range_cache.h"

#include <gtest/gtest.h>

#include <map>
#include <random>

namespace tarn {
namespace {

constexpr size_t kMiB = size_t{1} << 20;

char* at(uintptr_t mib) {
    return reinterpret_cast<char*>(0x7f0000000000 + mib * kMiB);
}

// With nodes enough.
struct Nodes {
    Nodes() { nodes.add(memory, sizeof memory); }
    RangeNodes nodes;
    RangeNode memory[1000];
};
struct Cache : Nodes, RangeCache {
    Cache() : RangeCache(nodes) {}
};

void put(RangeCache& cache, uintptr_t mib, size_t mibs, Tag tag = 0) {
    ASSERT_TRUE(cache.put({at(mib), mibs * kMiB, tag}).range.size);
}
void put_empty(RangeCache& cache, uintptr_t mib, size_t mibs) {
    ASSERT_TRUE(cache.put({at(mib), mibs * kMiB, 0}, true).range.size);
}

TEST(RangeCache, EmptyGivesNothing) {
    Cache cache;
    EXPECT_EQ(cache.take(4096).range.size, 0u);
    EXPECT_EQ(cache.take_longest().range.size, 0u);
    EXPECT_EQ(cache.bytes(), 0u);
}

TEST(RangeCache, BestFitAndTheRestStays) {
    Cache cache;
    put(cache, 0, 20);
    put(cache, 100, 6);
    put(cache, 200, 10);
    const Range taken = cache.take(4 * kMiB).range;
    EXPECT_EQ(taken.at, at(100));
    EXPECT_EQ(taken.size, 4 * kMiB);
    EXPECT_EQ(cache.bytes(), 32 * kMiB);
    EXPECT_EQ(cache.take(2 * kMiB).range.at, at(104));
}

TEST(RangeCache, ASmallRestGoesAlong) {
    Cache cache;
    put(cache, 0, 16);
    const Range taken = cache.take(16 * kMiB - 512 * 1024).range;
    EXPECT_EQ(taken.size, 16 * kMiB);
    EXPECT_EQ(cache.count(), 0u);
}

TEST(RangeCache, NeighboursMergeOnBothSides) {
    Cache cache;
    put(cache, 0, 2);
    put(cache, 4, 2);
    EXPECT_EQ(cache.count(), 2u);
    put(cache, 2, 2);
    EXPECT_EQ(cache.count(), 1u);
    EXPECT_EQ(cache.take(6 * kMiB).range.at, at(0));
}

TEST(RangeCache, NeighboursOfAnotherTagStayApart) {
    Cache cache;
    put(cache, 0, 2, 7);
    put(cache, 2, 2, 8);
    EXPECT_EQ(cache.count(), 2u);
    EXPECT_EQ(cache.take(3 * kMiB).range.size, 0u);
    EXPECT_EQ(cache.take(2 * kMiB).range.tag + cache.take(2 * kMiB).range.tag, 15);
}

TEST(RangeCache, TakesWhatFollowsABlock) {
    Cache cache;
    put(cache, 8, 4, 3);
    EXPECT_FALSE(cache.take_exactly({at(7), kMiB, 3}));
    EXPECT_FALSE(cache.take_exactly({at(8), kMiB, 2}));
    EXPECT_FALSE(cache.take_exactly({at(8), 5 * kMiB, 3}));
    EXPECT_TRUE(cache.take_exactly({at(8), kMiB, 3}));
    EXPECT_EQ(cache.bytes(), 3 * kMiB);
    EXPECT_TRUE(cache.take_exactly({at(9), 3 * kMiB, 3}));
    EXPECT_EQ(cache.count(), 0u);
}

TEST(RangeCache, KeepsAtMostTheLimitOldestFirst) {
    Cache cache;
    put(cache, 0, 10);
    put(cache, 100, 10);
    const Range evicted = cache.evict(16 * kMiB);
    EXPECT_EQ(cache.bytes(), 16 * kMiB);
    EXPECT_EQ(evicted.at, at(0));
    EXPECT_EQ(evicted.size, 4 * kMiB);
    EXPECT_FALSE(cache.contains(at(3)));
    EXPECT_TRUE(cache.contains(at(4)));
    EXPECT_EQ(cache.evict(16 * kMiB).size, 0u);
}

TEST(RangeCache, WhatNobodyTakesAgesOut) {
    Cache cache;
    put(cache, 0, 1);
    for (uint32_t i = 0; i <= RangeCache::kOldAge; ++i)
        EXPECT_EQ(cache.take(kMiB * 64).range.size, 0u);
    EXPECT_EQ(cache.evict(SIZE_MAX).size, kMiB);
    EXPECT_EQ(cache.count(), 0u);
}

TEST(RangeCache, WithoutANodeNothingComesIn) {
    RangeNodes nodes;
    RangeNode memory[2];
    nodes.add(memory, sizeof memory);
    RangeCache cache(nodes);
    put(cache, 0, 1);
    put(cache, 2, 1);
    EXPECT_EQ(cache.put({at(8), kMiB, 0}).range.size, 0u);
    EXPECT_FALSE(cache.contains(at(8)));
    EXPECT_EQ(cache.put({at(1), kMiB, 0}).range.size, 3 * kMiB) << "two are one now";
    put(cache, 8, 1);
}

// The kernel keeps a huge page until nothing of it is mapped.
TEST(RangeCache, HugePagesAreNotCutInTwo) {
    Cache cache;
    put(cache, 1, 20, kHugeTag);
    const Range evicted = cache.evict(17 * kMiB);
    EXPECT_EQ(evicted.at, at(1));
    EXPECT_EQ(evicted.size, 3 * kMiB);
    EXPECT_EQ(cache.evict(17 * kMiB - 1).size, 2 * kMiB);
    EXPECT_EQ(cache.bytes(), 15 * kMiB);
}

TEST(RangeCache, ABlockHasAllOfItsLastHugePageWhereThatIsLittle) {
    Cache cache;
    put(cache, 0, 40, kHugeTag);
    EXPECT_EQ(cache.take(15 * kMiB).range.size, 16 * kMiB);
    const Range small = cache.take(5 * kMiB).range;
    EXPECT_EQ(small.at, at(16));
    EXPECT_EQ(small.size, 5 * kMiB);
    EXPECT_EQ(cache.take(17 * kMiB).range.size, 17 * kMiB) << "up to the end of one";
    EXPECT_EQ(cache.take(2 * kMiB).range.size, 2 * kMiB) << "and no more than there is";
}

TEST(RangeCache, WhatIsEmptyCountsForNothingAndIsZero) {
    Cache cache;
    put_empty(cache, 0, 4);
    EXPECT_EQ(cache.bytes(), 0u);
    EXPECT_EQ(cache.evict(0).size, 0u);
    EXPECT_EQ(cache.take_longest().range.size, 0u);
    const Taken taken = cache.take(kMiB);
    EXPECT_EQ(taken.range.at, at(0));
    EXPECT_EQ(taken.dirty, 0u);
    EXPECT_EQ(cache.evict_empty().size, 3 * kMiB);
}

TEST(RangeCache, WhatTouchesADirtyRangeIsZeroNoLonger) {
    Cache cache;
    put_empty(cache, 0, 4);
    put(cache, 4, 1);
    EXPECT_EQ(cache.count(), 1u);
    EXPECT_EQ(cache.bytes(), kMiB);
    for (int i = 0; i < 5; ++i)
        EXPECT_EQ(cache.take(kMiB).dirty, kMiB) << i;
    EXPECT_EQ(cache.bytes(), 0u);
}

TEST(RangeCache, AlignedOutOfTheMiddle) {
    Cache cache;
    put(cache, 3, 20);
    const Range taken = cache.take(2 * kMiB, 16 * kMiB).range;
    EXPECT_EQ(taken.at, at(16));
    EXPECT_EQ(cache.count(), 2u);
    EXPECT_EQ(cache.bytes(), 18 * kMiB);
    EXPECT_TRUE(cache.contains(at(15)) && cache.contains(at(18)) && !cache.contains(at(17)));
    put(cache, 16, 2);
    EXPECT_EQ(cache.count(), 1u);
    EXPECT_EQ(cache.take(8 * kMiB, 16 * kMiB).range.size, 0u) << "it ends too early";
}

// Every byte is in exactly one place: handed out, here, or evicted; and what is said to be zero is.
TEST(RangeCache, NoByteIsLostOrGivenTwice) {
    Cache cache;
    std::mt19937 random(11);
    std::map<uintptr_t, std::pair<size_t, bool>> out;  // address: size, written
    size_t total = 0;
    uintptr_t fresh = 0;
    size_t inside = 0;
    for (int i = 0; i < 20000; ++i) {
        if (random() % 2 || out.empty()) {
            const size_t size = (1 + random() % 64) * 16 * 4096;
            Taken taken = cache.take(size, random() % 4 ? 1 : 65536);
            inside -= taken.range.size;
            if (!taken.range.size) taken.range = {at(fresh += 64), size}, total += size;
            const auto key = reinterpret_cast<uintptr_t>(taken.range.at);
            auto next = out.lower_bound(key);
            ASSERT_TRUE(next == out.end() || key + taken.range.size <= next->first);
            ASSERT_TRUE(next == out.begin() || std::prev(next)->first + std::prev(next)->second.first <= key);
            out[key] = {taken.range.size, random() % 2 == 0};
        } else {
            const auto chosen = std::next(out.begin(), static_cast<long>(random() % out.size()));
            const auto [size, written] = chosen->second;
            ASSERT_TRUE(cache.put({reinterpret_cast<char*>(chosen->first), size}, !written).range.size);
            inside += size;
            out.erase(chosen);
            const Range evicted = random() % 8 ? Range{} : cache.evict(inside / 2);
            total -= evicted.size;
            inside -= evicted.size;
        }
        size_t held = 0;
        for (const auto& [key, block] : out)
            held += block.first;
        ASSERT_EQ(held + inside, total);
        ASSERT_LE(cache.bytes(), inside);
    }
}

}  // namespace
}  // namespace tarn
