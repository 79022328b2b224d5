// SPDX-License-Identifier: MIT
#include "backend/ranges/range_tree.h"

namespace tarn {

void RangeNodes::add(void* memory, size_t bytes) {
    for (; fresh_count_ > 0; --fresh_count_, count(-1))
        give(fresh_++);
    fresh_ = static_cast<RangeNode*>(memory);
    fresh_count_ = bytes / sizeof(RangeNode);
    count(static_cast<int>(fresh_count_));
}

RangeNode* RangeNodes::take() {
    RangeNode* node = free_;
    if (node) {
        free_ = node->older;
    } else {
        if (fresh_count_ == 0) return nullptr;
        node = fresh_++;
        --fresh_count_;
    }
    count(-1);
    random_ ^= random_ << 13;
    random_ ^= random_ >> 17;
    random_ ^= random_ << 5;
    *node = {};
    node->priority = random_;
    return node;
}

void RangeNodes::give(RangeNode* node) {
    node->older = free_;
    free_ = node;
    count(1);
}

template <RangeTree::Order kOrder>
inline bool RangeTree::before(const RangeNode* a, const RangeNode* b) {
    if (kOrder == kBySize && a->range.size != b->range.size) return a->range.size < b->range.size;
    return a->range.at < b->range.at;
}

// Down to where its priority belongs; what was there is split in two below it.
template <RangeTree::Order kOrder>
void RangeTree::link(RangeNode* node) {
    RangeNode** link = &roots_[kOrder];
    while (*link && (*link)->priority >= node->priority)
        link = &(*link)->children[kOrder][before<kOrder>(*link, node)];
    RangeNode* rest = *link;
    RangeNode** smaller = &node->children[kOrder][0];
    RangeNode** greater = &node->children[kOrder][1];
    while (rest) {
        const bool right = before<kOrder>(rest, node);
        RangeNode**& side = right ? smaller : greater;
        *side = rest;
        side = &rest->children[kOrder][right];
        rest = *side;
    }
    *smaller = *greater = nullptr;
    *link = node;
}

template <RangeTree::Order kOrder>
void RangeTree::unlink(RangeNode* node) {
    RangeNode** link = &roots_[kOrder];
    while (*link != node)
        link = &(*link)->children[kOrder][before<kOrder>(*link, node)];
    RangeNode* left = node->children[kOrder][0];
    RangeNode* right = node->children[kOrder][1];
    while (left && right) {
        const bool left_first = left->priority >= right->priority;
        RangeNode*& top = left_first ? left : right;
        *link = top;
        link = &top->children[kOrder][left_first];
        top = *link;
    }
    *link = left ? left : right;
}

void RangeTree::insert(RangeNode* node) {
    link<kByAddress>(node);
    link<kBySize>(node);
    count_ += 1;
}

void RangeTree::remove(RangeNode* node) {
    unlink<kByAddress>(node);
    unlink<kBySize>(node);
    count_ -= 1;
}

void RangeTree::change(RangeNode* node, Range range) {
    unlink<kBySize>(node);
    node->range = range;
    link<kBySize>(node);
}

RangeNode* RangeTree::last_from(const char* at) const {
    RangeNode* found = nullptr;
    for (RangeNode* node = roots_[kByAddress]; node;) {
        const bool right = node->range.at <= at;
        if (right) found = node;
        node = node->children[kByAddress][right];
    }
    return found;
}

RangeNode* RangeTree::holding(const char* at) const {
    RangeNode* const node = last_from(at);
    return node && at < node->range.end() ? node : nullptr;
}

RangeNode* RangeTree::starting(const char* at) const {
    RangeNode* const node = last_from(at);
    return node && node->range.at == at ? node : nullptr;
}

RangeNode* RangeTree::behind(const char* at) const {
    RangeNode* found = nullptr;
    for (RangeNode* node = roots_[kByAddress]; node;) {
        const bool right = node->range.at <= at;
        if (!right) found = node;
        node = node->children[kByAddress][right];
    }
    return found;
}

RangeTree::Neighbours RangeTree::neighbours(Range range) const {
    RangeNode* before = nullptr;
    RangeNode* behind = nullptr;
    for (RangeNode* node = roots_[kByAddress]; node;) {
        const bool right = node->range.at < range.at;
        (right ? before : behind) = node;
        node = node->children[kByAddress][right];
    }
    return {before && before->range.end() == range.at ? before : nullptr,
            behind && behind->range.at == range.end() ? behind : nullptr};
}

RangeNode* RangeTree::smallest_from(size_t size) const {
    RangeNode* found = nullptr;
    for (RangeNode* node = roots_[kBySize]; node;) {
        const bool right = node->range.size < size;
        if (!right) found = node;
        node = node->children[kBySize][right];
    }
    return found;
}

RangeNode* RangeTree::larger(const RangeNode* than) const {
    RangeNode* found = nullptr;
    for (RangeNode* node = roots_[kBySize]; node;) {
        const bool right = !before<kBySize>(than, node);
        if (!right) found = node;
        node = node->children[kBySize][right];
    }
    return found;
}

RangeNode* RangeTree::longest() const {
    RangeNode* node = roots_[kBySize];
    while (node && node->children[kBySize][1])
        node = node->children[kBySize][1];
    return node;
}

}  // namespace tarn
