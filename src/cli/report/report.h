// SPDX-License-Identifier: MIT
// `tarn report`: what a record says, for a person, for programs, and for what draws profiles.
#pragma once
#include <string>

#include "cli/report/shown.h"

namespace tarn::cli {

struct ReportOptions {
    std::string record;         // a file, or the number of a process
    bool json = false;          // to standard output, in place of the text
    std::string pprof, folded;  // files to write, "-": standard output, "": none; then no text
    std::string of = "live";    // folded: live, peak or allocated
    bool objects = false;       // folded: their number
    ShowOptions show;
};

int report(const ReportOptions& options);

}  // namespace tarn::cli
