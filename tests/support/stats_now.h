// SPDX-License-Identifier: MIT
// All statistics of the library under test.
#pragma once
#include <gtest/gtest.h>

#include "tarn/statistics.h"

inline tarn_stats stats_now() {
    tarn_stats stats;
    EXPECT_EQ(tarn_stats_get(&stats, sizeof stats), 0);
    return stats;
}
