// SPDX-License-Identifier: MIT
// The quarantine's order: nothing is lost, each object waits for half of the others, and nobody can tell for how many.
#include "hardened/quarantine.h"

#include <gtest/gtest.h>

#include <map>
#include <memory>
#include <random>
#include <set>

namespace tarn::hardened {
namespace {

struct QuarantineTest : testing::Test {
    static char* object(size_t number) { return reinterpret_cast<char*>(16 * (number + 1)); }
    void add(size_t number, size_t bytes = 16) { quarantine.add(object(number), bytes, random()); }
    size_t leave(size_t bytes = 16) {
        const size_t number = reinterpret_cast<uintptr_t>(quarantine.oldest()) / 16 - 1;
        quarantine.remove_oldest(bytes);
        return number;
    }

    std::unique_ptr<Quarantine> owner{new Quarantine};
    Quarantine& quarantine = *owner;
    std::mt19937_64 random{1};
};

TEST_F(QuarantineTest, EmptyItHasNothing) {
    EXPECT_EQ(quarantine.oldest(), nullptr);
    EXPECT_EQ(quarantine.bytes(), 0u);
    EXPECT_EQ(quarantine.count(), 0u);
    EXPECT_FALSE(quarantine.full());
}

TEST_F(QuarantineTest, WhatComesInLeavesOnceAndBytesAreCounted) {
    std::multiset<size_t> inside;
    size_t bytes = 0;
    for (size_t i = 0; i < 50000; ++i) {
        const bool comes = inside.empty() || (!quarantine.full() && random() % 100 < 51);
        if (comes) {
            add(i, 16 * (i % 7 + 1));
            inside.insert(i);
            bytes += 16 * (i % 7 + 1);
        } else {
            const size_t left = reinterpret_cast<uintptr_t>(quarantine.oldest()) / 16 - 1;
            ASSERT_EQ(inside.erase(left), 1u) << left;
            bytes -= 16 * (left % 7 + 1);
            leave(16 * (left % 7 + 1));
        }
        ASSERT_EQ(quarantine.count(), inside.size());
        ASSERT_EQ(quarantine.bytes(), bytes);
    }
    std::multiset<size_t> visited;
    quarantine.each([&](void* p) { visited.insert(reinterpret_cast<uintptr_t>(p) / 16 - 1); });
    EXPECT_EQ(visited, inside);
}

TEST_F(QuarantineTest, EachWaitsForHalfOfTheOthersAtLeast) {
    constexpr size_t kInside = 1000;
    std::map<size_t, size_t> came;
    size_t left = 0;
    for (size_t i = 0; i < 20 * kInside; ++i) {
        add(i);
        came[i] = left;
        if (quarantine.count() < kInside) continue;
        const size_t number = leave();
        ++left;
        // As it came there were kInside - 1 others; as many as half of these left before it.
        if (number < kInside) continue;
        ASSERT_GE(left - came[number], kInside / 2 - 1) << number;
    }
}

TEST_F(QuarantineTest, TheOrderIsNotThatOfTheFrees) {
    constexpr size_t kInside = 256;
    for (size_t i = 0; i < kInside; ++i)
        add(i);
    size_t in_turn = 0, last = 0;
    for (size_t i = 0; i < 4096; ++i) {
        const size_t number = leave();
        in_turn += number == last + 1;
        last = number;
        add(kInside + i);
    }
    EXPECT_LT(in_turn, 4096u / 20);
}

TEST_F(QuarantineTest, FullItTakesTheMostAndForgetsAllAtOnce) {
    for (size_t i = 0; i < Quarantine::kMost; ++i) {
        ASSERT_FALSE(quarantine.full());
        add(i);
    }
    EXPECT_TRUE(quarantine.full());
    std::set<size_t> left;
    for (size_t i = 0; i < 10; ++i)
        left.insert(leave());
    EXPECT_EQ(left.size(), 10u);
    quarantine.forget();
    EXPECT_EQ(quarantine.count(), 0u);
    EXPECT_EQ(quarantine.bytes(), 0u);
    add(1);
    EXPECT_EQ(leave(), 1u);
}

}  // namespace
}  // namespace tarn::hardened
