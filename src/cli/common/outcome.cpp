// SPDX-License-Identifier: MIT
#include "cli/common/outcome.h"

#include <cerrno>
#include <cstdio>
#include <cstring>

namespace tarn::cli {

Status failed(Status status, const std::string& why) {
    std::fprintf(stderr, "tarn: %s\n", why.c_str());
    return status;
}

Status write_to(const std::string& path, std::string_view text) {
    bool to_stdout = path.empty() || path == "-";
    std::FILE* file = to_stdout ? stdout : std::fopen(path.c_str(), "we");
    bool good = file && std::fwrite(text.data(), 1, text.size(), file) == text.size();
    if (file && std::fflush(file) != 0) good = false;
    int error = errno;
    if (file && !to_stdout && std::fclose(file) != 0 && good) {
        good = false;
        error = errno;
    }
    std::string name = to_stdout ? "standard output" : path;
    return good ? kDone : failed(kFailed, name + ": cannot be written: " + std::strerror(error));
}

}  // namespace tarn::cli
