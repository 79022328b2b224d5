// SPDX-License-Identifier: MIT
// Published: a number that one thread writes, or the holder of a lock, and that reports read at any time.
#pragma once
#include <atomic>
#include <cstdint>

namespace tarn {

class Published {
  public:
    Published& operator=(uint64_t value) {
        value_.store(value, std::memory_order_relaxed);
        return *this;
    }
    Published& operator+=(uint64_t more) { return *this = *this + more; }
    Published& operator-=(uint64_t less) { return *this += 0 - less; }
    operator uint64_t() const { return value_.load(std::memory_order_relaxed); }

  private:
    std::atomic<uint64_t> value_{0};
};

}  // namespace tarn
