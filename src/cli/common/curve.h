// SPDX-License-Identifier: MIT
// A time line as a few rows of text.
#pragma once
#include <cstdint>
#include <string>
#include <vector>

#include "cli/common/words.h"
#include "tarn/record.h"

namespace tarn::cli {

struct Column {
    uint64_t objects = 0, resident = 0, kept = 0;  // bytes, the most that any point in this column says
};

// `count` columns of equal time, up to `end`. Points are written when memory is asked for: a column without one is as the
// one before it.
std::vector<Column> columns(const std::vector<tarn_record_point>& points, uint64_t begin, uint64_t end,
                            size_t count);

// One line for each row, the top one first, without axes: full for objects, shaded for what is resident besides. `top`
// is the value that the upper edge stands for.
std::vector<std::string> rows(const std::vector<Column>& columns, uint64_t top, size_t height, bool unicode);

}  // namespace tarn::cli
