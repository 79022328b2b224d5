// SPDX-License-Identifier: MIT
// Which bytes are sampled: each with the same chance, whatever the others; so that the distance from one to the next is
// exponential (a Poisson process). An object is sampled when any of its bytes is, and counts for 1 / (its chance) objects,
// so that what is summed up has the true value as its mean.
//
// Logarithm and power by tables and series, without libm: in 1e-4 and 1e-9, which is far below the error of any number of
// samples that a program comes to.
#pragma once
#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>

namespace tarn::profile {

namespace detail {

constexpr double kLn2 = 0.693147180559945309417;

// ln(1 + x), 0 <= x <= 1, by 2 artanh(x / (2 + x)).
constexpr double ln_above_1(double x) {
    const double z = x / (2 + x);
    double power = z, sum = 0;
    for (int n = 1; n < 60; n += 2, power *= z * z)
        sum += power / n;
    return 2 * sum;
}

inline constexpr unsigned kLogBits = 7;
// log2(1 + i / 128).
inline constexpr std::array<float, (1u << kLogBits) + 1> kLog2 = [] {
    std::array<float, (1u << kLogBits) + 1> table{};
    for (size_t i = 0; i < table.size(); ++i)
        table[i] = static_cast<float>(ln_above_1(static_cast<double>(i) / (1u << kLogBits)) / kLn2);
    return table;
}();

}  // namespace detail

// Of a value that is not 0; linear between the entries of a table.
inline double log2_of(uint64_t value) {
    const unsigned shift = static_cast<unsigned>(std::countl_zero(value));
    const uint64_t fraction = value << shift << 1;  // behind the leading 1
    constexpr unsigned kRest = 64 - detail::kLogBits;
    const size_t at = fraction >> kRest;
    const double within = static_cast<double>(fraction & ((uint64_t{1} << kRest) - 1)) * 0x1p-57;
    const double low = detail::kLog2[at], high = detail::kLog2[at + 1];
    return 63 - static_cast<int>(shift) + low + (high - low) * within;
}
static_assert(detail::kLogBits == 7, "0x1p-57");

// 1 / (1 - exp(-x)), x > 0.
inline double inverse_chance(double x) {
    if (x < 0.5) {  // its series, from Bernoulli numbers
        const double square = x * x;
        return 1 / x + 0.5 + x * (1. / 12 - square * (1. / 720 - square * (1. / 30240 - square / 1209600)));
    }
    if (x > 45) return 1;
    unsigned halvings = 0;
    for (; x > 0.25; x /= 2)
        ++halvings;
    double power = 1, term = 1;
    for (int n = 1; n < 12; ++n) {
        term *= -x / n;
        power += term;
    }
    for (; halvings > 0; --halvings)
        power *= power;
    return 1 / (1 - power);
}

// xorshift64* (S. Vigna, "An experimental exploration of Marsaglia's xorshift generators, scrambled", ACM TOMS 2016).
class Random {
  public:
    // Any seed but that the state must not be 0.
    void seed(uint64_t seed) {
        state_ = (seed + 0x9e3779b97f4a7c15) * 0xbf58476d1ce4e5b9;
        state_ ^= state_ >> 31;
        if (state_ == 0) state_ = 1;
    }
    uint64_t next() {
        state_ ^= state_ >> 12;
        state_ ^= state_ << 25;
        state_ ^= state_ >> 27;
        return state_ * 0x2545f4914f6cdd1d;
    }

  private:
    uint64_t state_;
};

// Bytes until the next one that is sampled, that one included: at least 1; `interval` in the mean.
inline int64_t next_distance(Random& random, uint64_t interval) {
    constexpr unsigned kBits = 53;
    const uint64_t uniform = (random.next() >> (64 - kBits)) + 1;  // 1 ... 2^53
    const double bytes = (kBits - log2_of(uniform)) * detail::kLn2 * static_cast<double>(interval);
    return static_cast<int64_t>(bytes) + 1;
}

// What a sampled object of `size` bytes counts for. Which way it is rounded is by chance, too, so that it is right in the mean.
struct Weight {
    uint64_t objects_1024, bytes;
};
inline Weight weight_of(uint64_t size, uint64_t interval, Random& random) {
    const double objects = inverse_chance(static_cast<double>(size) / static_cast<double>(interval));
    const double fraction = static_cast<double>(random.next() >> 32) * 0x1p-32;
    return {static_cast<uint64_t>(objects * 1024 + fraction),
            static_cast<uint64_t>(objects * static_cast<double>(size) + fraction)};
}

}  // namespace tarn::profile
