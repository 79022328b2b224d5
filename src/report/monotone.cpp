// SPDX-License-Identifier: MIT
#include "report/monotone.h"

namespace tarn {

namespace {

void hold_one(std::atomic<uint64_t>& most, uint64_t& value) {
    uint64_t seen = most.load(std::memory_order_relaxed);
    while (seen < value && !most.compare_exchange_weak(seen, value, std::memory_order_relaxed)) {
    }
    if (value < seen) value = seen;
}

}  // namespace

void Monotone::hold(tarn_stats& stats) {
    for (size_t i = 0; i < std::size(kTotals); ++i)
        if (kTotals[i].kind == Kind::kCounter) hold_one(totals_[i], stats.*kTotals[i].count);
    for (uint32_t c = 0; c < stats.classes; ++c)
        for (size_t i = 0; i < std::size(kPerClass); ++i)
            if (kPerClass[i].kind == Kind::kCounter)
                hold_one(per_class_[c][i], stats.class_stats[c].*kPerClass[i].count);
}

}  // namespace tarn
