// SPDX-License-Identifier: MIT
#include "backend/mappings.h"

#include <algorithm>

namespace tarn {

void Mappings::added(Range range) {
    const RangeTree::Neighbours found = tree_.neighbours(range);
    for (RangeNode* neighbour : {found.before, found.behind}) {
        if (!neighbour || neighbour->range.tag != range.tag) continue;
        range.at = std::min(range.at, neighbour->range.at);
        range.size += neighbour->range.size;
        tree_.remove(neighbour);
        nodes_.give(neighbour);
    }
    RangeNode* const node = nodes_.take();
    if (!node) {
        ++lost_;
        return;
    }
    node->range = range;
    tree_.insert(node);
}

// `range` begins in the node's.
void Mappings::cut(RangeNode* node, Range range) {
    const Range whole = node->range;
    if (whole.end() > range.end()) {
        const Range behind{range.end(), static_cast<size_t>(whole.end() - range.end()), whole.tag};
        if (whole.at == range.at) return tree_.change(node, behind);
        tree_.change(node, {whole.at, static_cast<size_t>(range.at - whole.at), whole.tag});
        return added(behind);
    }
    if (whole.at < range.at)
        return tree_.change(node, {whole.at, static_cast<size_t>(range.at - whole.at), whole.tag});
    tree_.remove(node);
    nodes_.give(node);
}

// It may lie in several, of different tags; what lies in none was never known.
void Mappings::removed(Range range) {
    while (range.size) {
        RangeNode* const node = tree_.holding(range.at);
        if (!node) {
            ++lost_;
            return;
        }
        const auto here = std::min(range.size, static_cast<size_t>(node->range.end() - range.at));
        cut(node, {range.at, here, range.tag});
        range.at += here;
        range.size -= here;
    }
}

bool Mappings::costs_nothing(Range range) const {
    const RangeNode* const first = tree_.holding(range.at);
    return !first || first->range.at == range.at || first->range.end() <= range.end();
}

void Mappings::limit_is(size_t most) {
    limit_known_ = true;
    const bool was_exhausted = budget_ < share_;
    share_ = most / kShare;
    budget_ = was_exhausted ? std::min(budget_, share_) : share_;
}

void Mappings::exhausted() {
    budget_ = std::min(budget_, std::max(count() - count() / kShare, kFew));
}

}  // namespace tarn
