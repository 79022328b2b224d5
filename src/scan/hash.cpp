// SPDX-License-Identifier: MIT
// tarn_hash of scan.h. The construction is that of wyhash (Wang Yi, 2019): words are multiplied to 128 bits,
// of which the halves are folded into one; four lanes of 16 bytes keep the multiplier busy.
#include "scan/bytes.h"
#include "tarn/scan.h"

namespace {

using tarn::scan::Few;
using tarn::scan::load64;
using tarn::scan::load_few;

__extension__ typedef unsigned __int128 Product;

// The fractional parts of the square roots of the first primes, as in FIPS 180-4, 5.3.5.
constexpr uint64_t k2 = 0x6a09e667f3bcc908, k3 = 0xbb67ae8584caa73b, k5 = 0x3c6ef372fe94f82b;
constexpr uint64_t k7 = 0xa54ff53a5f1d36f1, k11 = 0x510e527fade682d1;

uint64_t fold(uint64_t a, uint64_t b) {
    const Product product = Product{a} * b;
    return static_cast<uint64_t>(product) ^ static_cast<uint64_t>(product >> 64);
}

uint64_t mix(const uint8_t* from, uint64_t key, uint64_t state) {
    return fold(load64(from) ^ key, load64(from + 8) ^ state);
}

constexpr size_t kStripe = 64;

// Whole stripes, as long as more than one stripe is left; `from` and `left` move on.
uint64_t mix_stripes(const uint8_t*& from, size_t& left, uint64_t state) {
    uint64_t a = state, b = state, c = state, d = state;
    for (; left > kStripe; left -= kStripe, from += kStripe) {
        a = mix(from, k2, a);
        b = mix(from + 16, k3, b);
        c = mix(from + 32, k5, c);
        d = mix(from + 48, k7, d);
    }
    return (a ^ b) ^ (c ^ d);
}

}  // namespace

uint64_t tarn_hash(const void* bytes, size_t length, uint64_t seed) {
    const uint8_t* from = static_cast<const uint8_t*>(bytes);
    uint64_t state = seed ^ fold(seed ^ k2, length ^ k11);
    size_t left = length;
    Few last = {0, 0};
    if (left > kStripe) state = mix_stripes(from, left, state);
    for (; left > 16; left -= 16, from += 16)
        state = mix(from, k3, state);
    if (length >= 16)
        last = {load64(from + left - 16), load64(from + left - 8)};  // overlaps what was mixed
    else if (length > 0)
        last = load_few(from, left);
    return fold(k5 ^ length, fold(last.first ^ k7, last.last ^ state));
}
