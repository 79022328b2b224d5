// SPDX-License-Identifier: MIT
// The table of `tarn top`: a row for each process, and the order of rows.
#pragma once
#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "reader/live/crowd.h"

namespace tarn::cli {

struct Row {
    const reader::Member* member = nullptr;
    std::string name;
    bool there = false;
    uint64_t resident = 0, objects = 0, kept = 0, other = 0;  // bytes, as the record said last
    double rate = 0;                                          // allocations per second
    uint64_t age_ns = 0;

    uint32_t pid() const { return member->record.who.pid; }
};

enum class ColumnKind { kPid, kName, kState, kResident, kObjects, kKept, kOther, kRate, kAge };
struct ColumnSpec {
    ColumnKind kind;
    const char* title;
    char key;  // sorts by it
    int width;
    bool to_the_left;
};
// With a blank between them they have 80 characters.
inline constexpr std::array<ColumnSpec, 9> kColumns = {{
    {ColumnKind::kPid, "pid", 'P', 7, false},
    {ColumnKind::kName, "name", 'N', 14, true},
    {ColumnKind::kState, "state", 'S', 9, true},
    {ColumnKind::kResident, "resident", 'R', 8, false},
    {ColumnKind::kObjects, "objects", 'O', 7, false},
    {ColumnKind::kKept, "kept", 'K', 7, false},
    {ColumnKind::kOther, "other", 'M', 7, false},
    {ColumnKind::kRate, "allocs/s", 'A', 8, false},
    {ColumnKind::kAge, "age", 'G', 5, false},
}};

struct Order {
    size_t column = 3;  // in kColumns
    bool reversed = false;
};

Row row_of(const reader::Member& member, uint64_t now_ns);
// Those that are there first; numbers from the largest down, names from A on.
std::vector<Row> sorted_rows(const std::vector<reader::Member>& members, uint64_t now_ns, const Order& order);
Row total_of(const std::vector<Row>& rows);  // of those that are there

std::string head_line();
std::string head_of(size_t column);  // its part of that line
std::string line_of(const Row& row);
// The whole of it as text, and as JSON.
std::string table_text(const std::vector<Row>& rows);
std::string table_json(const std::vector<Row>& rows, size_t unreadable);

std::string size_word(uint64_t bytes);  // "999B", "1.5K", "12.3M", "1023M"

}  // namespace tarn::cli
