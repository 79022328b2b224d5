// SPDX-License-Identifier: MIT
// The command as a child, in the same process group, which is what a shell and a terminal know: what is sent to the group
// it gets itself; what is sent to this process alone it gets from here; when it stops, this process stops, too.
#pragma once
#include <string>
#include <vector>

namespace tarn::cli {

struct Ended {
    int process = 0;  // 0: it could not be started
    int error = 0;    // of the kernel: it could not be executed
    int status = 0;   // as of waitpid
};

// All signals stay blocked when it returns, and the standard streams but for the last are closed.
Ended run_child(const std::vector<std::string>& command, const std::vector<std::string>& environment);

// Becomes the command; returns the kernel's error.
int become(const std::vector<std::string>& command, const std::vector<std::string>& environment);

// Takes signals again, as is usual.
void listen_again();

// Ends as the child has: its status, or its signal.
[[noreturn]] void end_as(int status);

}  // namespace tarn::cli
