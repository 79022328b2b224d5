// SPDX-License-Identifier: MIT
// Tallies: how much there is now of what the explicit interface makes out of tarn's memory, and how much was
// made and taken so far. A thread adds to the tallies of its own cache, so nothing is shared; one may give
// back what another took, so a tally may be below 0, and only the sum over all threads means something.
#pragma once
#include <atomic>
#include <cstdint>

namespace tarn {

enum class Tally : uint8_t {
    kArenas,
    kArenasMade,
    kArenaBytes,
    kArenaBytesTaken,
    kUserHeapBytes,
    kCount,
};

class Tallies {
  public:
    // By the one thread that has them.
    void add(Tally which, int64_t change) {
        std::atomic<int64_t>& mine = values_[static_cast<int>(which)];
        mine.store(mine.load(std::memory_order_relaxed) + change, std::memory_order_relaxed);
    }
    // By any thread.
    void add_shared(Tally which, int64_t change) {
        values_[static_cast<int>(which)].fetch_add(change, std::memory_order_relaxed);
    }
    int64_t value(Tally which) const {
        return values_[static_cast<int>(which)].load(std::memory_order_relaxed);
    }

  private:
    std::atomic<int64_t> values_[static_cast<int>(Tally::kCount)] = {};
};

}  // namespace tarn
