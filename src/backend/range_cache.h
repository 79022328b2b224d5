// SPDX-License-Identifier: MIT
// RangeCache: freed mappings kept for reuse, as page-aligned ranges that are readable, writable and dirty.
// A plain data structure: no lock and no system call of its own.
//
// Invariants: ranges do not overlap; those that touch have different tags (the kernel holds them apart, so
// that mremap would refuse the two as one), others are merged when they come in; every range is at least
// kSmallestRange long; bytes() is their sum; at most kRangesMost.
#pragma once
#include <cstddef>
#include <cstdint>

#include "backend/registry.h"

namespace tarn {

struct Range {
    char* at = nullptr;
    size_t size = 0;
    Tag tag = 0;
};

// Ranges that left the cache and wait for munmap, which happens after the lock is released.
class Evicted {
  public:
    static constexpr int kMost = 8;
    bool full() const { return count_ == kMost; }
    void add(Range range) { ranges_[count_++] = range; }
    const Range* begin() const { return ranges_; }
    const Range* end() const { return ranges_ + count_; }

  private:
    Range ranges_[kMost];
    int count_ = 0;
};

class RangeCache {
  public:
    static constexpr int kRangesMost = 200;
    static constexpr size_t kSmallestRange = size_t{64} << 10;
    static constexpr size_t kWasteShare = 16;  // a rest below 1/16 of what is taken goes with it
    static constexpr uint32_t kOldAge = 2048;  // frees and allocations that a range survives untouched

    size_t bytes() const { return bytes_; }
    int count() const { return count_; }

    // Best fit: the smallest range of at least `size` bytes. The rest stays here unless it is so small that
    // it goes along (kSmallestRange + size / kWasteShare). Size 0: nothing fits.
    Range take(size_t size);
    // The longest range, whole. Size 0: the cache is empty.
    Range take_longest();
    // Exactly this range, tag included; false when it is not free here.
    bool take_exactly(Range wanted);
    bool contains(const char* at) const;

    // Takes a freed range in. When the table is full, the oldest range makes room.
    void put(Range range, Evicted& evicted);
    // Drops what nobody used for long, then the oldest ranges until at most `limit` bytes are left or
    // `evicted` is full.
    void shrink_to(size_t limit, Evicted& evicted);
    void forget_all() { count_ = 0, bytes_ = 0; }

  private:
    struct Entry {
        Range range;
        uint32_t stamp;
    };
    static size_t rounded_cut(Range range, size_t size);
    int oldest() const;
    bool old(const Entry& entry) const { return now_ - entry.stamp > kOldAge; }
    void remove(int index);
    void cut_front(int index, size_t size);

    Entry entries_[kRangesMost] = {};
    int count_ = 0;
    uint32_t now_ = 0;  // counts calls of take and put; wraps harmlessly
    size_t bytes_ = 0;
};

}  // namespace tarn
