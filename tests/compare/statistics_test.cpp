// SPDX-License-Identifier: MIT
// What a few runs can show, against known values and against chance.
#include "measure/statistics.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstdint>

namespace {

using namespace tarn::measure;
using Values = std::vector<double>;

TEST(Statistics, MedianAndDeviation) {
    EXPECT_EQ(median({}), 0);
    EXPECT_EQ(median({3, 1, 2}), 2);
    EXPECT_EQ(median({4, 1, 3, 2}), 2.5);
    EXPECT_EQ(deviation({1, 1, 2, 2, 4, 6, 9}), 1);  // the example of Wikipedia's page on it
}

TEST(Statistics, OutliersAreTenDeviationsAway) {
    Values values = {1.00, 1.01, 0.99, 1.02, 0.98, 1.00};  // the deviation is 0.01, ten of them 0.148
    EXPECT_TRUE(outliers(values).empty());
    values.push_back(1.14);
    EXPECT_TRUE(outliers(values).empty());
    values.push_back(1.30);
    EXPECT_EQ(outliers(values), std::vector<size_t>{7});
    EXPECT_TRUE(outliers({1, 1, 1, 5}).empty());
}

TEST(Statistics, StudentsTIsThatOfTheTables) {
    EXPECT_NEAR(student_t(1, 0.05), 12.7062, 1e-4);
    EXPECT_NEAR(student_t(4, 0.05), 2.7764, 1e-4);
    EXPECT_NEAR(student_t(9, 0.01), 3.2498, 1e-4);
    EXPECT_NEAR(student_t(4, 0.001), 8.6103, 1e-4);
    EXPECT_NEAR(student_t(120, 0.05), 1.9799, 1e-4);
}

TEST(Statistics, RanksAreThoseOfTheTables) {
    // One more than the largest sum of ranks that is significant, on both sides.
    EXPECT_EQ(ranks_outside(5, 0.05), 0u);
    EXPECT_EQ(ranks_outside(6, 0.05), 1u);
    EXPECT_EQ(ranks_outside(10, 0.05), 9u);
    EXPECT_EQ(ranks_outside(10, 0.01), 4u);
    EXPECT_EQ(ranks_outside(20, 0.05), 53u);
    EXPECT_EQ(ranks_outside(25, 0.01), 69u);
}

TEST(Statistics, FactorIsThatOfPairs) {
    Values reference, twice;
    for (int round = 0; round < 12; ++round) {
        double drift = 1 + 0.5 * round;  // far more than the noise, and the same for both
        reference.push_back(drift);
        twice.push_back(2 * drift * (1 + 0.01 * (round % 3 - 1)));
    }
    Interval found = factor(twice, reference, 0.01);
    EXPECT_NEAR(found.middle, 2, 0.01);
    EXPECT_TRUE(found.holds(2) && found.half() < 0.03) << found.low << " " << found.high;
    EXPECT_TRUE(differs(found));
}

TEST(Statistics, FactorByStudentIsAsByHand) {
    // Logarithms 0, 0.1, 0.2: mean 0.1, deviation 0.1, t of 2 degrees 4.3027.
    Interval found = factor({1, std::exp(0.1), std::exp(0.2)}, {1, 1, 1}, 0.05);
    EXPECT_NEAR(std::log(found.middle), 0.1, 1e-9);
    EXPECT_NEAR(std::log(found.high), 0.1 + 4.3027 * 0.1 / std::sqrt(3), 1e-4);
    EXPECT_NEAR(std::log(found.low), 0.1 - 4.3027 * 0.1 / std::sqrt(3), 1e-4);
}

TEST(Statistics, OneDisturbedRunSpoilsNothing) {
    Values reference(12, 1.0), less;
    for (int round = 0; round < 12; ++round)
        less.push_back(0.9 + 0.001 * (round % 4));
    less[5] = 20;
    EXPECT_TRUE(differs(factor(less, reference, 0.05)));
}

TEST(Statistics, FewPairsSayNothing) {
    EXPECT_FALSE(differs(factor({1}, {9}, 0.05)));
    EXPECT_FALSE(differs(factor({}, {}, 0.05)));
    EXPECT_FALSE(differs(factor({0, 0, 0}, {1, 1, 1}, 0.05)));
    EXPECT_FALSE(differs(factor({1.005, 1.005, 1.005}, {1, 1, 1}, 0.05))) << "less than 1 %";
}

// Numbers that look random and are the same everywhere (splitmix64).
class Chance {
  public:
    explicit Chance(uint64_t seed) : state_(seed) {}
    double uniform() {
        uint64_t z = state_ += 0x9e3779b97f4a7c15;
        z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
        z = (z ^ z >> 27) * 0x94d049bb133111eb;
        return (static_cast<double>((z ^ z >> 31) >> 11) + 0.5) / 9007199254740992.0;
    }
    double normal() { return std::sqrt(-2 * std::log(uniform())) * std::cos(6.283185307179586 * uniform()); }

  private:
    uint64_t state_;
};

// One time of a run that takes a second, on a machine of a kind.
using Machine = double (*)(Chance&, int round);
double even(Chance& chance, int) {
    return std::exp(0.02 * chance.normal());
}
double drifting(Chance& chance, int round) {
    return (1 + 0.03 * round) * std::exp(0.03 * chance.normal());
}
double skewed(Chance& chance, int) {
    return 1 - 0.05 * std::log(chance.uniform());
}
double disturbed(Chance& chance, int) {
    return std::exp(0.01 * chance.normal()) * (chance.uniform() < 0.1 ? 1 + chance.uniform() : 1);
}

// Rounds until they are precise, as the command goes on, of two commands of which one takes `times` as long.
Interval measured(Chance& chance, Machine machine, double times, double doubt) {
    Values one, other;
    for (int round = 0; round < 30; ++round) {
        one.push_back(machine(chance, round));
        other.push_back(times * machine(chance, round));
        if (round >= 4 && precise(factor(other, one, kUsualDoubt))) break;
    }
    return factor(other, one, doubt);
}

double share_of_differences(Machine machine, double times, double doubt) {
    constexpr int kTimes = 400;
    Chance chance(1);
    int found = 0;
    for (int i = 0; i < kTimes; ++i)
        found += differs(measured(chance, machine, times, doubt));
    return static_cast<double>(found) / kTimes;
}

TEST(Statistics, EqualCommandsAreSeldomCalledDifferent) {
    for (Machine machine : {even, drifting, skewed, disturbed}) {
        EXPECT_LE(share_of_differences(machine, 1, kVerdictDoubt), 0.04);
        EXPECT_LE(share_of_differences(machine, 1, kVerdictDoubt / 6), 0.01);
    }
}

TEST(Statistics, DifferentCommandsAreSeldomCalledEqual) {
    EXPECT_GE(share_of_differences(even, 1.04, kVerdictDoubt / 6), 0.95);
    EXPECT_GE(share_of_differences(disturbed, 1.15, kVerdictDoubt / 6), 0.7);
}

}  // namespace
