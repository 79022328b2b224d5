// SPDX-License-Identifier: MIT
// tarn_stats_get of the library under test, when it has one.
#pragma once
#include "surface.h"

namespace surface {

inline void take(tarn_stats& stats) {
    need(tarn_stats_get != nullptr, "tarn_stats_get");
    stats.version = TARN_STATS_VERSION;
    check::require(tarn_stats_get(&stats, sizeof stats) == 0, "tarn_stats_get succeeds");
}

}  // namespace surface
