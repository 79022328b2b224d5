// SPDX-License-Identifier: MIT
// The versions for x86-64, and the choice among them.
#pragma once
#include "api/scan_versions.h"

namespace tarn::scan {

// Needs SSSE3, SSE4.2, POPCNT.
struct Sse42 {
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

// Needs AVX2, BMI1, POPCNT, and the system's support for the wide registers.
struct Avx2 {
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
