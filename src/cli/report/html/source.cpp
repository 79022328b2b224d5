// SPDX-License-Identifier: MIT
#include "cli/report/html/source.h"

#include <algorithm>
#include <array>
#include <filesystem>
#include <fstream>
#include <string_view>

#include "reader/text.h"

namespace tarn::cli {
namespace {

constexpr size_t kFilesMost = 400, kLineMost = 200;
constexpr uintmax_t kBytesMost = 4 << 20;

bool is_source(const std::string& path) {
    constexpr std::array<std::string_view, 24> kEndings = {
        ".py",  ".pyx", ".rb", ".php", ".pl", ".pm", ".t",   ".lua", ".c",  ".h",   ".cc",  ".cpp",
        ".cxx", ".hpp", ".hh", ".rs",  ".go", ".d",  ".zig", ".f90", ".js", ".tcl", ".erb", ".inc"};
    std::string ending = std::filesystem::path(path).extension();
    return std::find(kEndings.begin(), kEndings.end(), ending) != kEndings.end();
}

std::string without_blanks(const std::string& line) {
    size_t begin = line.find_first_not_of(" \t\r"), end = line.find_last_not_of(" \t\r");
    return begin == std::string::npos
               ? ""
               : reader::printable(cut(line.substr(begin, end + 1 - begin), kLineMost));
}

}  // namespace

Sources::Sources(const Shown& shown) : wanted_(shown.sources), directory_(shown.record.who.directory) {}

const std::vector<std::string>& Sources::lines_of(const std::string& path) {
    auto [found, is_new] = files_.try_emplace(path);
    if (!is_new || files_.size() > kFilesMost || !is_source(path)) return found->second;
    std::error_code error;
    if (!std::filesystem::is_regular_file(path, error) ||
        std::filesystem::file_size(path, error) > kBytesMost || error)
        return found->second;
    std::ifstream file(path);
    for (std::string line; std::getline(file, line);)
        found->second.push_back(without_blanks(line));
    return found->second;
}

const std::string& Sources::line(const reader::Place& place) {
    static const std::string kNone;
    if (!wanted_ || place.file.empty() || place.line == 0) return kNone;
    std::string path = place.file[0] == '/' ? place.file : directory_ + "/" + place.file;
    const std::vector<std::string>& lines = lines_of(path);
    return place.line <= lines.size() ? lines[place.line - 1] : kNone;
}

}  // namespace tarn::cli
