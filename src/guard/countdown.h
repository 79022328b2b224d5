// SPDX-License-Identifier: MIT
// Which allocations of a thread are guarded: each with the same chance, whatever the others have. While the next one is far, they
// go by on the fast path, and are counted where they come to a cold end (`skip`); when it is near, one by one (`counts`). A
// thread that comes late to its cold ends owes samples, and takes them later, so that the rate is right in the mean.
#pragma once
#include "profile/chance.h"

namespace tarn::guard {

class Countdown {
  public:
    // So near that allocations are counted one by one.
    static constexpr int64_t kNear = 64;

    // One in `interval` in the mean.
    void begin(uint64_t interval, uint64_t seed) {
        interval_ = interval;
        random_.seed(seed);
        owed_ = 0;
        left_ = distance();
    }
    // From the next one on.
    void set_interval(uint64_t interval) { interval_ = interval; }
    uint64_t interval() const { return interval_; }
    bool is_near() const { return left_ <= kNear; }
    bool is_next() const { return left_ == 1; }
    // Before the next one.
    int32_t others() const {
        constexpr int64_t kMost = INT32_MAX;
        return static_cast<int32_t>(left_ - 1 < kMost ? left_ - 1 : kMost);
    }

    // So many went by.
    void skip(int64_t passed) {
        left_ -= passed;
        if (left_ >= 1) return;
        // Not the one behind each cold end.
        const int64_t later = 1 + static_cast<int64_t>(random_.next() % kNear);
        const int64_t most = kOwedMost * static_cast<int64_t>(interval_);
        owed_ += later - left_;
        if (owed_ > most) owed_ = most;
        left_ = later;
    }
    // One allocation, while is_near(). True: it is to be guarded.
    bool counts() {
        if (--left_ > 0) return false;
        const int64_t next = distance();
        const int64_t repaid = owed_ < next ? owed_ : next - 1;
        owed_ -= repaid;
        left_ = next - repaid;
        return true;
    }
    // By turns, at random from the first one on.
    bool coin() { return random_.next() >> 63; }

  private:
    static constexpr int64_t kOwedMost = 4;  // samples

    // Exponential, rounded up: geometric. The chance that gives is that of a mean half an allocation longer.
    int64_t distance() {
        constexpr uint64_t kParts = 256;
        if (interval_ == 1) return 1;
        const int64_t parts = profile::next_distance(random_, kParts * interval_ - kParts / 2);
        return (parts + static_cast<int64_t>(kParts) - 1) / static_cast<int64_t>(kParts);
    }

    profile::Random random_;
    uint64_t interval_;
    int64_t left_;  // until the next one, that one included
    int64_t owed_;  // allocations that went by too far
};

}  // namespace tarn::guard
