// SPDX-License-Identifier: MIT
// What the runs show: figures with what is known of them, and a verdict that says no more. Pure functions of results.
#pragma once
#include <optional>
#include <string>
#include <vector>

#include "cli/compare/results.h"
#include "measure/statistics.h"

namespace tarn::cli {

constexpr const char* kOtherOutput = "its output is not that with glibc";

struct Figure {
    double median = 0;
    double deviation = 0;      // the median absolute one, as a share of the median
    measure::Interval factor;  // to the reference's, but for a chance of one in twenty
};

struct Outlier {
    size_t round = 0;  // from 1 on
    double value = 0;
};

struct Row {
    std::string name, failure;
    std::vector<std::string> libraries;
    size_t runs = 0;
    Figure time, metric, processor, memory;
    std::vector<Outlier> outliers;  // of what is compared
};

struct Figures {
    std::vector<Row> rows;
    std::string verdict;             // one sentence
    std::vector<std::string> notes;  // what one should know of how it was measured
};

Figures figures(const Results& results);

std::string verdict(const Results& results);
// The kernel charges a group for 256 KiB at a time on each processor: bytes below which no difference is one.
double memory_step(measure::MemoryBy by);
// A factor and how well it is known: "0.92 ±0.01", "1.2 ±?" where that is next to nothing.
std::string factor_word(const Figure& figure);
std::string value_word(double value, What what);  // "1.06 s", "59.5 MiB"

}  // namespace tarn::cli
