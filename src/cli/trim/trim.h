// SPDX-License-Identifier: MIT
// `tarn trim`: asks a process that records to give back what lies free.
#pragma once
#include <string>

namespace tarn::cli {

struct TrimOptions {
    std::string record;  // a file, or the number of a process
    double wait = 5;     // seconds
    bool json = false;
};

// 3: it has not obeyed yet.
int trim(const TrimOptions& options);

}  // namespace tarn::cli
