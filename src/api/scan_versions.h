// SPDX-License-Identifier: MIT
// The versions of the scanner. Those of one machine stand in one header; each version is one class, each in a
// file of its own: its vectors, then scan_kernel.h, which has the loops.
#pragma once
#include <stddef.h>
#include <stdint.h>

#include "tarn/scan.h"

namespace tarn::scan {

enum class Version : uint8_t { kNotChosen, kScalar, kSse42, kAvx2, kNeon };

struct Scalar {
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

}  // namespace tarn::scan

#if defined(__x86_64__)
#include "api/scan_x86_64.h"
#else
#include "api/scan_aarch64.h"
#endif
