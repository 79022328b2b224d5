// SPDX-License-Identifier: MIT
#include "cli/top/table.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "cli/common/words.h"
#include "reader/text.h"

namespace tarn::cli {
namespace {

constexpr uint64_t kSecond = 1'000'000'000;
constexpr uint64_t kRateNs = 5 * kSecond;  // what a rate is the mean of

uint64_t without(uint64_t all, uint64_t part) {
    return all > part ? all - part : 0;
}

void take(Row* row, uint64_t resident, uint64_t objects, uint64_t kept) {
    row->resident = resident;
    row->objects = objects;
    row->kept = kept;
    row->other = without(without(resident, objects), kept);
}

// By the points of the last seconds. What did nothing since then wrote none.
double rate_of(const reader::Record& record, uint64_t now) {
    if (record.points.empty()) return 0;
    uint64_t last = record.points.back().allocations, last_ns = record.points.back().time_ns;
    if (record.stats && record.snapshot_ns >= last_ns) {
        last = record.stats->allocations;
        last_ns = record.snapshot_ns;
    }
    uint64_t from = without(now, kRateNs);
    const tarn_record_point* begin = nullptr;
    for (const tarn_record_point& point : record.points)
        if (!begin || point.time_ns <= from) begin = &point;
    if (last_ns <= from || now <= begin->time_ns) return 0;
    uint64_t since = std::max(begin->time_ns, from);
    // Of an interval that begins before, the part within.
    double share = static_cast<double>(last_ns - since) /
                   static_cast<double>(std::max<uint64_t>(last_ns - begin->time_ns, 1));
    double made = static_cast<double>(without(last, begin->allocations)) * std::min(share, 1.0);
    return made * static_cast<double>(kSecond) / static_cast<double>(now - since);
}

std::string rate_word(double rate) {
    constexpr std::array kUnits = {"", "k", "M", "G", "T"};
    size_t unit = 0;
    while (rate >= 999.5 && unit + 1 < kUnits.size()) {
        rate /= 1000;
        ++unit;
    }
    return fmt::format("{:.{}f}{}", rate, unit == 0 || rate >= 99.95 ? 0 : 1, kUnits[unit]);
}

std::string age_word(uint64_t nanoseconds) {
    uint64_t seconds = nanoseconds / kSecond, minutes = seconds / 60, hours = minutes / 60;
    if (seconds < 60) return fmt::format("{}s", seconds);
    if (minutes < 60) return fmt::format("{}m{:02}", minutes, seconds % 60);
    if (hours < 24) return fmt::format("{}h{:02}", hours, minutes % 60);
    return hours < 100 * 24 ? fmt::format("{}d{:02}", hours / 24, hours % 24)
                            : fmt::format("{}d", hours / 24);
}

std::string cell(const Row& row, ColumnKind kind) {
    switch (kind) {
        case ColumnKind::kPid:
            return std::to_string(row.pid());
        case ColumnKind::kName:
            return row.name;
        case ColumnKind::kState:
            return name_of(row.member->state.fate);
        case ColumnKind::kResident:
            return size_word(row.resident);
        case ColumnKind::kObjects:
            return size_word(row.objects);
        case ColumnKind::kKept:
            return size_word(row.kept);
        case ColumnKind::kOther:
            return size_word(row.other);
        case ColumnKind::kRate:
            return rate_word(row.rate);
        case ColumnKind::kAge:
            return age_word(row.age_ns);
    }
    return "";
}

// Below 0: `a` stands before `b`.
int compare(const Row& a, const Row& b, ColumnKind kind) {
    auto larger_first = [](auto x, auto y) { return x > y ? -1 : x < y ? 1 : 0; };
    switch (kind) {
        case ColumnKind::kPid:
            return larger_first(b.pid(), a.pid());
        case ColumnKind::kName:
            return a.name.compare(b.name);
        case ColumnKind::kState:
            return std::string(name_of(a.member->state.fate)).compare(name_of(b.member->state.fate));
        case ColumnKind::kResident:
            return larger_first(a.resident, b.resident);
        case ColumnKind::kObjects:
            return larger_first(a.objects, b.objects);
        case ColumnKind::kKept:
            return larger_first(a.kept, b.kept);
        case ColumnKind::kOther:
            return larger_first(a.other, b.other);
        case ColumnKind::kRate:
            return larger_first(a.rate, b.rate);
        case ColumnKind::kAge:
            return larger_first(a.age_ns, b.age_ns);
    }
    return 0;
}

std::string placed(const std::string& text, const ColumnSpec& column) {
    std::string shown = cut(text, static_cast<size_t>(column.width));
    return column.to_the_left ? fmt::format("{:<{}}", shown, column.width)
                              : fmt::format("{:>{}}", shown, column.width);
}

template <class Word>
std::string joined(Word word) {
    std::string line;
    for (const ColumnSpec& column : kColumns)
        line += (line.empty() ? "" : " ") + placed(word(column), column);
    return line;
}

}  // namespace

std::string size_word(uint64_t bytes) {
    constexpr std::array kUnits = {"B", "K", "M", "G", "T", "P", "E"};
    double value = static_cast<double>(bytes);
    size_t unit = 0;
    while (value >= 1023.5 && unit + 1 < kUnits.size()) {
        value /= 1024;
        ++unit;
    }
    return fmt::format("{:.{}f}{}", value, unit == 0 || value >= 99.95 ? 0 : 1, kUnits[unit]);
}

Row row_of(const reader::Member& member, uint64_t now) {
    const reader::Record& record = member.record;
    Row row;
    row.member = &member;
    row.name = reader::printable(record.who.program);
    row.there = member.is_there();
    bool by_point =
        !record.points.empty() && (!record.stats || record.points.back().time_ns > record.snapshot_ns);
    if (by_point) {
        const tarn_record_point& last = record.points.back();
        take(&row, last.resident, last.live_small + last.live_large, last.kept);
    } else if (record.stats) {
        take(&row, record.stats->resident, record.stats->live_bytes, record.stats->kept_bytes);
    }
    if (row.there) row.rate = rate_of(record, now);
    row.age_ns = without(row.there ? now : record.last_ns(), record.header.started_ns);
    return row;
}

std::vector<Row> sorted_rows(const std::vector<reader::Member>& members, uint64_t now, const Order& order) {
    std::vector<Row> rows;
    for (const reader::Member& member : members)
        rows.push_back(row_of(member, now));
    ColumnKind kind = kColumns[order.column].kind;
    std::stable_sort(rows.begin(), rows.end(), [&](const Row& a, const Row& b) {
        if (a.there != b.there) return a.there;
        int before = compare(a, b, kind);
        if (before == 0) return a.pid() < b.pid();
        return order.reversed ? before > 0 : before < 0;
    });
    return rows;
}

Row total_of(const std::vector<Row>& rows) {
    Row total;
    for (const Row& row : rows) {
        if (!row.there) continue;
        total.resident += row.resident;
        total.objects += row.objects;
        total.kept += row.kept;
        total.other += row.other;
        total.rate += row.rate;
    }
    return total;
}

std::string head_line() {
    return joined([](const ColumnSpec& column) { return std::string(column.title); });
}

std::string head_of(size_t column) {
    return placed(kColumns[column].title, kColumns[column]);
}

std::string line_of(const Row& row) {
    return joined([&](const ColumnSpec& column) { return cell(row, column.kind); });
}

std::string table_text(const std::vector<Row>& rows) {
    std::string text = head_line() + "\n";
    for (const Row& row : rows)
        text += line_of(row) + "\n";
    return text;
}

std::string table_json(const std::vector<Row>& rows, size_t unreadable) {
    nlohmann::ordered_json processes = nlohmann::ordered_json::array();
    for (const Row& row : rows) {
        const reader::Record& record = row.member->record;
        processes.push_back({{"pid", row.pid()},
                             {"program", row.name},
                             {"state", name_of(row.member->state.fate)},
                             {"resident", row.resident},
                             {"objects", row.objects},
                             {"kept", row.kept},
                             {"other", row.other},
                             {"allocations", record.stats ? record.stats->allocations : 0},
                             {"allocations_per_second", row.rate},
                             {"age_seconds", static_cast<double>(row.age_ns) / 1e9},
                             {"silent_seconds", static_cast<double>(row.member->state.silent_ns) / 1e9},
                             {"record", reader::printable(row.member->path)}});
    }
    nlohmann::ordered_json all = {{"processes", processes}, {"unreadable", unreadable}};
    return all.dump(2) + "\n";
}

}  // namespace tarn::cli
