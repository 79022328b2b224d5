// SPDX-License-Identifier: MIT
// What LD_PRELOAD names, as the loader reads it.
#pragma once
#include <string>
#include <vector>

namespace tarn::cli {

struct Preloaded {
    std::string word;  // as it stands there
    std::string file;  // "": there is none, which the loader passes over
    bool tarn = false, allocator = false;
};

// Of LD_PRELOAD, then of /etc/ld.so.preload, below `root`. A name without a slash is looked for as the loader does: in
// `library_path`, its cache, its folders.
std::vector<Preloaded> preloaded(const std::string& value, const std::string& library_path,
                                 const std::string& root);

// Text of a file, at most 1 MiB; "".
std::string text_of(const std::string& path);

}  // namespace tarn::cli
