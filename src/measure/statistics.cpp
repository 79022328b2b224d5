// SPDX-License-Identifier: MIT
#include "measure/statistics.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace tarn::measure {
namespace {

constexpr double kOutlying = 10 * 1.4826;

// The continued fraction of the incomplete beta function, by Lentz's method.
double beta_fraction(double a, double b, double x) {
    constexpr double kTiny = 1e-300, kConverged = 1e-15;
    double c = 1, d = 1 / std::max(kTiny, 1 - (a + b) * x / (a + 1)), result = d;
    for (int m = 1; m < 1000; ++m) {
        double even = m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m));
        double odd = -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1));
        double change = 1;
        for (double step : {even, odd}) {
            d = 1 + step * d;
            c = 1 + step / c;
            d = 1 / (std::abs(d) < kTiny ? kTiny : d);
            if (std::abs(c) < kTiny) c = kTiny;
            change = c * d;
            result *= change;
        }
        if (std::abs(change - 1) < kConverged) break;
    }
    return result;
}

double incomplete_beta(double a, double b, double x) {
    if (x <= 0 || x >= 1) return x <= 0 ? 0 : 1;
    double front =
        std::exp(std::lgamma(a + b) - std::lgamma(a) - std::lgamma(b) + a * std::log(x) + b * std::log1p(-x));
    return x < (a + 1) / (a + b + 2) ? front * beta_fraction(a, b, x) / a
                                     : 1 - front * beta_fraction(b, a, 1 - x) / b;
}

// The probability that |t| is larger.
double beyond(double t, double freedom) {
    return incomplete_beta(freedom / 2, 0.5, freedom / (freedom + t * t));
}

Interval by_ranks(const std::vector<double>& differences, size_t outside) {
    std::vector<double> means;
    for (size_t i = 0; i < differences.size(); ++i)
        for (size_t j = 0; j <= i; ++j)
            means.push_back((differences[i] + differences[j]) / 2);
    std::sort(means.begin(), means.end());
    return {means[outside - 1], means[means.size() / 2], means[means.size() - outside]};
}

Interval by_student(const std::vector<double>& differences, double doubt) {
    auto count = static_cast<double>(differences.size());
    double sum = 0, squares = 0;
    for (double difference : differences)
        sum += difference;
    for (double difference : differences)
        squares += (difference - sum / count) * (difference - sum / count);
    double half = student_t(differences.size() - 1, doubt) * std::sqrt(squares / (count - 1) / count);
    return {sum / count - half, sum / count, sum / count + half};
}

}  // namespace

double median(std::vector<double> values) {
    if (values.empty()) return 0;
    std::sort(values.begin(), values.end());
    size_t half = values.size() / 2;
    return values.size() % 2 != 0 ? values[half] : (values[half - 1] + values[half]) / 2;
}

double deviation(const std::vector<double>& values) {
    double middle = median(values);
    std::vector<double> distances;
    for (double value : values)
        distances.push_back(std::abs(value - middle));
    return median(distances);
}

std::vector<size_t> outliers(const std::vector<double>& values) {
    double middle = median(values), most = kOutlying * deviation(values);
    std::vector<size_t> found;
    for (size_t i = 0; i < values.size() && most > 0; ++i)
        if (std::abs(values[i] - middle) > most) found.push_back(i);
    return found;
}

double student_t(size_t freedom, double doubt) {
    double low = 0, high = 1;
    auto degrees = static_cast<double>(freedom);
    while (beyond(high, degrees) > doubt && high < 1e12)
        high *= 2;
    for (int i = 0; i < 200 && high - low > 1e-9 * high; ++i) {
        double middle = (low + high) / 2;
        (beyond(middle, degrees) > doubt ? low : high) = middle;
    }
    return high;
}

size_t ranks_outside(size_t pairs, double doubt) {
    // In how many of the 2^pairs ways to choose signs the ranks with a plus have each sum.
    std::vector<double> ways(pairs * (pairs + 1) / 2 + 1, 0);
    ways[0] = 1;
    for (size_t rank = 1, most = 0; rank <= pairs; ++rank) {
        most += rank;
        for (size_t sum = most; sum >= rank; --sum)
            ways[sum] += ways[sum - rank];
    }
    double allowed = doubt / 2 * std::ldexp(1, static_cast<int>(pairs)), seen = 0;
    size_t outside = 0;
    while (outside < ways.size() && (seen += ways[outside]) <= allowed)
        ++outside;
    return std::min(outside, (ways.size() - 1) / 2);
}

Interval factor(const std::vector<double>& values, const std::vector<double>& reference, double doubt) {
    std::vector<double> differences;
    for (size_t i = 0; i < std::min(values.size(), reference.size()); ++i)
        if (values[i] > 0 && reference[i] > 0) differences.push_back(std::log(values[i] / reference[i]));
    if (differences.size() < 2)
        return {0, std::exp(median(differences)), std::numeric_limits<double>::infinity()};
    size_t outside = differences.size() < kRankedPairs ? 0 : ranks_outside(differences.size(), doubt);
    Interval found = outside != 0 ? by_ranks(differences, outside) : by_student(differences, doubt);
    return {std::exp(found.low), std::exp(found.middle), std::exp(found.high)};
}

bool precise(const Interval& factor) {
    return factor.half() <= kPrecise * factor.middle;
}

bool differs(const Interval& factor) {
    return !factor.holds(1) && std::abs(factor.middle - 1) >= kLeastDifference;
}

}  // namespace tarn::measure
