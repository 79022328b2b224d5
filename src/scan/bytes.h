// SPDX-License-Identifier: MIT
// Loads of a few bytes at any address, the same on every machine: little-endian.
#pragma once
#include <stddef.h>
#include <stdint.h>

namespace tarn::scan {

inline uint64_t load64(const uint8_t* from) {
    uint64_t word;
    __builtin_memcpy(&word, from, sizeof word);
    return word;
}

inline uint64_t load32(const uint8_t* from) {
    uint32_t word;
    __builtin_memcpy(&word, from, sizeof word);
    return word;
}

// Fewer than 16 bytes in two words that overlap, so that nothing outside of them is read:
//   8 .. 15 bytes:  first = the first 8, last = the last 8
//   4 .. 7:         first = the first 4, then the last 4; last = the same
//   1 .. 3:         first = the first, the middle one (length / 2), the last, the last; last = the same
struct Few {
    uint64_t first, last;
};

inline Few load_few(const uint8_t* from, size_t length) {
    if (length >= 8) return {load64(from), load64(from + length - 8)};
    if (length >= 4) {
        const uint64_t word = load32(from) | load32(from + length - 4) << 32;
        return {word, word};
    }
    const uint64_t end = from[length - 1];
    uint64_t word = from[0] | uint64_t{from[length / 2]} << 8 | end << 16 | end << 24;
    word |= word << 32;
    return {word, word};
}

// Where the byte stands that is the i-th of the 16 in Few, when no earlier one there is the same byte.
inline size_t position_in_few(size_t i, size_t length) {
    if (length >= 8) return i < 8 ? i : length - 16 + i;
    if (length >= 4) return i < 4 ? i : length - 8 + i;
    return i < 1 ? 0 : i < 2 ? length / 2 : length - 1;
}

}  // namespace tarn::scan
