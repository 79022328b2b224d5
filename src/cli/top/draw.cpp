// SPDX-License-Identifier: MIT
// The list and the one process of `tarn top`, drawn.
#include <fmt/format.h>
#include <langinfo.h>

#include <algorithm>
#include <string_view>

#include "cli/common/curve.h"
#include "cli/common/words.h"
#include "cli/top/view.h"
#include "reader/fate.h"
#include "reader/text.h"

namespace tarn::cli {
namespace {

constexpr uint64_t kCurveNs = 300'000'000'000;
constexpr int kCurveLines = 7, kHeightForCurve = 18, kAxis = 9;

std::string equation(const Row& row) {
    return fmt::format("{} = {} objects + {} kept + {} not malloc's", size_word(row.resident),
                       size_word(row.objects), size_word(row.kept), size_word(row.other));
}

struct Layer {
    Style style;
    const char* full;   // in UTF-8
    const char* plain;  // in ASCII
};
constexpr Layer kObjectsLayer = {Style::kObjects, "█", "#"};
constexpr Layer kKeptLayer = {Style::kKept, "▒", "+"};
constexpr Layer kOtherLayer = {Style::kOther, "░", "."};

// What lies at a height of `value` bytes; null: nothing.
const Layer* layer_at(const Column& column, double value) {
    auto objects = static_cast<double>(column.objects), kept = static_cast<double>(column.kept);
    if (value < objects) return &kObjectsLayer;
    if (value < objects + kept) return &kKeptLayer;
    return value < static_cast<double>(column.resident) ? &kOtherLayer : nullptr;
}

}  // namespace

void View::draw_list(Screen* screen) {
    Row total = total_of(rows_);
    auto gone = std::count_if(rows_.begin(), rows_.end(), [](const Row& row) { return !row.there; });
    std::string head = fmt::format("{} processes{}", rows_.size() - static_cast<size_t>(gone),
                                   gone ? fmt::format(", {} gone", gone) : "");
    screen->put(0, 0, head + ": " + equation(total), Style::kStrong);
    screen->put(1, 0, fmt::format("{:<80}", head_line()), Style::kReversed);
    int column = 0;
    for (size_t i = 0; i < order_.column; ++i)
        column += kColumns[i].width + 1;
    screen->put(1, column, head_of(order_.column), Style::kStrong);
    bool has_curve = screen->height() >= kHeightForCurve && !rows_.empty();
    int end = screen->height() - 1 - (has_curve ? kCurveLines + 1 : 0);
    draw_rows(screen, 2, end - 2);
    if (has_curve) draw_curve(screen, *selected(), end, kCurveLines);
    if (rows_.empty())
        screen->put(3, 2, "nothing records: TARN_RECORD=1 beside LD_PRELOAD=libtarn.so does", Style::kPlain);
}

void View::draw_rows(Screen* screen, int first_line, int lines) {
    page_ = static_cast<size_t>(std::max(lines, 1));
    first_row_ = std::min(first_row_, selected_row_);
    if (selected_row_ >= first_row_ + page_) first_row_ = selected_row_ - page_ + 1;
    if (first_row_ + page_ > rows_.size()) first_row_ = rows_.size() > page_ ? rows_.size() - page_ : 0;
    for (size_t i = 0; i < page_ && first_row_ + i < rows_.size(); ++i) {
        const Row& row = rows_[first_row_ + i];
        bool killed = row.member->state.fate == reader::Fate::kKilled;
        Style style = first_row_ + i == selected_row_ ? Style::kReversed
                      : killed                        ? Style::kAlarming
                      : row.there                     ? Style::kPlain
                                                      : Style::kFaint;
        screen->put(first_line + static_cast<int>(i), 0, line_of(row), style);
    }
}

// A title, and the curve above its axis.
void View::draw_curve(Screen* screen, const Row& row, int first_line, int lines) {
    const reader::Record& record = row.member->record;
    bool unicode = std::string_view(nl_langinfo(CODESET)) == "UTF-8";
    uint64_t start = record.header.started_ns, end = row.there ? reader::now_ns() : record.last_ns();
    uint64_t begin = end > start + kCurveNs ? end - kCurveNs : std::min(start, end);
    int width = std::min(screen->width(), 160) - kAxis - 1;
    std::vector<Column> made;
    if (width > 0) made = columns(record.points, begin, end, static_cast<size_t>(width));
    uint64_t top = 1;
    for (const Column& column : made)
        top = std::max({top, column.objects, column.resident});
    screen->put(first_line, 0, fmt::format("{} {}, the last {}", row.name, row.pid(), time_word(end - begin)),
                Style::kStrong);
    int column = 34;
    for (const auto& [layer, name] :
         {std::pair{&kObjectsLayer, " objects"}, std::pair{&kKeptLayer, " kept by tarn"},
          std::pair{&kOtherLayer, " not malloc's"}}) {
        screen->put(first_line, column, unicode ? layer->full : layer->plain, layer->style);
        screen->put(first_line, column + 1, name, Style::kPlain);
        column += static_cast<int>(std::string_view(name).size()) + 3;
    }
    for (int line = 0; line < lines; ++line) {
        int place = first_line + 1 + line;
        std::string edge = line == 0 ? size_word(top) : line == lines - 1 ? "0" : "";
        screen->put(place, 0, fmt::format("{:>{}}{}", edge, kAxis - 1, unicode ? "│" : "|"), Style::kFaint);
        double height = (lines - line - 0.5) / lines * static_cast<double>(top);
        for (size_t i = 0; i < made.size(); ++i)
            if (const Layer* layer = layer_at(made[i], height))
                screen->put(place, kAxis + static_cast<int>(i), unicode ? layer->full : layer->plain,
                            layer->style);
    }
}

void View::draw_one(Screen* screen) {
    const Row& row = *selected();
    const reader::Record& record = row.member->record;
    const reader::State& state = row.member->state;
    screen->put(0, 0, fmt::format("{}, process {}, ", row.name, row.pid()), Style::kStrong);
    std::string fate = name_of(state.fate);
    if (state.fate == reader::Fate::kSilent) fate += " for " + time_word(state.silent_ns);
    if (!state.waiting.empty()) fate += ": " + state.waiting;
    fate += ", " + time_word(row.age_ns) + (row.there ? " old" : " long");
    auto begin = static_cast<int>(row.name.size() + std::to_string(row.pid()).size() + 12);
    screen->put(0, begin, fate,
                state.fate == reader::Fate::kKilled || state.fate == reader::Fate::kSilent ? Style::kAlarming
                                                                                           : Style::kPlain);
    std::string command;
    for (const std::string& word : record.who.arguments)
        command += (command.empty() ? "" : " ") + reader::printable(word);
    screen->put(1, 0, command, Style::kFaint);
    screen->put(2, 0, equation(row), Style::kStrong);
    if (record.stats)
        screen->put(
            3, 0,
            fmt::format("{} allocations, {} live; {} thread{}; at most {} resident, {} live",
                        number_word(record.stats->allocations), number_word(record.stats->live_objects),
                        record.stats->threads, record.stats->threads == 1 ? "" : "s",
                        size_word(record.stats->peak_resident), size_word(record.stats->peak_live_bytes)),
            Style::kPlain);
    int lines = std::clamp((screen->height() - 8) / 2, 2, 12);
    draw_curve(screen, row, 5, lines);
    draw_holders(screen, 7 + lines, screen->height() - 8 - lines);
}

void View::draw_holders(Screen* screen, int first_line, int lines) {
    if (lines < 2) return;
    if (holders_interval_ == 0) {
        screen->put(first_line, 0, "Who holds it is not known: TARN_PROFILE=512k beside TARN_RECORD samples",
                    Style::kFaint);
        return;
    }
    screen->put(first_line, 0,
                fmt::format("Who holds it: {} by samples, one in {}", size_word(holders_total_),
                            size_word(holders_interval_)),
                Style::kStrong);
    for (int i = 0; i + 1 < lines && static_cast<size_t>(i) < holders_.size(); ++i) {
        const reader::Holder& holder = holders_[static_cast<size_t>(i)];
        const reader::Place& place = holder.place;
        std::string file = place.file.substr(place.file.rfind('/') + 1);
        std::string where = file.empty() ? "" : fmt::format("  {}:{}", file, place.line);
        screen->put(first_line + 1 + i, 0,
                    fmt::format("{:>8} {:>5}  {}{}", size_word(holder.values.live_bytes),
                                share_word(holder.values.live_bytes, holders_total_),
                                short_name(place.function), where),
                    Style::kPlain);
    }
}

}  // namespace tarn::cli
