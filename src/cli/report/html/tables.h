// SPDX-License-Identifier: MIT
// Sections of the page that are tables.
#pragma once
#include <string>

#include "cli/report/html/source.h"
#include "cli/report/shown.h"
#include "reader/views/growth.h"

namespace tarn::cli {

// A function and its place in the source, as two cells.
std::string place_cells(const reader::Place& place, const std::vector<reader::Place>& callers,
                        const std::string& source = "");

std::string holders_table(const Shown& shown, Sources* sources);
std::string growth_table(const Shown& shown, const reader::Growths& growths, Sources* sources);
std::string classes_table(const tarn_stats& stats);
std::string events_table(const Shown& shown);
std::string process_table(const Shown& shown);
std::string notes_list(const Shown& shown);

}  // namespace tarn::cli
