// SPDX-License-Identifier: MIT
// The versions for aarch64, all of whose processors have NEON.
#pragma once
#include "api/scan_versions.h"

namespace tarn::scan {

struct Neon {
    static size_t find_byte(const uint8_t* bytes, size_t length, uint8_t byte);
    static size_t find_byte_padded(const uint8_t* bytes, size_t length, uint8_t byte);
    static size_t find_any(const uint8_t* bytes, size_t length, const tarn_byte_set& set);
    static size_t find_any_padded(const uint8_t* bytes, size_t length, const tarn_byte_set& set);
    static size_t find_not(const uint8_t* bytes, size_t length, const tarn_byte_set& set);
    static size_t find_not_padded(const uint8_t* bytes, size_t length, const tarn_byte_set& set);
    static size_t count_byte(const uint8_t* bytes, size_t length, uint8_t byte);
    static size_t mismatch(const uint8_t* one, const uint8_t* other, size_t length);
    static void mark_any(const uint8_t* bytes, size_t length, const tarn_byte_set& set, uint64_t* marks);
};

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
