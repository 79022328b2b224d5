// SPDX-License-Identifier: MIT
// The trees of ranges against the simplest thing that does the same; no memory stands behind the addresses.
#include "backend/ranges/range_tree.h"

#include <gtest/gtest.h>

#include <map>
#include <memory>
#include <random>
#include <set>

namespace tarn {
namespace {

constexpr size_t kPage = 4096;

char* at(size_t page) {
    return reinterpret_cast<char*>(0x7f0000000000 + page * kPage);
}

class RangeTreeTest : public testing::Test {
  protected:
    static constexpr size_t kNodes = 20000;
    RangeTreeTest() : memory(new RangeNode[kNodes]) { nodes.add(memory.get(), kNodes * sizeof(RangeNode)); }
    RangeNode* insert(size_t page, size_t pages) {
        RangeNode* const node = nodes.take();
        node->range = {at(page), pages * kPage, 0};
        tree.insert(node);
        return node;
    }
    std::unique_ptr<RangeNode[]> memory;
    RangeNodes nodes;
    RangeTree tree;
};

TEST_F(RangeTreeTest, EmptyFindsNothing) {
    EXPECT_EQ(tree.holding(at(0)), nullptr);
    EXPECT_EQ(tree.smallest_from(0), nullptr);
    EXPECT_EQ(tree.longest(), nullptr);
    EXPECT_EQ(tree.count(), 0u);
}

TEST_F(RangeTreeTest, FindsByAddress) {
    RangeNode* const node = insert(10, 5);
    EXPECT_EQ(tree.holding(at(10)), node);
    EXPECT_EQ(tree.holding(at(15) - 1), node);
    EXPECT_EQ(tree.holding(at(15)), nullptr);
    EXPECT_EQ(tree.holding(at(10) - 1), nullptr);
    EXPECT_EQ(tree.starting(at(10)), node);
    EXPECT_EQ(tree.starting(at(11)), nullptr);
    const RangeTree::Neighbours behind = tree.neighbours({at(15), kPage, 0});
    EXPECT_EQ(behind.before, node);
    EXPECT_EQ(behind.behind, nullptr);
    const RangeTree::Neighbours before = tree.neighbours({at(8), 2 * kPage, 0});
    EXPECT_EQ(before.before, nullptr);
    EXPECT_EQ(before.behind, node);
    EXPECT_EQ(tree.neighbours({at(8), kPage, 0}).behind, nullptr);
}

TEST_F(RangeTreeTest, NodesRunOutAndComeBack) {
    RangeNodes few;
    RangeNode three[3];
    few.add(three, sizeof three);
    EXPECT_FALSE(few.enough());
    RangeNode* const first = few.take();
    EXPECT_TRUE(first && few.take() && few.take());
    EXPECT_EQ(few.take(), nullptr);
    few.give(first);
    EXPECT_EQ(few.take(), first);
}

// Half a million steps; no step may take long: ranges come in order of address, as mappings do.
TEST_F(RangeTreeTest, StaysFlatWhenRangesComeInOrder) {
    for (size_t i = 0; i < kNodes; ++i)
        insert(2 * (kNodes - i), 1);
    for (int round = 0; round < 25; ++round)
        for (size_t i = 0; i < kNodes; ++i)
            ASSERT_NE(tree.holding(at(2 * (kNodes - i))), nullptr);
    EXPECT_EQ(tree.count(), kNodes);
}

TEST_F(RangeTreeTest, AtRandomAsTheModelDoes) {
    std::mt19937 random(3);
    std::map<size_t, RangeNode*> by_page;
    std::set<std::pair<size_t, size_t>> by_size;
    auto entry = [](const RangeNode* node) {
        return std::pair{node->range.size, static_cast<size_t>(node->range.at - at(0)) / kPage};
    };
    for (int step = 0; step < 60000; ++step) {
        const size_t slot = random() % 2000 * 64;  // so that nothing overlaps
        const auto found = by_page.find(slot);
        if (found == by_page.end()) {
            by_page[slot] = insert(slot, 1 + random() % 32);
            by_size.insert(entry(by_page[slot]));
        } else if (random() % 3) {
            by_size.erase(entry(found->second));
            tree.remove(found->second);
            nodes.give(found->second);
            by_page.erase(found);
        } else {
            by_size.erase(entry(found->second));
            tree.change(found->second, {at(slot), (1 + random() % 64) * kPage, 0});
            by_size.insert(entry(found->second));
        }
        ASSERT_EQ(tree.count(), by_page.size());
        const size_t size = random() % 70 * kPage;
        const auto fit = by_size.lower_bound({size, 0});
        RangeNode* const best = tree.smallest_from(size);
        ASSERT_EQ(best != nullptr, fit != by_size.end());
        if (!best) continue;
        ASSERT_EQ(entry(best), *fit);
        const auto next = std::next(fit);
        RangeNode* const larger = tree.larger(best);
        ASSERT_EQ(larger != nullptr, next != by_size.end());
        if (larger) {
            ASSERT_EQ(entry(larger), *next);
        }
        ASSERT_EQ(entry(tree.longest()), *by_size.rbegin());
    }
}

}  // namespace
}  // namespace tarn
