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

// Text of at most 16 bytes is read as two words that together have each of its bytes. There are three ways.
struct TwoWords {  // 8 to 16 bytes
    [[gnu::always_inline]] static uint64_t first(const char* text, size_t) { return load8(text); }
    [[gnu::always_inline]] static uint64_t last(const char* text, size_t length) {
        return load8(text + length - 8);
    }
};
struct TwoHalves {  // 4 to 8 bytes
    [[gnu::always_inline]] static uint64_t first(const char* text, size_t) { return load4(text); }
    [[gnu::always_inline]] static uint64_t last(const char* text, size_t length) {
        return load4(text + length - 4);
    }
};
struct ThreeBytes {  // 1 to 3 bytes
    [[gnu::always_inline]] static uint64_t first(const char* text, size_t length) {
        return load1(text) << 16 | load1(text + length / 2) << 8 | load1(text + length - 1);
    }
    [[gnu::always_inline]] static uint64_t last(const char*, size_t) { return 0; }
};

[[gnu::always_inline]] inline uint64_t hash_words(uint64_t first, uint64_t last, size_t length,
                                                  uint64_t state, const HashKeys& keys) {
    return fold(fold(first ^ keys.first, last ^ state) ^ keys.second, length ^ keys.first);
}

template <class Reading>
[[gnu::always_inline]] inline uint64_t hash_short(const char* text, size_t length, const HashKeys& keys) {
    return hash_words(Reading::first(text, length), Reading::last(text, length), length, keys.second, keys);
}

template <class Reading>
[[gnu::always_inline]] inline bool same_short(const char* a, const char* b, size_t length) {
    return Reading::first(a, length) == Reading::first(b, length) &&
           Reading::last(a, length) == Reading::last(b, length);
}

[[gnu::always_inline]] inline uint64_t hash_long(const char* text, size_t length, const HashKeys& keys) {
    const char* const end = text + length;
    size_t left = length;
    const uint64_t state = hash_blocks(text, left, keys);
    return hash_words(load8(end - 16), load8(end - 8), length, state, keys);
}

inline uint64_t hash_text(const char* text, size_t length, const HashKeys& keys) {
    if (length > 16) return hash_long(text, length, keys);
    if (length >= 8) return hash_short<TwoWords>(text, length, keys);
    if (length >= 4) return hash_short<TwoHalves>(text, length, keys);
    return length > 0 ? hash_short<ThreeBytes>(text, length, keys) : hash_words(0, 0, 0, keys.second, keys);
}

// More than 16 bytes; never reads beyond `length`.
[[gnu::always_inline]] inline bool same_long(const char* a, const char* b, size_t length) {
    typedef uint64_t Vector __attribute__((vector_size(16)));
    const auto differences = [&](size_t at) {
        Vector x, y;
        __builtin_memcpy(&x, a + at, sizeof x);
        __builtin_memcpy(&y, b + at, sizeof y);
        return x ^ y;
    };
    const size_t last = length - sizeof(Vector);
    Vector all = differences(0) | differences(last);
    for (size_t at = sizeof(Vector); at < last; at += sizeof(Vector))
        all |= differences(at);
    return (all[0] | all[1]) == 0;
}

// Never reads beyond `length` bytes.
inline bool same_text(const char* a, const char* b, size_t length) {
    if (length > 16) return same_long(a, b, length);
    if (length >= 8) return same_short<TwoWords>(a, b, length);
    if (length >= 4) return same_short<TwoHalves>(a, b, length);
    return length == 0 || same_short<ThreeBytes>(a, b, length);
}

}  // namespace tarn
