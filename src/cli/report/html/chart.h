// SPDX-License-Identifier: MIT
// Memory over time as a picture, drawn without a script.
#pragma once
#include <string>

#include "cli/report/shown.h"

namespace tarn::cli {

// Stacked areas of objects, what tarn keeps and what is not malloc's, with marks for events; "" with fewer than two points.
std::string chart(const Shown& shown);

// A row of bars, the first one the oldest, for a table's cell.
std::string bars(const uint64_t* values, size_t count, const std::string& title);

}  // namespace tarn::cli
