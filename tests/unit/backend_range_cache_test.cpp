// SPDX-License-Identifier: MIT
// The cache of freed mappings, as the data structure it is: no memory stands behind these addresses.
#include "backend/range_cache.h"

#include <gtest/gtest.h>

#include <map>
#include <random>

namespace tarn {
namespace {

constexpr size_t kMiB = size_t{1} << 20;

char* at(uintptr_t mib) {
    return reinterpret_cast<char*>(0x7f0000000000 + mib * kMiB);
}

void put(RangeCache& cache, uintptr_t mib, size_t mibs, Tag tag = 0) {
    Evicted evicted;
    cache.put({at(mib), mibs * kMiB, tag}, evicted);
    ASSERT_EQ(evicted.begin(), evicted.end());
}

TEST(RangeCache, EmptyGivesNothing) {
    RangeCache cache;
    EXPECT_EQ(cache.take(4096).size, 0u);
    EXPECT_EQ(cache.take_longest().size, 0u);
    EXPECT_EQ(cache.bytes(), 0u);
}

TEST(RangeCache, BestFitAndTheRestStays) {
    RangeCache cache;
    put(cache, 0, 20);
    put(cache, 100, 6);
    put(cache, 200, 10);
    const Range taken = cache.take(4 * kMiB);
    EXPECT_EQ(taken.at, at(100));
    EXPECT_EQ(taken.size, 4 * kMiB);
    EXPECT_EQ(cache.bytes(), 32 * kMiB);
    EXPECT_EQ(cache.take(2 * kMiB).at, at(104));
}

TEST(RangeCache, ASmallRestGoesAlong) {
    RangeCache cache;
    put(cache, 0, 16);
    const Range taken = cache.take(16 * kMiB - 512 * 1024);
    EXPECT_EQ(taken.size, 16 * kMiB);
    EXPECT_EQ(cache.count(), 0);
}

TEST(RangeCache, NeighboursMergeOnBothSides) {
    RangeCache cache;
    put(cache, 0, 2);
    put(cache, 4, 2);
    EXPECT_EQ(cache.count(), 2);
    put(cache, 2, 2);
    EXPECT_EQ(cache.count(), 1);
    EXPECT_EQ(cache.take(6 * kMiB).at, at(0));
}

TEST(RangeCache, NeighboursOfAnotherTagStayApart) {
    RangeCache cache;
    put(cache, 0, 2, 7);
    put(cache, 2, 2, 8);
    EXPECT_EQ(cache.count(), 2);
    EXPECT_EQ(cache.take(3 * kMiB).size, 0u);
    EXPECT_EQ(cache.take(2 * kMiB).tag + cache.take(2 * kMiB).tag, 15);
}

TEST(RangeCache, TakesWhatFollowsABlock) {
    RangeCache cache;
    put(cache, 8, 4, 3);
    EXPECT_FALSE(cache.take_exactly({at(7), kMiB, 3}));
    EXPECT_FALSE(cache.take_exactly({at(8), kMiB, 2}));
    EXPECT_FALSE(cache.take_exactly({at(8), 5 * kMiB, 3}));
    EXPECT_TRUE(cache.take_exactly({at(8), kMiB, 3}));
    EXPECT_EQ(cache.bytes(), 3 * kMiB);
    EXPECT_TRUE(cache.take_exactly({at(9), 3 * kMiB, 3}));
    EXPECT_EQ(cache.count(), 0);
}

TEST(RangeCache, KeepsAtMostTheLimitOldestFirst) {
    RangeCache cache;
    put(cache, 0, 10);
    put(cache, 100, 10);
    Evicted evicted;
    cache.shrink_to(16 * kMiB, evicted);
    EXPECT_EQ(cache.bytes(), 16 * kMiB);
    ASSERT_EQ(evicted.end() - evicted.begin(), 1);
    EXPECT_EQ(evicted.begin()->at, at(0));
    EXPECT_EQ(evicted.begin()->size, 4 * kMiB);
    EXPECT_FALSE(cache.contains(at(3)));
    EXPECT_TRUE(cache.contains(at(4)));
}

TEST(RangeCache, WhatNobodyTakesAgesOut) {
    RangeCache cache;
    put(cache, 0, 1);
    for (uint32_t i = 0; i <= RangeCache::kOldAge; ++i)
        EXPECT_EQ(cache.take(kMiB * 64).size, 0u);
    Evicted evicted;
    cache.shrink_to(SIZE_MAX, evicted);
    EXPECT_EQ(cache.count(), 0);
}

TEST(RangeCache, AFullTableMakesRoomForTheNewest) {
    RangeCache cache;
    Evicted evicted;
    for (uintptr_t i = 0; i < RangeCache::kRangesMost; ++i)
        put(cache, 2 * i, 1);
    cache.put({at(100000), kMiB, 0}, evicted);
    EXPECT_EQ(cache.count(), RangeCache::kRangesMost);
    ASSERT_EQ(evicted.end() - evicted.begin(), 1);
    EXPECT_EQ(evicted.begin()->at, at(0));
    EXPECT_TRUE(cache.contains(at(100000)));
}

TEST(RangeCache, ForgetsAll) {
    RangeCache cache;
    put(cache, 0, 1);
    cache.forget_all();
    EXPECT_EQ(cache.bytes(), 0u);
    EXPECT_EQ(cache.take(4096).size, 0u);
}

// The kernel keeps a huge page until nothing of it is mapped.
TEST(RangeCache, HugePagesAreNotCutInTwo) {
    RangeCache cache;
    put(cache, 1, 20, kHugeTag);
    Evicted evicted;
    cache.shrink_to(17 * kMiB, evicted);
    ASSERT_EQ(evicted.end() - evicted.begin(), 1);
    EXPECT_EQ(evicted.begin()->at, at(1));
    EXPECT_EQ(evicted.begin()->size, 3 * kMiB);
    Evicted more;
    cache.shrink_to(17 * kMiB - 1, more);
    ASSERT_EQ(more.end() - more.begin(), 1);
    EXPECT_EQ(more.begin()->size, 2 * kMiB);
    EXPECT_EQ(cache.bytes(), 15 * kMiB);
}

// Every byte is in exactly one place: handed out, in the cache, or evicted.
TEST(RangeCache, NoByteIsLostOrGivenTwice) {
    RangeCache cache;
    std::mt19937 random(11);
    std::map<uintptr_t, size_t> out;
    size_t total = 0;
    uintptr_t fresh = 0;
    for (int i = 0; i < 20000; ++i) {
        if (random() % 2 || out.empty()) {
            const size_t size = (1 + random() % 64) * 16 * 4096;
            Range range = cache.take(size);
            if (!range.size) range = {at(fresh += 64), size}, total += size;
            const auto key = reinterpret_cast<uintptr_t>(range.at);
            auto next = out.lower_bound(key);
            ASSERT_TRUE(next == out.end() || key + range.size <= next->first);
            ASSERT_TRUE(next == out.begin() || std::prev(next)->first + std::prev(next)->second <= key);
            out[key] = range.size;
        } else {
            const auto chosen = std::next(out.begin(), static_cast<long>(random() % out.size()));
            Evicted evicted;
            cache.put({reinterpret_cast<char*>(chosen->first), chosen->second}, evicted);
            out.erase(chosen);
            for (const Range& range : evicted)
                total -= range.size;
        }
        size_t held = 0;
        for (const auto& [key, size] : out)
            held += size;
        ASSERT_EQ(held + cache.bytes(), total);
    }
}

}  // namespace
}  // namespace tarn
