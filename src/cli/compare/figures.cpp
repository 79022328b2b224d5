// SPDX-License-Identifier: MIT
#include "cli/compare/figures.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "cli/common/words.h"

namespace tarn::cli {
namespace {

constexpr double kShort = 0.005;  // seconds

Figure figure(const Series& series, const Series& reference, What what) {
    std::vector<double> own = values(series, what);
    double median = measure::median(own);
    return {median, median > 0 ? measure::deviation(own) / median : 0,
            measure::factor(own, values(reference, what), measure::kUsualDoubt)};
}

Row row_of(const Series& series, const Results& results) {
    const Series& reference = results.series.front();
    Row row;
    row.name = series.allocator.name;
    row.failure = series.failure;
    row.libraries = series.allocator.libraries;
    row.runs = series.runs.size();
    row.time = figure(series, reference, What::kTime);
    if (results.has_metric()) row.metric = figure(series, reference, What::kMetric);
    row.processor = figure(series, reference, What::kProcessor);
    row.memory = figure(series, reference, What::kMemory);
    std::vector<double> own = values(series, compared(results));
    for (size_t place : measure::outliers(own))
        row.outliers.push_back({place + 1, own[place]});
    return row;
}

std::string memory_note(measure::MemoryBy by) {
    switch (by) {
        case measure::MemoryBy::kGroup:
            return "peak memory: all processes together, by a control group; with the page cache and kernel "
                   "memory "
                   "that they made; to 1 MiB";
        case measure::MemoryBy::kTree:
            return "peak memory: of all processes together as far as it was seen (proportional sizes, every "
                   "5 ms or "
                   "less often), no less than that of the largest";
        case measure::MemoryBy::kLargest:
            return "peak memory: of the largest process alone; the sum of several is not to be had here";
    }
    return "";
}

std::string rounds_note(const Results& results) {
    std::string rounds = fmt::format("{} round{} in {:.0f} s", results.rounds, results.rounds == 1 ? "" : "s",
                                     results.seconds);
    switch (results.stopped) {
        case Stopped::kPrecise:
            return rounds + ", until each factor was known to 1 %";
        case Stopped::kTime:
            return rounds + ": time was up before each factor was known to 1 % (--max-seconds gives more)";
        case Stopped::kRounds:
            return rounds + ": they vary too much for factors known to 1 %";
        case Stopped::kFixed:
            return rounds + ", as -n says";
        case Stopped::kInterrupted:
            return rounds + ": interrupted";
    }
    return "";
}

std::vector<std::string> notes(const Results& results) {
    std::vector<std::string> found = {rounds_note(results) + "; a warm-up before",
                                      memory_note(results.memory_by)};
    if (results.output == Output::kVaries)
        found.push_back("output: it differs from run to run with glibc, too, and is not compared");
    const Series& reference = results.series.front();
    if (!reference.runs.empty() && reference.runs.front().status != 0)
        found.push_back(
            fmt::format("exit status: {}, with all that were compared", reference.runs.front().status));
    if (results.load.empty() && measure::median(values(reference, What::kTime)) < kShort)
        found.push_back("time: runs this short are mostly the start of the process");
    return found;
}

}  // namespace

std::vector<double> values(const Series& series, What what) {
    std::vector<double> found;
    for (const measure::Taken& run : series.runs) {
        double time = what == What::kTime ? run.wall : run.user + run.system;
        found.push_back(what == What::kMemory   ? static_cast<double>(run.peak)
                        : what == What::kMetric ? run.metric.value_or(0)
                                                : time);
    }
    return found;
}

std::string value_word(double value, What what) {
    if (what == What::kMemory) return bytes_word(static_cast<uint64_t>(value));
    if (what == What::kMetric)
        return value >= 10000 ? number_word(static_cast<uint64_t>(std::llround(value)))
                              : fmt::format("{:.4g}", value);
    if (value < 1) return fmt::format("{:.{}f} ms", value * 1000, value < 0.1 ? 1 : 0);
    return fmt::format("{:.2f} s", value);
}

double memory_step(measure::MemoryBy by) {
    return by == measure::MemoryBy::kGroup ? 1 << 20 : 0;
}

std::string factor_word(const Figure& figure) {
    double half = figure.factor.half();
    return fmt::format("{:.2f} {}", figure.factor.middle,
                       half < figure.factor.middle ? fmt::format("±{:.2f}", half) : "±?");
}

Figures figures(const Results& results) {
    Figures found;
    for (const Series& series : results.series)
        found.rows.push_back(row_of(series, results));
    found.verdict = verdict(results);
    found.notes = notes(results);
    return found;
}

}  // namespace tarn::cli
