// SPDX-License-Identifier: MIT
// The guard's countdown, with fixed seeds: so many samples as there should be, and none more likely than another.
#include <gtest/gtest.h>

#include <array>
#include <cmath>

#include "guard/countdown.h"

using tarn::guard::Countdown;

namespace {

constexpr uint64_t kSeed = 20;

double errors(uint64_t samples, uint64_t allocations, uint64_t interval) {
    const double chance = 1.0 / static_cast<double>(interval);
    const double expected = static_cast<double>(allocations) * chance;
    return (static_cast<double>(samples) - expected) / std::sqrt(expected * (1 - chance) + 1e-9);
}

class GuardCountdown : public testing::TestWithParam<uint64_t> {
  protected:
    Countdown begun() const {
        Countdown countdown{};
        countdown.begin(GetParam(), kSeed);
        return countdown;
    }
};

}  // namespace

TEST_P(GuardCountdown, OneInSoManyIsTaken) {
    Countdown countdown = begun();
    const uint64_t allocations = 2000 * GetParam();
    uint64_t samples = 0;
    for (uint64_t i = 0; i < allocations; ++i)
        samples += countdown.counts();
    EXPECT_LT(std::abs(errors(samples, allocations, GetParam())), 4) << samples;
}

// As threads do whose calls count down by themselves: to the one before the sample.
TEST_P(GuardCountdown, SkippedToTheNextOneItIsThatOne) {
    Countdown countdown = begun();
    uint64_t samples = 0, allocations = 0;
    for (; samples < 2000; ++samples) {
        const int32_t others = countdown.others();
        ASSERT_GE(others, 0);
        countdown.skip(others);
        ASSERT_TRUE(countdown.is_next());
        ASSERT_TRUE(countdown.counts());
        allocations += static_cast<uint64_t>(others) + 1;
    }
    EXPECT_LT(std::abs(errors(samples, allocations, GetParam())), 4) << allocations;
}

// As threads do that are seen at cold ends alone, some of them late.
TEST_P(GuardCountdown, ThoseThatComeLateAreMadeUpFor) {
    if (GetParam() < 100) GTEST_SKIP() << "threads with so many samples are always seen";
    Countdown countdown = begun();
    tarn::profile::Random random;
    random.seed(kSeed + 1);
    const uint64_t allocations = 2000 * GetParam();
    uint64_t samples = 0;
    for (uint64_t i = 0; i < allocations;) {
        if (countdown.is_near()) {
            samples += countdown.counts();
            ++i;
            continue;
        }
        const uint64_t passed = random.next() % 300;
        countdown.skip(static_cast<int64_t>(passed));
        i += passed;
    }
    EXPECT_LT(std::abs(errors(samples, allocations, GetParam())), 4) << samples;
}

TEST_P(GuardCountdown, NoPlaceInALoopIsTakenMoreOften) {
    Countdown countdown = begun();
    constexpr size_t kLoop = 10;
    std::array<uint64_t, kLoop> taken{};
    const uint64_t rounds = 2000 * GetParam();
    for (uint64_t i = 0; i < rounds; ++i)
        for (uint64_t& each : taken)
            each += countdown.counts();
    for (const uint64_t each : taken)
        EXPECT_LT(std::abs(errors(each, rounds, GetParam())), 4.5) << each;
}

INSTANTIATE_TEST_SUITE_P(Intervals, GuardCountdown, testing::Values(1, 3, 7, 100, 1000));

TEST(GuardCountdownSides, BothAreTaken) {
    Countdown countdown{};
    countdown.begin(1, kSeed);
    int ends = 0;
    for (int i = 0; i < 1000; ++i)
        ends += countdown.coin();
    EXPECT_NEAR(ends, 500, 80);
}
