// SPDX-License-Identifier: MIT
// Symbols: what is at an address, of all the files that a process had loaded. Each file is opened once, when something
// in it is asked for, and each answer is kept.
#pragma once
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "reader/symbols/debug_file.h"

namespace tarn::reader {

class Symbols {
  public:
    // The functions at `address` of a file, the innermost first; empty where nothing is known. The reference holds as
    // long as the Symbols.
    const std::vector<Line>& at(const std::string& path, const std::string& build_id, uint64_t address);

    // Files of which something was asked in vain, and why nothing is known of them.
    std::map<std::string, std::string> missing() const;

  private:
    struct File {
        std::unique_ptr<DebugFile> debug;
        std::map<uint64_t, std::vector<Line>> known;
    };
    File& file_of(const std::string& path, const std::string& build_id);

    std::map<std::pair<std::string, std::string>, File> files_;  // by path and build id
};

}  // namespace tarn::reader
