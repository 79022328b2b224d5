// SPDX-License-Identifier: MIT
// 16 bytes at a time, for runs so short that a call of the byte scanner would cost more than the search.
#pragma once
#include <bit>
#include <cstdint>
#include <cstring>

namespace with_tarn {

using Bytes16 = uint8_t __attribute__((vector_size(16)));

inline Bytes16 load16(const char* at) {
    Bytes16 bytes;
    memcpy(&bytes, at, sizeof bytes);
    return bytes;
}

// These give 0xff for a byte that is one of them, 0 for others.
inline Bytes16 is_blank(Bytes16 bytes) {
    return reinterpret_cast<Bytes16>((bytes == ' ') | (bytes == '\n') | (bytes == '\t') | (bytes == '\r'));
}
inline Bytes16 is_in_word(Bytes16 bytes) {
    return reinterpret_cast<Bytes16>(((bytes | 0x20) - 'a' < 26) | (bytes - '0' < 10) | (bytes == '_'));
}

// How many bytes from the first on are 0xff.
inline unsigned run_of(Bytes16 hits) {
    static_assert(std::endian::native == std::endian::little);
    uint64_t parts[2];
    memcpy(parts, &hits, sizeof parts);
    // No branch: which half it ends in is not to be predicted.
    const auto low = static_cast<unsigned>(std::countr_one(parts[0]));
    const auto high = static_cast<unsigned>(std::countr_one(parts[1]));
    return (low + (low == 64 ? high : 0)) / 8;
}

}  // namespace with_tarn
