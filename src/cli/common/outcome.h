// SPDX-License-Identifier: MIT
// How a verb ends, and where its output goes.
#pragma once
#include <string>
#include <string_view>

namespace tarn::cli {

// Exit statuses of all verbs, but for those that give the status of a command of the user's (`tarn run`).
enum Status { kDone = 0, kFailed = 1, kMisused = 2, kNothingSampled = 3 };

// Says why in one line on standard error; its argument is the status to end with.
Status failed(Status status, const std::string& why);

// To a file, or to standard output: "" or "-".
Status write_to(const std::string& path, std::string_view text);

}  // namespace tarn::cli
