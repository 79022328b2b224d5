// SPDX-License-Identifier: MIT
// The scanner in plain C++: eight bytes at a time by arithmetic on words where that can be done (Hacker's
// Delight, 2nd edition, chapter 6), one by one for sets.
#include "scan/bytes.h"
#include "scan/version.h"

namespace tarn::scan {

namespace {

constexpr uint64_t kOnes = 0x0101010101010101, kLow = 0x7f7f7f7f7f7f7f7f, kHigh = 0x8080808080808080;

// 0x80 in each byte of the word that is 0, and nothing else.
uint64_t zero_bytes(uint64_t word) {
    return ~(((word & kLow) + kLow) | word) & kHigh;
}

size_t first_of(uint64_t bits) {
    return static_cast<size_t>(__builtin_ctzll(bits)) / 8;
}

size_t search_set(const uint8_t* bytes, size_t length, const tarn_byte_set& set, int wanted) {
    size_t i = 0;
    while (i < length && tarn_byte_set_has(&set, bytes[i]) != wanted)
        ++i;
    return i;
}

}  // namespace

template <>
size_t Scalar::find_byte(const uint8_t* bytes, size_t length, uint8_t byte) {
    size_t i = 0;
    for (; i + 8 <= length; i += 8)
        if (const uint64_t found = zero_bytes(load64(bytes + i) ^ kOnes * byte)) return i + first_of(found);
    while (i < length && bytes[i] != byte)
        ++i;
    return i;
}

template <>
size_t Scalar::find_byte_padded(const uint8_t* bytes, size_t length, uint8_t byte) {
    for (size_t i = 0; i < length; i += 8)
        if (const uint64_t found = zero_bytes(load64(bytes + i) ^ kOnes * byte)) {
            const size_t at = i + first_of(found);
            return at < length ? at : length;
        }
    return length;
}

template <>
size_t Scalar::find_any(const uint8_t* bytes, size_t length, const tarn_byte_set& set) {
    return search_set(bytes, length, set, 1);
}
template <>
size_t Scalar::find_any_padded(const uint8_t* bytes, size_t length, const tarn_byte_set& set) {
    return search_set(bytes, length, set, 1);
}
template <>
size_t Scalar::find_not(const uint8_t* bytes, size_t length, const tarn_byte_set& set) {
    return search_set(bytes, length, set, 0);
}
template <>
size_t Scalar::find_not_padded(const uint8_t* bytes, size_t length, const tarn_byte_set& set) {
    return search_set(bytes, length, set, 0);
}

template <>
size_t Scalar::count_byte(const uint8_t* bytes, size_t length, uint8_t byte) {
    size_t count = 0, i = 0;
    for (; i + 8 <= length; i += 8)
        count += (zero_bytes(load64(bytes + i) ^ kOnes * byte) >> 7) * kOnes >> 56;
    for (; i < length; ++i)
        count += bytes[i] == byte;
    return count;
}

template <>
size_t Scalar::mismatch(const uint8_t* one, const uint8_t* other, size_t length) {
    size_t i = 0;
    for (; i + 8 <= length; i += 8)
        if (const uint64_t differing = load64(one + i) ^ load64(other + i)) return i + first_of(differing);
    while (i < length && one[i] == other[i])
        ++i;
    return i;
}

template <>
void Scalar::mark_any(const uint8_t* bytes, size_t length, const tarn_byte_set& set, uint64_t* marks) {
    for (size_t i = 0; i < length; i += 64) {
        uint64_t word = 0;
        for (size_t bit = 0; bit < 64 && i + bit < length; ++bit)
            word |= static_cast<uint64_t>(tarn_byte_set_has(&set, bytes[i + bit])) << bit;
        marks[i / 64] = word;
    }
}

}  // namespace tarn::scan
