// SPDX-License-Identifier: MIT
// The line of source that a place names, where its file is there.
#pragma once
#include <map>
#include <string>
#include <vector>

#include "cli/report/shown.h"

namespace tarn::cli {

// A record may name any file: lines are taken of files alone whose names end as those of sources do.
class Sources {
  public:
    explicit Sources(const Shown& shown);
    // Without blanks around it; "" where it is not to be had.
    const std::string& line(const reader::Place& place);

  private:
    const std::vector<std::string>& lines_of(const std::string& path);

    bool wanted_;
    std::string directory_;  // names that are relative begin there
    std::map<std::string, std::vector<std::string>> files_;
};

}  // namespace tarn::cli
