// SPDX-License-Identifier: MIT
// RangeCache: freed mappings kept for reuse, as page-aligned ranges that are readable and writable. What is
// known to be all zero has no page of memory (empty); the rest may be resident (dirty).
// A plain data structure: no lock and no system call of its own.
//
// Invariants: ranges do not overlap; those that touch have different tags (the kernel holds them apart, so
// that mremap would refuse the two as one), others are merged when they come in, and are then empty only if
// both were; the ranges that are not empty form a list, the oldest first; bytes() is the sum of what may be
// resident in them.
#pragma once
#include "backend/ranges/range_tree.h"

namespace tarn {

// A range taken out. `dirty`: bytes of it that may not be zero, from the front.
struct Taken {
    Range range;
    size_t dirty = 0;
};

class RangeCache {
  public:
    static constexpr size_t kSmallestRest = size_t{64} << 10;
    static constexpr size_t kWasteShare = 16;  // a rest below 1/16 of what is taken goes with it
    static constexpr uint32_t kOldAge = 2048;  // frees and allocations that a range survives untouched

    constexpr explicit RangeCache(RangeNodes& nodes) : nodes_(nodes) {}

    size_t bytes() const { return bytes_; }
    size_t count() const { return tree_.count(); }

    // Best fit: the smallest range that holds `size` bytes so aligned. What is left stays here unless it is
    // so small that it goes along (kSmallestRest + size / kWasteShare). Size 0: nothing fits.
    Taken take(size_t size, size_t alignment = 1);
    // The longest range, whole, when it is dirty.
    Taken take_longest();
    // Exactly this range, tag included, from the front of one here; false when it is not.
    bool take_exactly(Range wanted);
    bool contains(const char* at) const { return tree_.holding(at) != nullptr; }

    // Takes a freed range in; what it is part of now. Size 0: there was no node for it, and it is not here.
    struct Whole {
        Range range;
        bool empty = false;
    };
    Whole put(Range range, bool empty = false);

    // One range that is to go back to the kernel: what nobody used for long, else the oldest (or the part of
    // it that is too much) while more than `limit` bytes are here. Size 0: none.
    Range evict(size_t limit);
    // The longest empty range. Size 0: none is as long as any that is dirty.
    Range evict_empty();

  private:
    static size_t rounded_cut(Range range, size_t size);
    RangeNode* fitting(size_t size, size_t alignment) const;
    bool old(const RangeNode* node) const { return now_ - node->stamp > kOldAge; }
    void enlist(RangeNode* node);
    void delist(RangeNode* node);
    void insert(RangeNode* node);
    void remove(RangeNode* node);  // the node is the caller's
    Range take_whole(RangeNode* node);
    void cut_front(RangeNode* node, size_t size);
    void lose_dirty(RangeNode* node, size_t size);

    RangeNodes& nodes_;
    RangeTree tree_;
    RangeNode* oldest_ = nullptr;
    RangeNode* newest_ = nullptr;
    uint32_t now_ = 0;  // counts calls of take and put; wraps harmlessly
    size_t bytes_ = 0;
};

}  // namespace tarn
