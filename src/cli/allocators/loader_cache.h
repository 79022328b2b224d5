// SPDX-License-Identifier: MIT
// The loader's list of the libraries that it knows (ld.so.cache, as ldconfig writes it).
#pragma once
#include <string>
#include <string_view>
#include <vector>

namespace tarn::cli {

struct CachedLibrary {
    std::string name, path;
};

// Of the file's bytes, which are not trusted: what does not fit is left out.
std::vector<CachedLibrary> cached_libraries(std::string_view bytes);

}  // namespace tarn::cli
