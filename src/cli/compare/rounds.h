// SPDX-License-Identifier: MIT
// Runs in turns, until they are precise.
#pragma once
#include <functional>

#include "cli/compare/results.h"

namespace tarn::cli {

struct Plan {
    measure::Task task;  // its environment is the allocator's
    std::string input;   // a file; "": /dev/null
    measure::MemoryMeter meter;
    size_t rounds = 0;  // 0: until they are precise
    double most_seconds = 60;
};

constexpr size_t kFewestRounds = 5, kMostRounds = 200;

// The places in `count` in the order of this round: each begins in turn, and every other round goes backwards, so that
// nobody always follows the same one.
std::vector<size_t> order_of(size_t round, size_t count);

// Measures; what goes on is told to `progress`, in a line. std::runtime_error: there is nothing to compare with.
void measure_rounds(const Plan& plan, Results* results,
                    const std::function<void(const std::string&)>& progress);

}  // namespace tarn::cli
