// SPDX-License-Identifier: MIT
// One sentence. The differences that it names are there but for a chance of one in fifty for all of them together: half
// of it for those to glibc, half for who is best, which is a question of all pairs (Bonferroni).
#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "cli/compare/figures.h"

namespace tarn::cli {
namespace {

using measure::Interval;

class Judge {
  public:
    explicit Judge(const Results& results) : results_(results) {
        constexpr size_t kFewestRuns = 3;
        for (const Series& series : results.series)
            if (series.failure.empty() && series.runs.size() >= kFewestRuns) good_.push_back(&series);
        constexpr double kFigures = 2;  // what is compared, and memory
        auto count = static_cast<double>(good_.size());
        doubt_ = measure::kVerdictDoubt / kFigures / (good_.size() > 2 ? 2 : 1);
        doubt_of_best_ = measure::kVerdictDoubt / kFigures / std::max(1.0, count * (count - 1));
    }

    std::string said() const {
        if (good_.empty() || good_.front() != &results_.series.front()) return "too few runs for a verdict";
        if (good_.size() < 2) return "there is nothing to compare with glibc";
        std::string words = subject().allocator.name + " against glibc: " + against_reference();
        if (good_.size() > 2)
            words += fmt::format("; {}: {}; least memory: {}", best_word(), names_of_best(compared(results_)),
                                 names_of_best(What::kMemory));
        return words;
    }

  private:
    const Series& subject() const {
        for (const Series* series : good_)
            if (series->allocator.name == "tarn") return *series;
        return *good_[1];
    }

    static Interval factor(const Series& of, const Series& to, What what, double doubt) {
        return measure::factor(values(of, what), values(to, what), doubt);
    }

    bool lower_is_better(What what) const {
        return what != What::kMetric || results_.better == Better::kLower;
    }

    const char* best_word() const {
        if (!results_.has_metric()) return "least time";
        return results_.better == Better::kLower ? "lowest metric" : "highest metric";
    }

    std::string against_reference() const {
        const char* name = results_.has_metric() ? "metric" : "time";
        return difference_word(compared(results_), name) + ", " + difference_word(What::kMemory, "memory");
    }

    bool differ(const Series& one, const Series& other, What what, double doubt) const {
        double distance = std::abs(measure::median(values(one, what)) - measure::median(values(other, what)));
        bool is_seen = what != What::kMemory || distance >= memory_step(results_.memory_by);
        return is_seen && measure::differs(factor(one, other, what, doubt));
    }

    // "8 % less time (7 to 9 %)", "2.31 times the memory (2.2 to 2.4)".
    std::string difference_word(What what, const char* name) const {
        Interval found = factor(subject(), *good_.front(), what, doubt_);
        if (!differ(subject(), *good_.front(), what, doubt_)) {
            double most = 100 * std::max(found.high - 1, 1 - found.low);
            return fmt::format(
                "no difference in {} that these runs can show{}", name,
                most > 0.1 && most < 100 ? fmt::format(" (it is less than {} %)", percent(most)) : "");
        }
        if (found.middle >= 2)
            return fmt::format("{:.2f} times the {} ({:.2f} to {:.2f})", found.middle, name, found.low,
                               found.high);
        bool is_less = found.middle < 1;
        double low = 100 * (is_less ? 1 - found.high : found.low - 1);
        double high = 100 * (is_less ? 1 - found.low : found.high - 1);
        return fmt::format("{} % {} {} ({} to {} %)", percent(100 * std::abs(found.middle - 1)),
                           is_less ? "less" : "more", name, percent(low), percent(high));
    }

    static std::string percent(double value) {
        return value < 9.95 ? fmt::format("{:.1f}", value) : fmt::format("{:.0f}", value);
    }

    // The best one, and those that cannot be told from it.
    std::string names_of_best(What what) const {
        auto better = [&](const Series* a, const Series* b) {
            double one = measure::median(values(*a, what)), other = measure::median(values(*b, what));
            return lower_is_better(what) ? one < other : one > other;
        };
        const Series* best = *std::min_element(good_.begin(), good_.end(), better);
        std::vector<std::string> names;
        for (const Series* series : good_)
            if (series == best || !differ(*series, *best, what, doubt_of_best_))
                names.push_back(series->allocator.name);
        if (names.size() == good_.size()) return "none is shown to differ from the best";
        std::string words = names.front();
        for (size_t i = 1; i < names.size(); ++i)
            words += (i + 1 == names.size() ? " or " : ", ") + names[i];
        return words;
    }

    const Results& results_;
    std::vector<const Series*> good_;
    double doubt_, doubt_of_best_;
};

}  // namespace

std::string verdict(const Results& results) {
    return Judge(results).said();
}

}  // namespace tarn::cli
