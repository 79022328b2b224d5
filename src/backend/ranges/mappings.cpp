// SPDX-License-Identifier: MIT
#include "backend/ranges/mappings.h"

#include <algorithm>

namespace tarn {

void Mappings::insert(Range range) {
    RangeNode* const node = nodes_.take();
    if (!node) {
        lost_ += 1;
        return;
    }
    node->range = range;
    tree_.insert(node);
}

void Mappings::added(Range range) {
    cut_out(range);
    const RangeTree::Neighbours found = tree_.neighbours(range);
    for (RangeNode* neighbour : {found.before, found.behind}) {
        if (!neighbour || neighbour->range.tag != range.tag) continue;
        range.at = std::min(range.at, neighbour->range.at);
        range.size += neighbour->range.size;
        tree_.remove(neighbour);
        nodes_.give(neighbour);
    }
    insert(range);
}

// `range` begins in the node's.
void Mappings::cut(RangeNode* node, Range range) {
    const Range whole = node->range;
    if (whole.end() > range.end()) {
        const Range behind{range.end(), static_cast<size_t>(whole.end() - range.end()), whole.tag};
        if (whole.at == range.at) return tree_.change(node, behind);
        tree_.change(node, {whole.at, static_cast<size_t>(range.at - whole.at), whole.tag});
        return insert(behind);
    }
    if (whole.at < range.at)
        return tree_.change(node, {whole.at, static_cast<size_t>(range.at - whole.at), whole.tag});
    tree_.remove(node);
    nodes_.give(node);
}

// It may lie in several, of different tags. False: a part of it was never known (the child of a fork may begin
// with empty books).
bool Mappings::cut_out(Range range) {
    bool known = true;
    char* const end = range.end();
    while (range.at < end) {
        RangeNode* node = tree_.holding(range.at);
        if (!node) {
            known = false;
            node = tree_.behind(range.at);
            if (!node || node->range.at >= end) return false;
            range.at = node->range.at;
        }
        char* const here = std::min(node->range.end(), end);
        cut(node, {range.at, static_cast<size_t>(here - range.at), node->range.tag});
        range.at = here;
    }
    return known;
}

void Mappings::removed(Range range) {
    if (!cut_out(range)) lost_ += 1;
}

bool Mappings::costs_nothing(Range range) const {
    const RangeNode* const first = tree_.holding(range.at);
    return !first || first->range.at == range.at || first->range.end() <= range.end();
}

void Mappings::limit_is(size_t most) {
    limit_known_.store(true, std::memory_order_relaxed);
    const bool was_exhausted = budget_ < share_;
    share_ = most / kShare;
    budget_ = was_exhausted ? std::min(budget_, share_) : share_;
}

void Mappings::exhausted() {
    budget_ = std::min(budget_, std::max(count() - count() / kShare, kFew));
}

}  // namespace tarn
