// SPDX-License-Identifier: MIT
#include "backend/ranges/range_cache.h"

#include <algorithm>

#include "backend/ranges/huge_pages.h"
#include "os/os.h"

namespace tarn {

namespace {

uintptr_t aligned(const char* at, size_t alignment) {
    return (reinterpret_cast<uintptr_t>(at) + alignment - 1) & ~(alignment - 1);
}

bool fits(Range range, size_t size, size_t alignment) {
    const size_t lead = aligned(range.at, alignment) - reinterpret_cast<uintptr_t>(range.at);
    return lead < range.size && range.size - lead >= size;
}

}  // namespace

// Counted, and the newest of those that are not empty.
void RangeCache::enlist(RangeNode* node) {
    bytes_ += node->dirty;
    if (!node->dirty) return;
    node->stamp = now_;
    node->older = newest_;
    node->newer = nullptr;
    (newest_ ? newest_->newer : oldest_) = node;
    newest_ = node;
}

void RangeCache::delist(RangeNode* node) {
    bytes_ -= node->dirty;
    if (!node->dirty) return;
    (node->older ? node->older->newer : oldest_) = node->newer;
    (node->newer ? node->newer->older : newest_) = node->older;
}

void RangeCache::insert(RangeNode* node) {
    tree_.insert(node);
    enlist(node);
}

void RangeCache::remove(RangeNode* node) {
    tree_.remove(node);
    delist(node);
}

Range RangeCache::take_whole(RangeNode* node) {
    const Range range = node->range;
    remove(node);
    nodes_.give(node);
    return range;
}

// Nobody knows where its dirty pages are; but a range that is not empty stays so.
void RangeCache::lose_dirty(RangeNode* node, size_t size) {
    if (!node->dirty) return;
    const size_t left = node->dirty > size ? node->dirty - size : 0;
    const size_t dirty = std::min(std::max(left, os::kPageSize), node->range.size);
    bytes_ -= node->dirty - dirty;
    node->dirty = dirty;
}

void RangeCache::cut_front(RangeNode* node, size_t size) {
    const Range range = node->range;
    tree_.change(node, {range.at + size, range.size - size, range.tag});
    lose_dirty(node, size);
}

// At least `size` bytes from the front of a range; huge pages are not cut in two, since the kernel keeps such
// a one until nothing of it is mapped.
size_t RangeCache::rounded_cut(Range range, size_t size) {
    if (!is_huge(range.tag)) return (size + kSmallestRest - 1) / kSmallestRest * kSmallestRest;
    const auto at = reinterpret_cast<uintptr_t>(range.at);
    return (at + size + kHugePage - 1) / kHugePage * kHugePage - at;
}

// Some that are just large enough, else one that is in any case.
RangeNode* RangeCache::fitting(size_t size, size_t alignment) const {
    constexpr int kTries = 8;
    RangeNode* node = tree_.smallest_from(size);
    if (alignment <= os::kPageSize) return node;
    for (int i = 0; i < kTries && node; ++i, node = tree_.larger(node))
        if (fits(node->range, size, alignment)) return node;
    return node ? tree_.smallest_from(size + alignment) : nullptr;
}

Taken RangeCache::take(size_t size, size_t alignment) {
    ++now_;
    RangeNode* const node = fitting(size, alignment);
    if (!node) return {};
    const Range range = node->range;
    const size_t lead = aligned(range.at, alignment) - reinterpret_cast<uintptr_t>(range.at);
    if (is_huge(range.tag) && size >= kHugeChunksBelow)
        size = std::min(to_whole_huge_page(range.at + lead, size), range.size - lead);
    const size_t rest = range.size - lead - size;
    const bool whole = rest < kSmallestRest + size / kWasteShare;
    const Range taken{range.at + lead, whole ? size + rest : size, range.tag};
    const size_t dirty = node->dirty ? taken.size : 0;
    if (!lead && whole) return {take_whole(node), dirty};
    if (!lead) return cut_front(node, size), Taken{taken, dirty};
    RangeNode* const behind = whole ? nullptr : nodes_.take();
    if (!whole && !behind) return {};
    const bool full = node->dirty == range.size;
    tree_.change(node, {range.at, lead, range.tag});
    lose_dirty(node, range.size - lead);
    if (behind) {
        behind->range = {taken.end(), rest, range.tag};
        behind->dirty = full ? rest : dirty ? std::min(rest, os::kPageSize) : 0;
        insert(behind);
    }
    return {taken, dirty};
}

Taken RangeCache::take_longest() {
    RangeNode* const node = tree_.longest();
    if (!node || !node->dirty) return {};
    const Range range = take_whole(node);
    return {range, range.size};
}

bool RangeCache::take_exactly(Range wanted) {
    RangeNode* const node = tree_.starting(wanted.at);
    if (!node || node->range.tag != wanted.tag) return false;
    const Range range = node->range;
    if (range.size == wanted.size) return take_whole(node), true;
    if (range.size < wanted.size + kSmallestRest) return false;
    return cut_front(node, wanted.size), true;
}

RangeCache::Whole RangeCache::put(Range range, bool empty) {
    ++now_;
    size_t dirty = empty ? 0 : range.size;
    auto [before, behind] = tree_.neighbours(range);
    if (before && before->range.tag != range.tag) before = nullptr;
    if (behind && behind->range.tag != range.tag) behind = nullptr;
    for (RangeNode* neighbour : {before, behind}) {
        if (!neighbour) continue;
        range.at = std::min(range.at, neighbour->range.at);
        range.size += neighbour->range.size;
        dirty += neighbour->dirty;
        delist(neighbour);
    }
    if (before && behind) {
        tree_.remove(behind);
        nodes_.give(behind);
    }
    RangeNode* const merged = before ? before : behind;
    RangeNode* const node = merged ? merged : nodes_.take();
    if (!node) return {};
    node->dirty = dirty;
    if (!merged) {
        node->range = range;
        insert(node);
    } else {
        tree_.change(node, range);
        enlist(node);
    }
    return {range, dirty == 0};
}

Range RangeCache::evict(size_t limit) {
    RangeNode* const node = oldest_;
    const bool over = bytes_ > limit;
    if (!node || (!over && !old(node))) return {};
    const Range range = node->range;
    const size_t excess = over ? rounded_cut(range, bytes_ - limit) : 0;
    const bool in_part = node->dirty == range.size && range.size >= excess + kSmallestRest;
    if (!over || old(node) || !in_part) return take_whole(node);
    cut_front(node, excess);
    return {range.at, excess, range.tag};
}

Range RangeCache::evict_empty() {
    RangeNode* const node = tree_.longest();
    return node && !node->dirty ? take_whole(node) : Range{};
}

}  // namespace tarn
