// SPDX-License-Identifier: MIT
#include "cli/top/view.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>

#include "reader/fate.h"
#include "reader/live/request.h"
#include "reader/text.h"

namespace tarn::cli {
namespace {

constexpr const char* kListKeys =
    "arrows: select, sort  Enter: one process  t: trim  s: snapshot  ?: help  q: quit";
constexpr const char* kOneKeys = "Esc: back  up, down: others  t: trim  s: snapshot  ?: help  q: quit";

constexpr std::array kHelp = {
    "resident    memory of the process that is resident: the next three together",
    "objects     what the program has allocated and not freed",
    "kept        free memory that tarn keeps for the next requests",
    "other       not malloc's: code, stacks, mappings of the program's own",
    "allocs/s    mean of the last five seconds",
    "silent      there, and wrote nothing for ten seconds: idle, or it hangs",
    "killed      gone without a word: a signal, a crash, the kernel out of memory",
    "",
    "up, down, PgUp, PgDn   select a process; its curve is below the list",
    "left, right, r         sort by another column; the other way round",
    "P N S R O K M A G      sort by pid, name, state, resident, objects, kept, other,",
    "                       allocations, age",
    "Enter, Esc             one process, with who holds its memory; back",
    "t, s                   ask it to give free memory back; for a snapshot. One that is",
    "                       idle writes nothing and obeys later: its numbers are old",
    "?, q                   this; end",
};

}  // namespace

void View::update(const reader::Crowd& crowd) {
    members_ = &crowd.members();
    rows_ = sorted_rows(*members_, reader::now_ns(), order_);
    if (crowd.unreadable() != 0 && message_.empty())
        message_ = fmt::format("{} files are no records that can be read", crowd.unreadable());
    auto found = std::find_if(rows_.begin(), rows_.end(),
                              [&](const Row& row) { return row.member->input.get() == selected_; });
    select(found == rows_.end() ? selected_row_ : static_cast<size_t>(found - rows_.begin()));
    see_whether_obeyed();
    const Row* row = selected();
    if (mode_ == Mode::kOne && row) read_holders(*row);
}

const Row* View::selected() const {
    return rows_.empty() ? nullptr : &rows_[selected_row_];
}

std::string View::closer() const {
    const Row* row = selected();
    return row ? row->member->path : "";
}

void View::select(size_t number) {
    selected_row_ = rows_.empty() ? 0 : std::min(number, rows_.size() - 1);
    // The first in order stays selected until somebody chooses: which process that is may change.
    if (selected_) selected_ = rows_.empty() ? nullptr : rows_[selected_row_].member->input.get();
}

void View::move(int rows) {
    if (rows_.empty()) return;
    auto last = static_cast<int64_t>(rows_.size()) - 1;
    int64_t wanted = std::clamp<int64_t>(static_cast<int64_t>(selected_row_) + rows, 0, last);
    selected_ = rows_[static_cast<size_t>(wanted)].member->input.get();
    select(static_cast<size_t>(wanted));
    if (mode_ == Mode::kOne) read_holders(*selected());
}

void View::obey(const Press& press) {
    bool was_help = help_;
    help_ = false;
    auto page = static_cast<int>(page_);
    switch (press.key) {
        case Key::kUp:
            return move(-1);
        case Key::kDown:
            return move(1);
        case Key::kPageUp:
            return move(-page);
        case Key::kPageDown:
            return move(page);
        case Key::kHome:
            return move(-static_cast<int>(rows_.size()));
        case Key::kEnd:
            return move(static_cast<int>(rows_.size()));
        case Key::kLeft:
            return sort_by((order_.column + kColumns.size() - 1) % kColumns.size());
        case Key::kRight:
            return sort_by((order_.column + 1) % kColumns.size());
        case Key::kEnter:
            mode_ = Mode::kOne;
            return move(0);
        case Key::kBack:
            if (!was_help && list_exists_) mode_ = Mode::kList;
            return;
        case Key::kLetter:
            if (press.letter == '?') help_ = !was_help;
            return obey_letter(press.letter);
        case Key::kNone:
            return;
    }
}

void View::obey_letter(char letter) {
    if (letter == 'q') done_ = true;
    if (letter == 't') ask(TARN_RECORD_REQUEST_TRIM, "a trim");
    if (letter == 's') ask(TARN_RECORD_REQUEST_PUBLISH, "a snapshot");
    if (letter == 'r') {
        order_.reversed = !order_.reversed;
        sort_by(order_.column);
    }
    for (size_t i = 0; i < kColumns.size(); ++i)
        if (kColumns[i].key == letter) sort_by(i);
}

void View::sort_by(size_t column) {
    if (column != order_.column) order_.reversed = false;
    order_.column = column;
    if (!members_) return;
    rows_ = sorted_rows(*members_, reader::now_ns(), order_);
    auto found = std::find_if(rows_.begin(), rows_.end(),
                              [&](const Row& row) { return row.member->input.get() == selected_; });
    select(found == rows_.end() ? 0 : static_cast<size_t>(found - rows_.begin()));
}

void View::ask(uint32_t bits, const char* what) {
    const Row* row = selected();
    if (!row) return;
    if (!row->there) {
        message_ = fmt::format("{} {} is gone, and cannot be asked", row->name, row->pid());
        return;
    }
    try {
        reader::ask(row->member->path, bits);
    } catch (const reader::Unreadable& error) {
        message_ = reader::printable(error.what());
        asked_ = nullptr;
        return;
    }
    asked_ = row->member->input.get();
    asked_for_ = fmt::format("{} {} was asked for {}", row->name, row->pid(), what);
    obeyed_before_ = row->member->record.header.requests_obeyed;
    message_ = asked_for_ + "; it obeys when it next allocates";
}

void View::see_whether_obeyed() {
    for (const Row& row : rows_)
        if (row.member->input.get() == asked_ &&
            row.member->record.header.requests_obeyed != obeyed_before_) {
            message_ = asked_for_ + ", and did so";
            asked_ = nullptr;
        }
}

// At most every five seconds, and in a fiftieth of the time.
void View::read_holders(const Row& row) {
    constexpr uint64_t kLeastNs = 5'000'000'000, kShare = 50;
    uint64_t begin = reader::now_ns();
    const reader::Input* input = row.member->input.get();
    if (holders_of_ == input && begin < holders_due_ns_) return;
    holders_.clear();
    holders_interval_ = holders_total_ = 0;
    try {
        reader::Record record = reader::read_record(*input);
        holders_interval_ = record.interval();
        reader::Profile profile = resolve(record, &symbols_);
        holders_ = reader::holders(record, profile, reader::Measure::kLive);
        holders_total_ = profile.total.live_bytes;
    } catch (const reader::Unreadable&) {
        // Its row says how it is.
    }
    holders_of_ = input;
    uint64_t end = reader::now_ns();
    holders_due_ns_ = end + std::max(kLeastNs, (end - begin) * kShare);
}

void View::draw(Screen* screen) {
    screen->clear();
    if (help_)
        draw_help(screen);
    else if (mode_ == Mode::kOne && selected())
        draw_one(screen);
    else
        draw_list(screen);
    draw_foot(screen);
    screen->show();
}

void View::draw_help(Screen* screen) {
    screen->put(0, 0, "tarn top", Style::kStrong);
    for (size_t i = 0; i < kHelp.size(); ++i)
        screen->put(static_cast<int>(i) + 2, 0, kHelp[i], Style::kPlain);
}

void View::draw_foot(Screen* screen) {
    bool has_message = !message_.empty() && !help_;
    const char* keys = help_ ? "any key: back" : mode_ == Mode::kOne ? kOneKeys : kListKeys;
    screen->put(screen->height() - 1, 0, has_message ? message_ : keys,
                has_message ? Style::kStrong : Style::kFaint);
}

}  // namespace tarn::cli
