// SPDX-License-Identifier: MIT
// SteadyList: who is on it, after each change, and after links back were lost.
#include "base/steady_list.h"

#include <gtest/gtest.h>

#include <random>
#include <set>
#include <vector>

namespace tarn {
namespace {

struct Node : Listed<Node> {};

std::set<const Node*> on(const SteadyList<Node>& list) {
    std::set<const Node*> nodes;
    for (const Node* node = list.first(); node; node = node->next())
        EXPECT_TRUE(nodes.insert(node).second) << "twice, or a ring";
    return nodes;
}

TEST(SteadyList, TheNewestComesFirst) {
    SteadyList<Node> list;
    Node one, two;
    EXPECT_EQ(list.first(), nullptr);
    list.add(one);
    list.add(two);
    EXPECT_EQ(list.first(), &two);
    EXPECT_EQ(two.next(), &one);
    EXPECT_EQ(one.next(), nullptr);
}

TEST(SteadyList, HoldsWhatWasAddedAndNotRemoved) {
    SteadyList<Node> list;
    std::vector<Node> nodes(50);
    std::set<const Node*> expected;
    std::mt19937 random(1);
    for (int i = 0; i < 5000; ++i) {
        Node& node = nodes[random() % nodes.size()];
        if (expected.erase(&node))
            list.remove(node);
        else
            list.add(node), expected.insert(&node);
        ASSERT_EQ(on(list), expected);
        if (i % 100 == 0) list.mend();  // changes nothing of a list that is whole
    }
}

// In the child of a fork over remove(): the next node still says that the one before it leads to it.
TEST(SteadyList, LinksBackAreMended) {
    SteadyList<Node> list;
    Node first, second, third;
    for (Node* node : {&third, &second, &first})
        list.add(*node);
    struct Links {
        Node* next;
        Node** link;
    };
    static_assert(sizeof(Links) == sizeof(Node));
    const Links before = reinterpret_cast<Links&>(third);
    list.remove(second);
    reinterpret_cast<Links&>(third) = before;
    list.mend();
    list.remove(third);
    EXPECT_EQ(on(list), std::set<const Node*>{&first});
}

}  // namespace
}  // namespace tarn
