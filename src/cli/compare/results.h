// SPDX-License-Identifier: MIT
// What was measured: raw numbers, and how they came about.
#pragma once
#include <string>
#include <vector>

#include "cli/allocators/installed.h"
#include "measure/run.h"

namespace tarn::cli {

struct Series {
    Allocator allocator;
    std::vector<measure::Taken> runs = {};  // one for each round, without the warm-up
    std::string failure = {};               // why it is not compared; "": it is
};

enum class Better { kLower, kHigher };
enum class Output { kIgnored, kSame, kVaries };  // kVaries: with glibc it differs from run to run
enum class Stopped { kPrecise, kTime, kRounds, kFixed, kInterrupted };

struct Results {
    std::vector<std::string> command;
    std::string load;                 // of a server
    std::vector<Series> series = {};  // the first is the reference
    std::string metric = {};          // the expression; "": the time is compared
    Better better = Better::kHigher;
    measure::MemoryBy memory_by = measure::MemoryBy::kLargest;
    Output output = Output::kSame;
    Stopped stopped = Stopped::kPrecise;
    double seconds = 0;
    size_t rounds = 0;

    bool has_metric() const { return !metric.empty(); }
};

// One figure of all runs of a series, in the order of the rounds.
enum class What { kTime, kMetric, kProcessor, kMemory };
std::vector<double> values(const Series& series, What what);
inline What compared(const Results& results) {
    return results.has_metric() ? What::kMetric : What::kTime;
}

}  // namespace tarn::cli
