// SPDX-License-Identifier: MIT
// The environment of the command.
#pragma once
#include <string>
#include <utility>
#include <vector>

namespace tarn::cli {

// kCommand: marked, for libtarn-follow.so to take out of it again (follow/marks.h).
enum class ForWhom { kCommand, kChildrenToo };

struct Added {
    std::string preload;  // in front of what LD_PRELOAD has
    std::vector<std::pair<std::string, std::string>> variables;
};

// Each variable stays in its place, so that the marks' removal gives what was before, in its order.
std::vector<std::string> with_added(std::vector<std::string> before, const Added& added, ForWhom whom);

}  // namespace tarn::cli
