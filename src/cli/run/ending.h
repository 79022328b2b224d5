// SPDX-License-Identifier: MIT
// Five lines at the end of a command.
#pragma once
#include <string>

#include "reader/record.h"

namespace tarn::cli {

struct Ending {
    std::string path;     // of the record
    std::string how;      // "ended after 1.2 s"
    std::string report;   // the command to type next
    std::string profile;  // the one that would say who holds the memory
};

// Takes of the record what it does not need.
std::string ending(reader::Record* record, const Ending& words);

}  // namespace tarn::cli
