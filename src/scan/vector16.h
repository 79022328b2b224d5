// SPDX-License-Identifier: MIT
// Vectors of 16 bytes of x86-64 (SSSE3); included by the versions that have them, within the compiler's
// switch for their instructions. scan_kernel.h says what the functions are.
#include <immintrin.h>

#include "scan/bytes.h"

namespace tarn::scan {
namespace {

struct Narrow {
    using Bytes = __m128i;
    static constexpr size_t kSize = 16, kBits = 1;

    [[gnu::always_inline]] static Bytes load(const uint8_t* from) {
        return _mm_loadu_si128(reinterpret_cast<const __m128i*>(from));
    }
    [[gnu::always_inline]] static Bytes fill(uint8_t byte) { return _mm_set1_epi8(static_cast<char>(byte)); }
    [[gnu::always_inline]] static Bytes both(Few few) {
        return _mm_set_epi64x(static_cast<long long>(few.last), static_cast<long long>(few.first));
    }
    [[gnu::always_inline]] static Bytes equal(Bytes a, Bytes b) { return _mm_cmpeq_epi8(a, b); }
    [[gnu::always_inline]] static Bytes different(Bytes a, Bytes b) {
        return _mm_xor_si128(_mm_cmpeq_epi8(a, b), fill(0xff));
    }
    [[gnu::always_inline]] static Bytes either(Bytes a, Bytes b) { return _mm_or_si128(a, b); }
    [[gnu::always_inline]] static bool any(Bytes a) { return _mm_movemask_epi8(a) != 0; }
    [[gnu::always_inline]] static uint64_t mask(Bytes a) {
        return static_cast<unsigned>(_mm_movemask_epi8(a));
    }
    [[gnu::always_inline]] static uint64_t bits(Bytes a) { return mask(a); }
    [[gnu::always_inline]] static Bytes subtract(Bytes a, Bytes b) { return _mm_sub_epi8(a, b); }
    [[gnu::always_inline]] static uint64_t sum(Bytes a) {
        const __m128i twos = _mm_sad_epu8(a, _mm_setzero_si128());
        return static_cast<uint64_t>(_mm_cvtsi128_si64(_mm_add_epi64(twos, _mm_unpackhi_epi64(twos, twos))));
    }

    [[gnu::always_inline]] static Bytes row(const uint8_t* from) { return load(from); }
    [[gnu::always_inline]] static Bytes index(Bytes a) { return a; }
    [[gnu::always_inline]] static Bytes look_up(Bytes table, Bytes a) { return _mm_shuffle_epi8(table, a); }
    [[gnu::always_inline]] static Bytes upper_half(Bytes a) {
        return _mm_and_si128(_mm_srli_epi16(a, 4), fill(0x0f));
    }
    [[gnu::always_inline]] static Bytes common(Bytes a, Bytes b) { return _mm_and_si128(a, b); }
    [[gnu::always_inline]] static Bytes flip(Bytes a, Bytes bits) { return _mm_xor_si128(a, bits); }
};

}  // namespace
}  // namespace tarn::scan
