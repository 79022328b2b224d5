// SPDX-License-Identifier: MIT
// What the guard has counted (src/guard); read by the statistics. All zero where there is none.
#pragma once
#include <atomic>
#include <cstdint>

namespace tarn {

struct GuardCounts {
    std::atomic<uint64_t> samples{0};  // allocations that were guarded
    std::atomic<uint64_t> live{0};     // of them, those not freed
    std::atomic<uint64_t> faults{0};   // found
};
inline constinit GuardCounts guard_counts;

}  // namespace tarn
