// SPDX-License-Identifier: MIT
// When huge pages are wanted, as the data structure it is: no memory stands behind these numbers.
#include "backend/ranges/huge_pages.h"

#include <gtest/gtest.h>

namespace tarn {
namespace {

constexpr size_t kMiB = size_t{1} << 20;
constexpr size_t kMuch = HugePages::kFrom;
constexpr size_t kSmall = kMuch / 4;

TEST(HugePages, NotBeforeEnoughIsKnown) {
    HugePages huge;
    EXPECT_FALSE(huge.wanted(kMuch, kSmall));
    huge.learn(kMiB, kMiB);
    EXPECT_FALSE(huge.wanted(kMuch, kSmall));
    huge.learn(kMiB, kMiB);
    EXPECT_TRUE(huge.wanted(kMuch, kSmall));
}

TEST(HugePages, CluelessWhileThereIsMuchAndNothingIsKnown) {
    HugePages huge;
    EXPECT_FALSE(huge.clueless(kMuch - 1));
    EXPECT_TRUE(huge.clueless(kMuch));
    huge.learn(2 * kMiB, 0);
    EXPECT_FALSE(huge.clueless(kMuch));
}

TEST(HugePages, OnlyWhileThereIsMuchInBlocks) {
    HugePages huge;
    huge.learn(4 * kMiB, 4 * kMiB);
    EXPECT_FALSE(huge.wanted(kMuch - 1, kMiB));
    EXPECT_TRUE(huge.wanted(kMuch, kMiB));
}

TEST(HugePages, NotForABlockThatOutweighsTheOthers) {
    HugePages huge;
    huge.learn(4 * kMiB, 4 * kMiB);
    EXPECT_TRUE(huge.wanted(80 * kMiB, 20 * kMiB));
    EXPECT_FALSE(huge.wanted(80 * kMiB, 21 * kMiB));
}

TEST(HugePages, TheRestOfTheLastOneWhereItIsLittle) {
    char* const at = reinterpret_cast<char*>(kHugePage);
    EXPECT_EQ(to_whole_huge_page(at, 15 * kMiB), 16 * kMiB);
    EXPECT_EQ(to_whole_huge_page(at, 16 * kMiB), 16 * kMiB);
    EXPECT_EQ(to_whole_huge_page(at + kMiB, 15 * kMiB), 15 * kMiB);
    EXPECT_EQ(to_whole_huge_page(at, 5 * kMiB), 5 * kMiB) << "a fifth of it";
}

TEST(HugePages, ASixteenthMayBeMissing) {
    HugePages huge;
    huge.learn(16 * kMiB, 15 * kMiB);
    EXPECT_TRUE(huge.wanted(kMuch, kSmall));
    huge.learn(kMiB, kMiB - 4096 * 32);
    EXPECT_FALSE(huge.wanted(kMuch, kSmall));
}

TEST(HugePages, WhatIsLongPastIsForgotten) {
    HugePages huge;
    for (int i = 0; i < 1000; ++i)
        huge.learn(kMiB, 0);
    EXPECT_FALSE(huge.wanted(kMuch, kSmall));
    int needed = 0;
    while (!huge.wanted(kMuch, kSmall) && needed < 1000)
        huge.learn(kMiB, kMiB), ++needed;
    EXPECT_GT(needed, 16) << "one block changes nothing";
    EXPECT_LT(needed, 256);
}

TEST(HugePages, EveryBlockIsLookedAtUntilEnoughIsKnownThenEverySixteenth) {
    HugePages huge;
    EXPECT_FALSE(huge.curious(kMuch - 1));
    for (int i = 0; i < 10; ++i)
        EXPECT_TRUE(huge.curious(kMuch));
    huge.learn(4 * kMiB, 4 * kMiB);
    int looks = 0;
    for (int i = 0; i < 160; ++i)
        looks += huge.curious(kMuch);
    EXPECT_EQ(looks, 10);
}

}  // namespace
}  // namespace tarn
