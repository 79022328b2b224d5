// SPDX-License-Identifier: MIT
#include "reader/symbols/symbols.h"

namespace tarn::reader {
namespace {

// Where distributions put what they took out of a file, by its build id.
std::string separate_file(const std::string& build_id) {
    if (build_id.size() < 2) return "";
    std::string digits;
    for (unsigned char byte : build_id) {
        digits += "0123456789abcdef"[byte >> 4];
        digits += "0123456789abcdef"[byte & 15];
    }
    return "/usr/lib/debug/.build-id/" + digits.substr(0, 2) + "/" + digits.substr(2) + ".debug";
}

}  // namespace

Symbols::File& Symbols::file_of(const std::string& path, const std::string& build_id) {
    File& file = files_[{path, build_id}];
    if (file.debug) return file;
    file.debug = std::make_unique<DebugFile>(path, build_id);
    if (file.debug->missing().empty() || build_id.empty()) return file;
    // The file was replaced or is gone; that with its debug information may be there still.
    auto separate = std::make_unique<DebugFile>(separate_file(build_id), build_id);
    if (separate->missing().empty()) file.debug = std::move(separate);
    return file;
}

const std::vector<Line>& Symbols::at(const std::string& path, const std::string& build_id, uint64_t address) {
    File& file = file_of(path, build_id);
    auto [known, is_new] = file.known.try_emplace(address);
    if (is_new) known->second = file.debug->at(address);
    return known->second;
}

std::map<std::string, std::string> Symbols::missing() const {
    std::map<std::string, std::string> found;
    for (const auto& [name, file] : files_)
        if (!file.debug->missing().empty()) found[name.first] = file.debug->missing();
    return found;
}

}  // namespace tarn::reader
