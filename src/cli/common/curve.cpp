// SPDX-License-Identifier: MIT
#include "cli/common/curve.h"

#include <algorithm>
#include <array>

namespace tarn::cli {
namespace {

constexpr std::array kEighths = {"", "▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"};

Column value_of(const tarn_record_point& point) {
    return {point.live_small + point.live_large, point.resident, point.kept};
}

Column larger(Column a, Column b) {
    return {std::max(a.objects, b.objects), std::max(a.resident, b.resident), std::max(a.kept, b.kept)};
}

// Eighths of a row that `value` fills in all.
size_t eighths(uint64_t value, uint64_t top, size_t height) {
    double share = static_cast<double>(value) / static_cast<double>(top);
    return std::min(static_cast<size_t>(share * static_cast<double>(height) * 8 + 0.5), height * 8);
}

}  // namespace

std::vector<Column> columns(const std::vector<tarn_record_point>& points, uint64_t begin, uint64_t end,
                            size_t count) {
    std::vector<Column> made(count);
    if (count == 0 || begin >= end) return made;
    auto next = points.begin();
    Column last;
    for (; next != points.end() && next->time_ns < begin; ++next)
        last = value_of(*next);
    for (size_t i = 0; i < count; ++i) {
        double share = static_cast<double>(i + 1) / static_cast<double>(count);
        uint64_t until = begin + static_cast<uint64_t>(static_cast<double>(end - begin) * share);
        if (i + 1 == count) until = UINT64_MAX;
        bool found = false;
        for (; next != points.end() && next->time_ns < until; ++next) {
            last = value_of(*next);
            made[i] = found ? larger(made[i], last) : last;
            found = true;
        }
        if (!found) made[i] = last;
    }
    return made;
}

std::vector<std::string> rows(const std::vector<Column>& columns, uint64_t top, size_t height, bool unicode) {
    std::vector<std::string> lines(height);
    if (top == 0) return lines;
    for (size_t row = 0; row < height; ++row) {
        size_t below = (height - 1 - row) * 8;  // eighths under this row
        for (const Column& column : columns) {
            size_t objects = eighths(column.objects, top, height),
                   resident = eighths(column.resident, top, height);
            size_t full = objects > below ? std::min<size_t>(objects - below, 8) : 0;
            bool shaded = resident >= below + 4;
            if (!unicode)
                lines[row] += full >= 4 ? "#" : shaded ? "." : " ";
            else if (full != 0 && (full == 8 || !shaded || full >= 4))
                lines[row] += kEighths[full];
            else
                lines[row] += shaded ? "░" : " ";
        }
        lines[row].erase(lines[row].find_last_not_of(' ') + 1);
    }
    return lines;
}

}  // namespace tarn::cli
