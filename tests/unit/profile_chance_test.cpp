// SPDX-License-Identifier: MIT
// Seeds are fixed: what is expected within so many standard errors holds each time, or never.
#include "profile/chance.h"

#include <gtest/gtest.h>

#include <cmath>
#include <random>
#include <vector>

namespace {

using namespace tarn::profile;

TEST(Chance, LogarithmIsThatOfLibm) {
    std::mt19937_64 random(1);
    double worst = 0;
    for (int i = 0; i < 1'000'000; ++i) {
        const uint64_t value = random() >> random() % 64;
        if (value) worst = std::max(worst, std::fabs(log2_of(value) - std::log2(static_cast<double>(value))));
    }
    EXPECT_LT(worst, 2e-5);
    EXPECT_EQ(log2_of(1), 0);
    EXPECT_EQ(log2_of(uint64_t{1} << 53), 53);
    EXPECT_NEAR(log2_of(~uint64_t{0}), 64, 1e-6);
}

TEST(Chance, InverseIsThatOfLibm) {
    for (double x = 1e-9; x < 100; x *= 1.01) {
        const double right = -1 / std::expm1(-x);
        EXPECT_NEAR(inverse_chance(x) / right, 1, 1e-8) << x;
    }
}

struct Moments {
    double mean, deviation;
    size_t count;
    double error() const { return deviation / std::sqrt(static_cast<double>(count)); }
};
Moments moments(const std::vector<double>& values) {
    double sum = 0, squares = 0;
    for (const double value : values) {
        sum += value;
        squares += value * value;
    }
    const double count = static_cast<double>(values.size()), mean = sum / count;
    return {mean, std::sqrt(squares / count - mean * mean), values.size()};
}

TEST(Chance, DistancesAreExponential) {
    for (const uint64_t interval : {1u, 100u, 8192u, 524288u}) {
        Random random;
        random.seed(interval);
        std::vector<double> distances(1'000'000);
        for (double& distance : distances)
            distance = static_cast<double>(next_distance(random, interval));
        // Whole bytes: the k-th is sampled with a chance of 1 - exp(-1 / interval), the same for each.
        const double chance = -std::expm1(-1 / static_cast<double>(interval));
        const Moments found = moments(distances);
        EXPECT_NEAR(found.mean, 1 / chance, 3 * found.error()) << interval;
        EXPECT_NEAR(found.deviation * chance / std::sqrt(1 - chance), 1, 0.01) << interval;
        size_t beyond = 0;
        for (const double distance : distances)
            beyond += distance > 2 * static_cast<double>(interval);
        EXPECT_NEAR(static_cast<double>(beyond) / 1e6, std::exp(-2.), 3 * std::sqrt(0.135 * 0.865 / 1e6))
            << interval;
    }
}

TEST(Chance, NeighboursAreIndependent) {
    Random random;
    random.seed(7);
    double product = 0, previous = 0;
    constexpr int kCount = 1'000'000;
    for (int i = 0; i < kCount; ++i) {
        const double distance = static_cast<double>(next_distance(random, 1000)) / 1000 - 1;
        product += previous * distance;
        previous = distance;
    }
    EXPECT_NEAR(product / kCount, 0, 3 / std::sqrt(kCount));
}

TEST(Chance, SeedsGiveOtherSequences) {
    Random first, second, zero;
    first.seed(1);
    second.seed(2);
    zero.seed(0);
    EXPECT_NE(first.next(), second.next());
    EXPECT_NE(zero.next(), zero.next());
}

// Objects of one size, sampled as the sampler does it.
struct Estimate {
    double objects = 0, bytes = 0;
    size_t samples = 0;
};
Estimate estimate(const std::vector<uint64_t>& sizes, uint64_t interval, uint64_t seed) {
    Random random;
    random.seed(seed);
    int64_t left = next_distance(random, interval);
    Estimate sum;
    for (const uint64_t size : sizes) {
        left -= static_cast<int64_t>(size);
        if (left > 0) continue;
        left = next_distance(random, interval);
        const Weight weight = weight_of(size, interval, random);
        sum.objects += static_cast<double>(weight.objects_1024) / 1024;
        sum.bytes += static_cast<double>(weight.bytes);
        ++sum.samples;
    }
    return sum;
}

TEST(Chance, WeightsMakeTheEstimateUnbiased) {
    constexpr uint64_t kInterval = 8192;
    for (const uint64_t size : {16u, 240u, 1024u, 8192u, 20000u, 131072u, 10000000u}) {
        const size_t count = 200'000;
        const std::vector<uint64_t> sizes(count, size);
        const Estimate found = estimate(sizes, kInterval, size);
        const double chance = -std::expm1(-static_cast<double>(size) / kInterval);
        // Of `count` independent objects, each with this chance to count 1 / chance.
        const double error = std::sqrt(count * (1 - chance) / chance);
        EXPECT_NEAR(found.objects, count, 3 * error + 3) << size;
        EXPECT_NEAR(found.bytes / static_cast<double>(size), count, 3 * error + 3) << size;
    }
}

TEST(Chance, SizesMixedAreUnbiasedEach) {
    constexpr uint64_t kInterval = 8192;
    const uint64_t of[] = {16, 48, 700, 9000, 60000};
    std::mt19937_64 random(5);
    std::vector<uint64_t> sizes(1'000'000);
    double count[5] = {}, found[5] = {};
    Random sampler;
    sampler.seed(5);
    int64_t left = next_distance(sampler, kInterval);
    for (uint64_t& size : sizes) {
        const size_t which = random() % 5;
        size = of[which];
        ++count[which];
        left -= static_cast<int64_t>(size);
        if (left > 0) continue;
        left = next_distance(sampler, kInterval);
        found[which] += static_cast<double>(weight_of(size, kInterval, sampler).objects_1024) / 1024;
    }
    for (size_t i = 0; i < 5; ++i) {
        const double chance = -std::expm1(-static_cast<double>(of[i]) / kInterval);
        EXPECT_NEAR(found[i], count[i], 3 * std::sqrt(count[i] * (1 - chance) / chance) + 1) << of[i];
    }
}

TEST(Chance, OneByteInOneIsEveryObject) {
    Random random;
    random.seed(1);
    const Weight weight = weight_of(uint64_t{1} << 40, 1, random);
    EXPECT_EQ(weight.objects_1024, 1024u);
    EXPECT_EQ(weight.bytes, uint64_t{1} << 40);
}

}  // namespace
