// SPDX-License-Identifier: MIT
// Growth: which holders keep growing, by the ages of what is live. Of memory that is made and freed again, what is live is
// young; what was made once is old; where both old and new objects are live, and all between, something is added to
// and not taken from.
#pragma once
#include <array>
#include <cstdint>
#include <vector>

#include "reader/holders.h"

namespace tarn::reader {

constexpr size_t kAgeWindows = 16;

enum class Trend {
    kUnknown,  // too few samples, or too short a time
    kGrows,    // a leak, or a cache that is not full yet
    kKept,     // made early, and kept
    kPassing,  // what is live is young
    kMixed
};

struct Growth {
    Holder holder;
    Trend trend = Trend::kUnknown;
    uint64_t samples = 0;  // live ones
    std::array<uint64_t, kAgeWindows> born =
        {};                // live bytes, by equal parts of the sampled time in which they were made
    uint64_t seen_ns = 0;  // how long ago it first allocated
    uint64_t oldest_ns = 0, half_ns = 0;  // age of the oldest sample; half of the bytes are at least so old
    uint64_t recent_bytes = 0;            // of the last quarter of seen_ns
    double bytes_per_second = 0;          // by which it grows; 0 where it does not
};

struct Growths {
    uint64_t begin_ns = 0, end_ns = 0;  // of what was sampled
    std::vector<Growth> holders;        // those that grow first, the fastest first; then by live bytes
};

Growths growths(const Record& record, const Profile& profile);

}  // namespace tarn::reader
