// SPDX-License-Identifier: MIT
// `tarn doctor`: is tarn active in a process, or would it be in a command or in what is started here; if not, why.
#pragma once
#include <string>
#include <vector>

namespace tarn::cli {

struct DoctorOptions {
    std::vector<std::string> words;  // a process's number, or a command; empty: what is started here
    bool json = false;
    std::string root;  // where the kernel's files are: for tests
};

// 0: active; 1: not.
int doctor(const DoctorOptions& options);

}  // namespace tarn::cli
