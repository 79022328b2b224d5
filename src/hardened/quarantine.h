// SPDX-License-Identifier: MIT
// Quarantine: where a freed object waits, bounded by bytes. Each one that comes changes places with one among the younger half, picked at
// random, and the oldest leaves: so an object waits for half of the others at least, and nobody knows for how many.
#pragma once
#include <cstddef>
#include <cstdint>

namespace tarn::hardened {

class Quarantine {
  public:
    static constexpr uint32_t kMost = 8192;

    size_t bytes() const { return bytes_; }
    uint32_t count() const { return count_; }
    bool full() const { return count_ == kMost; }

    // There is room.
    void add(void* object, size_t bytes, uint64_t random) {
        ring_[at(count_++)] = object;
        bytes_ += bytes;
        const uint32_t young = count_ / 2;
        if (young == 0) return;
        void*& other = ring_[at(count_ - 1 - static_cast<uint32_t>((random >> 32) * young >> 32))];
        void*& own = ring_[at(count_ - 1)];
        void* const moved = other;
        other = own;
        own = moved;
    }
    void* oldest() const { return count_ ? ring_[first_ % kMost] : nullptr; }
    void remove_oldest(size_t bytes) {
        first_ = (first_ + 1) % kMost;
        --count_;
        bytes_ -= bytes;
    }
    void forget() { count_ = 0, bytes_ = 0; }
    template <class Visit>
    void each(Visit visit) const {
        for (uint32_t i = 0; i < count_; ++i)
            visit(ring_[at(i)]);
    }

  private:
    uint32_t at(uint32_t i) const { return (first_ + i) % kMost; }

    uint32_t first_ = 0, count_ = 0;
    size_t bytes_ = 0;
    void* ring_[kMost];  // not touched before it is used
};

}  // namespace tarn::hardened
