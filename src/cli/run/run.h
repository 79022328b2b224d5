// SPDX-License-Identifier: MIT
// `tarn run`: a command under tarn, with a record, as if it ran alone; and five lines at its end.
#pragma once
#include <string>
#include <vector>

namespace tarn::cli {

struct RunOptions {
    std::string profile;  // mean bytes between samples, as TARN_PROFILE takes them; "": none are taken
    std::string backend, record, library;
    bool hardened = false, children = false, quiet = false;
    std::vector<std::string> command;
};

// The status of the command; what `env` and `timeout` have beside: 125 when tarn itself failed, 126 and 127 when the command
// could not be executed or found. Does not return when a signal has ended the command.
int run(const RunOptions& options);

}  // namespace tarn::cli
