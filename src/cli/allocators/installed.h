// SPDX-License-Identifier: MIT
// Which allocators there are on this machine, and how a program is put on each.
#pragma once
#include <string>
#include <utility>
#include <vector>

#include "cli/allocators/loader_cache.h"

namespace tarn::cli {

struct Allocator {
    std::string name;
    std::vector<std::string> libraries = {};  // what is preloaded; none: glibc's own malloc
    std::string backend = {};                 // TARN_BACKEND; "": not set
};

constexpr const char* kReference = "glibc";

// tarn's library: beside the command, or where it was installed with it; "": it is not there.
std::string tarn_library();
// tarn with its default backend, and with each other one that is there.
std::vector<Allocator> tarns(const std::string& library);
// Others, by the names of their files. Each once, and only what this machine can load.
std::vector<Allocator> others(const std::vector<CachedLibrary>& cached);
std::string name_of_library(const std::string& file);  // "": no allocator's

struct Choice {
    std::string tarn;                // its file; "": tarn_library()
    std::vector<std::string> peers;  // NAME=FILE
    std::vector<std::string> only;   // names; none: all
};
// The reference first. std::invalid_argument: what is wrong with the choice.
std::vector<Allocator> chosen(const Choice& choice);

// The variables of a process that is to use it. What the user preloads stays, but for allocators.
std::vector<std::string> environment_of(const Allocator& allocator);

}  // namespace tarn::cli
