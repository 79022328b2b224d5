// SPDX-License-Identifier: MIT
// `tarn top`: all processes that record, live.
#pragma once
#include <string>

namespace tarn::cli {

struct TopOptions {
    std::string process;  // the number of one, or its record; "": all
    std::string folder;   // of records, in place of the default ones
    double interval = 2;  // seconds between two looks
    bool once = false;    // a table as text, and no more
    bool json = false;    // that table for programs
};

int top(const TopOptions& options);

}  // namespace tarn::cli
