// SPDX-License-Identifier: MIT
// A translator's syntax tree in a Pool<T>, rewritten in place; its table of symbols, a std::map, upon pools.
#include <cstdio>
#include <map>
#include <string>

#include "tarn/pool.hpp"

namespace {

struct Node {
    enum Kind { kNumber, kAdd, kMultiply } kind;
    long number = 0;
    Node *left = nullptr, *right = nullptr;
};

// Sums of products of single digits: "2*3+4*5".
class Parser {
  public:
    Parser(tarn::Pool<Node>& pool, const char* text) : pool_(pool), at_(text) {}
    Node* sum() {
        Node* tree = product();
        while (*at_ == '+')
            ++at_, tree = pool_.make(Node{Node::kAdd, 0, tree, product()});
        return tree;
    }

  private:
    Node* digit() { return pool_.make(Node{Node::kNumber, *at_++ - '0'}); }
    Node* product() {
        Node* tree = digit();
        while (*at_ == '*')
            ++at_, tree = pool_.make(Node{Node::kMultiply, 0, tree, digit()});
        return tree;
    }
    tarn::Pool<Node>& pool_;
    const char* at_;
};

// Constant folding: an operator becomes the number it stands for, and its operands go back to the pool.
void fold(tarn::Pool<Node>& pool, Node& node) {
    if (node.kind == Node::kNumber) return;
    fold(pool, *node.left);
    fold(pool, *node.right);
    const long a = node.left->number, b = node.right->number;
    pool.destroy(node.left);
    pool.destroy(node.right);
    node = Node{Node::kNumber, node.kind == Node::kAdd ? a + b : a * b};
}

}  // namespace

int main() {
    tarn::Pool<Node> pool;
    tarn::SizedPools sized;
    using Entry = std::pair<const std::string, long>;
    std::map<std::string, long, std::less<>, tarn::PoolAllocator<Entry>> symbols{
        tarn::PoolAllocator<Entry>(sized)};
    for (int i = 0; i < 1000; ++i) {
        Node* tree = Parser(pool, i % 2 == 0 ? "2*3+4*5" : "9+8*7*6+5").sum();
        fold(pool, *tree);
        symbols["v" + std::to_string(i % 100)] += tree->number;
        pool.destroy(tree);
    }
    std::printf("v0 = %ld, v1 = %ld\n", symbols["v0"], symbols["v1"]);
    const tarn::PoolStats stats = pool.stats();
    std::printf(
        "%llu nodes made, %llu live, in %llu chunk\n", static_cast<unsigned long long>(stats.allocations),
        static_cast<unsigned long long>(stats.live_objects), static_cast<unsigned long long>(stats.chunks));
}
