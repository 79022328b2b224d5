// SPDX-License-Identifier: MIT
// The scanner by vectors of 32 bytes, for x86-64 of 2013 and later.
#include <immintrin.h>

#include "scan/bytes.h"
#include "scan/versions.h"

// Every function from here on, and no other in the library.
#if defined(__clang__)
#pragma clang attribute push(__attribute__((target("avx2,bmi,popcnt"))), apply_to = function)
#else
#pragma GCC push_options
#pragma GCC target("avx2,bmi,popcnt")
#endif

#include "scan/vector16.h"

namespace tarn::scan {
namespace {

using Here = Avx2;

struct Wide {
    using Bytes = __m256i;
    static constexpr size_t kSize = 32, kBits = 1;

    [[gnu::always_inline]] static Bytes load(const uint8_t* from) {
        return _mm256_loadu_si256(reinterpret_cast<const __m256i*>(from));
    }
    [[gnu::always_inline]] static Bytes fill(uint8_t byte) {
        return _mm256_set1_epi8(static_cast<char>(byte));
    }
    [[gnu::always_inline]] static Bytes equal(Bytes a, Bytes b) { return _mm256_cmpeq_epi8(a, b); }
    [[gnu::always_inline]] static Bytes different(Bytes a, Bytes b) {
        return _mm256_xor_si256(_mm256_cmpeq_epi8(a, b), fill(0xff));
    }
    [[gnu::always_inline]] static Bytes either(Bytes a, Bytes b) { return _mm256_or_si256(a, b); }
    [[gnu::always_inline]] static bool any(Bytes a) { return _mm256_movemask_epi8(a) != 0; }
    [[gnu::always_inline]] static uint64_t mask(Bytes a) {
        return static_cast<unsigned>(_mm256_movemask_epi8(a));
    }
    [[gnu::always_inline]] static uint64_t bits(Bytes a) { return mask(a); }
    [[gnu::always_inline]] static Bytes subtract(Bytes a, Bytes b) { return _mm256_sub_epi8(a, b); }
    [[gnu::always_inline]] static uint64_t sum(Bytes a) {
        const __m256i fours = _mm256_sad_epu8(a, _mm256_setzero_si256());
        const __m128i twos = _mm_add_epi64(_mm256_castsi256_si128(fours), _mm256_extracti128_si256(fours, 1));
        return static_cast<uint64_t>(_mm_cvtsi128_si64(_mm_add_epi64(twos, _mm_unpackhi_epi64(twos, twos))));
    }

    [[gnu::always_inline]] static Bytes row(const uint8_t* from) {
        return _mm256_broadcastsi128_si256(_mm_loadu_si128(reinterpret_cast<const __m128i*>(from)));
    }
    [[gnu::always_inline]] static Bytes index(Bytes a) { return a; }
    [[gnu::always_inline]] static Bytes look_up(Bytes table, Bytes a) {
        return _mm256_shuffle_epi8(table, a);
    }
    [[gnu::always_inline]] static Bytes upper_half(Bytes a) {
        return _mm256_and_si256(_mm256_srli_epi16(a, 4), fill(0x0f));
    }
    [[gnu::always_inline]] static Bytes common(Bytes a, Bytes b) { return _mm256_and_si256(a, b); }
    [[gnu::always_inline]] static Bytes flip(Bytes a, Bytes bits) { return _mm256_xor_si256(a, bits); }
};

}  // namespace
}  // namespace tarn::scan

#include "scan/kernel.h"

#if defined(__clang__)
#pragma clang attribute pop
#else
#pragma GCC pop_options
#endif
