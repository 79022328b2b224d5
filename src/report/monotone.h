// SPDX-License-Identifier: MIT
// Counters that were read while other threads ran may be a few calls apart, so one may read lower than the
// time before. OpenMetrics takes that for a restart of the program. Monotone remembers the most that each
// counter has shown and holds it there; gauges stay as they were read.
#pragma once
#include <atomic>

#include "metrics/metric_list.h"

namespace tarn {

class Monotone {
  public:
    constexpr Monotone() = default;

    // Raises the counters of a snapshot to what they have been; from then on they are at least this.
    // Any thread, any time; no lock.
    void hold(tarn_stats& stats);

  private:
    std::atomic<uint64_t> totals_[std::size(kTotals)] = {};
    std::atomic<uint64_t> per_class_[TARN_SIZE_CLASSES_MAX][std::size(kPerClass)] = {};
};

}  // namespace tarn
