// SPDX-License-Identifier: MIT
// The names of all options, in the order of their table (base/options.cpp): for it, and for tools that look for slips in them.
#pragma once

namespace tarn {

inline constexpr const char* kOptionNames[] = {
    "TARN_BACKEND",  "TARN_STATS",      "TARN_STATS_FILE",  "TARN_STATS_PROCESS", "TARN_VERBOSE",
    "TARN_HARDENED", "TARN_QUARANTINE", "TARN_HUGE_PAGES",  "TARN_KEEP_DEEPBIND", "TARN_REGION",
    "TARN_DIRTY",    "TARN_MAP_FROM",   "TARN_RECORD",      "TARN_RECORD_KEEP",   "TARN_RECORD_CHILDREN",
    "TARN_PROFILE",  "TARN_GUARD",      "TARN_GUARD_SLOTS",
};

}  // namespace tarn
