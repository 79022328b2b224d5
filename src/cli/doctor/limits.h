// SPDX-License-Identifier: MIT
// Limits and settings of the kernel's that will matter to a process under tarn.
#pragma once
#include <string>
#include <vector>

#include "cli/doctor/diagnosis.h"

namespace tarn::cli {

// `process`: a number, or "self". `root`: where /proc and /sys are, "" but in tests.
std::vector<Limit> limits_of(const std::string& process, const std::string& root);

}  // namespace tarn::cli
