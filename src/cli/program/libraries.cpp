// SPDX-License-Identifier: MIT
#include "cli/program/libraries.h"

#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <vector>

namespace tarn::cli {
namespace {

namespace fs = std::filesystem;

bool is_file(const std::string& path) {
    struct stat status;
    return stat(path.c_str(), &status) == 0 && S_ISREG(status.st_mode);
}

// A build has all of tarn's libraries in one folder, an installation the modules in one below.
std::string beside(const fs::path& library, const char* name) {
    for (const fs::path& folder : {library.parent_path(), library.parent_path() / "tarn"})
        if (is_file(folder / name)) return folder / name;
    return "";
}

}  // namespace

Libraries find_libraries(const std::string& given) {
    std::error_code error;
    fs::path folder = fs::read_symlink("/proc/self/exe", error).parent_path();
    Libraries found;
    std::vector<std::string> places = {folder / "libtarn.so", folder / TARN_LIBRARY};
    if (!given.empty()) places = {absolute(given)};
    for (const std::string& path : places)
        if (found.tarn.empty() && is_file(path)) found.tarn = fs::path(path).lexically_normal();
    if (found.tarn.empty()) return found;
    found.follow = beside(found.tarn, "libtarn-follow.so");
    found.jemalloc = beside(found.tarn, "libtarn-jemalloc.so");
    return found;
}

std::string find_program(const std::string& word) {
    if (word.find('/') != std::string::npos) return access(word.c_str(), F_OK) == 0 ? word : "";
    const char* path = std::getenv("PATH");
    std::istringstream folders(path ? path : "/bin:/usr/bin");
    std::string refused;  // it is there, and may not be executed
    for (std::string folder; std::getline(folders, folder, ':');) {
        std::string file = (folder.empty() ? "." : folder) + "/" + word;
        if (!is_file(file)) continue;
        if (access(file.c_str(), X_OK) == 0) return file;
        if (refused.empty()) refused = file;
    }
    return refused;
}

std::string interpreter_of(const std::string& file) {
    struct stat status;
    if (stat(file.c_str(), &status) != 0 || !S_ISREG(status.st_mode)) return "";
    std::array<char, 256> text = {};
    std::ifstream input(file, std::ios::binary);
    input.read(text.data(), text.size() - 1);
    if (text[0] != '#' || text[1] != '!') return "";
    std::istringstream words(std::string(text.data() + 2, strcspn(text.data() + 2, "\n")));
    std::string word;
    words >> word;
    if (base_name(word) != "env") return word;
    while (words >> word)
        if (word[0] != '-' && word.find('=') == std::string::npos) return find_program(word);
    return "";
}

std::string absolute(const std::string& path) {
    std::error_code error;
    fs::path made = fs::absolute(path, error);
    return error ? path : made.string();
}

std::string base_name(const std::string& path) {
    return path.substr(path.rfind('/') + 1);
}

}  // namespace tarn::cli
