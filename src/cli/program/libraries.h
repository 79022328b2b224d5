// SPDX-License-Identifier: MIT
// The files of tarn's that are preloaded, and the programs that are meant.
#pragma once
#include <string>

namespace tarn::cli {

struct Libraries {
    std::string tarn;      // "": not found
    std::string follow;    // libtarn-follow.so; "": not found
    std::string jemalloc;  // the backend's module, which must be in the process from the start; "": not built
};

// Beside this command, where it was built; else where it was installed, as far from here as it was then. `given`: this file,
// and what lies beside it.
Libraries find_libraries(const std::string& given);

// The file that a shell would execute for this word. "": none.
std::string find_program(const std::string& word);

// The program that a script's first line names; "" where there is no such line. Interpreters of interpreters: the kernel
// stops after so many.
std::string interpreter_of(const std::string& file);
inline constexpr int kMostScripts = 5;

std::string absolute(const std::string& path);
std::string base_name(const std::string& path);

}  // namespace tarn::cli
