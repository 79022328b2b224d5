// SPDX-License-Identifier: MIT
// `tarn report`: what a record says, for a person, for programs, for a browser, and for what draws profiles; and how two
// records differ.
#pragma once
#include <string>

#include "cli/report/shown.h"

namespace tarn::cli {

struct ReportOptions {
    std::string record;               // a file, or the number of a process; "": the newest
    std::string other;                // a second one, which is compared with it; "": none
    bool json = false;                // to standard output, in place of the text
    bool anonymous = false;           // nothing that tells whose it is
    bool native = false;              // without the frames of scripts
    bool script = false;              // with none but these
    bool merged = false;              // neither
    bool no_source = false;           // html: without lines of the program's sources
    std::string html, pprof, folded;  // files to write, "-": standard output, "": none; then no text
    std::string of = "live";          // folded: live, peak or allocated
    bool objects = false;             // folded: their number
    ShowOptions show;
};

int report(const ReportOptions& options);

}  // namespace tarn::cli
