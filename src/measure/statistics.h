// SPDX-License-Identifier: MIT
// What a few runs can show: pure functions of numbers.
#pragma once
#include <cstddef>
#include <vector>

namespace tarn::measure {

double median(std::vector<double> values);  // of none: 0
// The median absolute deviation from the median: half of the values lie within it.
double deviation(const std::vector<double>& values);

// The places of values further than ten standard deviations from the median, the deviation estimated by
// 1.4826 times the median absolute deviation (the modified z-score of Iglewicz and Hoaglin, "How to Detect and
// Handle Outliers", 1993, with the limit that hyperfine has). None where more than half of the values are equal.
std::vector<size_t> outliers(const std::vector<double>& values);

struct Interval {
    double low = 0, middle = 0, high = 0;
    bool holds(double value) const { return low <= value && value <= high; }
    double half() const { return (high - low) / 2; }
};

// By which factor `values` are larger than `reference`, pair by pair (the runs of the same round), and between
// what it lies but for a chance of `doubt`. Of positive values; fewer than two pairs say nothing: from 0 to
// infinity. By Wilcoxon's signed ranks from kRankedPairs on, where they can be as sure as that: one run that was
// disturbed then spoils nothing; else by Student's t of the logarithms.
constexpr size_t kRankedPairs = 10;
Interval factor(const std::vector<double>& values, const std::vector<double>& reference, double doubt);

// Rounds are enough when each factor is known to within 1 % of itself, but for a chance of one in twenty.
constexpr double kPrecise = 0.01, kUsualDoubt = 0.05;
bool precise(const Interval& factor);

// The chance that there is a difference called that is none, all that are named in a verdict together. Rounds that go
// on until they are precise stop a little early when they happen to agree, so that it is nearly twice that in truth.
constexpr double kVerdictDoubt = 0.02;

// Whether a difference may be called one: 1 is not in the interval, and it is no smaller than 1 %, which the place of
// the code or the length of the environment alone can make (Mytkowicz and others, "Producing Wrong Data Without Doing
// Anything Obviously Wrong", 2009).
constexpr double kLeastDifference = 0.01;
bool differs(const Interval& factor);

// The t that Student's distribution goes beyond, on either side, with the probability `doubt`.
double student_t(size_t freedom, double doubt);
// How many of the means of two differences (each with itself too) lie outside the interval, at each end; 0: these
// pairs are too few.
size_t ranks_outside(size_t pairs, double doubt);

}  // namespace tarn::measure
