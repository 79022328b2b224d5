// SPDX-License-Identifier: MIT
// The versions for aarch64, all of whose processors have NEON.
#pragma once
#include "scan/version.h"

namespace tarn::scan {

using Neon = VersionOf<Version::kNeon>;

inline Version best_version() {
    return Version::kNeon;
}

inline constexpr Version kVersions[] = {Version::kNeon, Version::kScalar};  // best first

// A switch, since a table of functions would have to be relocated at every start.
template <typename Call>
[[gnu::always_inline]] inline auto call_version(Version version, Call call) {
    switch (version) {
        case Version::kNeon:
            return call(Neon());
        default:
            return call(Scalar());
    }
}

}  // namespace tarn::scan
