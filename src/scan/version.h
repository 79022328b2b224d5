// SPDX-License-Identifier: MIT
// What each version of the scanner has. Each is defined in a file of its own: its vectors, then kernel.h, which has
// the loops.
#pragma once
#include <stddef.h>
#include <stdint.h>

#include "tarn/scan.h"

namespace tarn::scan {

enum class Version : uint8_t { kNotChosen, kScalar, kSse42, kAvx2, kNeon };

template <Version>
struct VersionOf {
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
using Scalar = VersionOf<Version::kScalar>;

}  // namespace tarn::scan
