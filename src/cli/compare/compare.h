// SPDX-License-Identifier: MIT
// `tarn compare`: a command under every allocator there is, in turns, and what that shows.
#pragma once
#include <string>
#include <vector>

#include "cli/allocators/installed.h"

namespace tarn::cli {

struct CompareOptions {
    std::vector<std::string> command;
    Choice choice;
    size_t rounds = 0;  // 0: until they are precise
    double most_seconds = 60;
    std::string metric, metric_lower;  // expressions; one of them at most
    std::string ready, load;
    int ready_port = 0;
    std::string input;
    bool ignores_output = false;
    std::string memory = "best";  // group, tree, largest, or the first of them that can be had
    bool json = false;
    std::string html;
};

int compare(const CompareOptions& options);

}  // namespace tarn::cli
