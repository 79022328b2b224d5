// SPDX-License-Identifier: MIT
// The hash of interned strings, and the comparison of text.
//
// A folded multiply: the two halves of a 64 x 64 bit product, combined by exclusive or. The idea is Wang Yi's
// (wyhash, 2019), as is the reading of short text by two overlapping words. Unlike there, every factor is
// combined with a key that is random per table, as in Orson Peters' foldhash (2024): with constants in the
// open, text that makes one factor 0 collides under every seed. Not a cryptographic hash.
#pragma once
#include <cstddef>
#include <cstdint>

namespace tarn {

static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__);

struct HashKeys {
    uint64_t first, second;
};

[[gnu::always_inline]] inline uint64_t load8(const char* at) {
    uint64_t value;
    __builtin_memcpy(&value, at, sizeof value);
    return value;
}
[[gnu::always_inline]] inline uint64_t load4(const char* at) {
    uint32_t value;
    __builtin_memcpy(&value, at, sizeof value);
    return value;
}
[[gnu::always_inline]] inline uint64_t load1(const char* at) {
    return static_cast<unsigned char>(*at);
}

[[gnu::always_inline]] inline uint64_t fold(uint64_t a, uint64_t b) {
    __extension__ using Product = unsigned __int128;
    const Product product = static_cast<Product>(a) * b;
    return static_cast<uint64_t>(product) ^ static_cast<uint64_t>(product >> 64);
}

// More than 16 bytes; the last 16 are left to the caller. Two lanes hide the latency of the products.
inline uint64_t hash_blocks(const char*& text, size_t& left, const HashKeys& keys) {
    uint64_t a = keys.second, b = keys.first;
    while (left > 32) {
        a = fold(load8(text) ^ keys.first, load8(text + 8) ^ a);
        b = fold(load8(text + 16) ^ keys.second, load8(text + 24) ^ b);
        text += 32;
        left -= 32;
    }
    if (left > 16) {
        a = fold(load8(text) ^ keys.first, load8(text + 8) ^ a);
        text += 16;
        left -= 16;
    }
    return a + (b << 1);
}

[[gnu::always_inline]] inline uint64_t hash_text(const char* text, size_t length, const HashKeys& keys) {
    uint64_t a = 0, b = 0, state = keys.second;
    if (length >= 8) {
        const char* const end = text + length;
        if (length > 16) [[unlikely]] {
            size_t left = length;
            state = hash_blocks(text, left, keys);
            text = end - 16;
        }
        a = load8(text);
        b = load8(end - 8);
    } else if (length >= 4) {
        a = load4(text);
        b = load4(text + length - 4);
    } else if (length > 0) {
        a = load1(text) << 16 | load1(text + length / 2) << 8 | load1(text + length - 1);
    }
    return fold(fold(a ^ keys.first, b ^ state) ^ keys.second, length ^ keys.first);
}

// Never reads beyond `length` bytes.
[[gnu::always_inline]] inline bool same_text(const char* a, const char* b, size_t length) {
    if (length >= 8) [[likely]] {
        const size_t last = length - 8;
        uint64_t differences = (load8(a) ^ load8(b)) | (load8(a + last) ^ load8(b + last));
        for (size_t at = 8; at < last; at += 8)
            differences |= load8(a + at) ^ load8(b + at);
        return differences == 0;
    }
    if (length >= 4) return ((load4(a) ^ load4(b)) | (load4(a + length - 4) ^ load4(b + length - 4))) == 0;
    for (size_t at = 0; at < length; ++at)
        if (a[at] != b[at]) return false;
    return true;
}

}  // namespace tarn
