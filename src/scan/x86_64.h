// SPDX-License-Identifier: MIT
// The versions for x86-64, and the choice among them.
#pragma once
#include "scan/version.h"

namespace tarn::scan {

// Needs SSSE3, SSE4.2, POPCNT.
using Sse42 = VersionOf<Version::kSse42>;

// Needs AVX2, BMI1, POPCNT, and the system's support for the wide registers.
using Avx2 = VersionOf<Version::kAvx2>;

// The best that this processor can run. Asks it: many cycles, in a virtual machine many thousands.
Version best_version();

inline constexpr Version kVersions[] = {Version::kAvx2, Version::kSse42, Version::kScalar};  // best first

// A switch, since a table of functions would have to be relocated at every start.
template <typename Call>
[[gnu::always_inline]] inline auto call_version(Version version, Call call) {
    switch (version) {
        case Version::kAvx2:
            return call(Avx2());
        case Version::kSse42:
            return call(Sse42());
        default:
            return call(Scalar());
    }
}

}  // namespace tarn::scan
