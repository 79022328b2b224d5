// SPDX-License-Identifier: MIT
// What `tarn top` shows, and what keys do: the list, one process, help.
#pragma once
#include <cstdint>
#include <string>
#include <vector>

#include "cli/top/screen.h"
#include "cli/top/table.h"
#include "reader/holders.h"

namespace tarn::cli {

class View {
  public:
    enum class Mode { kList, kOne };
    explicit View(Mode mode) : mode_(mode) {}

    // After each look. Rows point into the crowd's members.
    void update(const reader::Crowd& crowd);
    void draw(Screen* screen);
    void obey(const Press& press);
    bool is_done() const { return done_; }
    // The record whose curve is shown.
    std::string closer() const;

  private:
    const Row* selected() const;
    void select(size_t number);
    void move(int rows);
    void obey_letter(char letter);
    void sort_by(size_t column);
    void ask(uint32_t bits, const char* what);
    void see_whether_obeyed();
    void read_holders(const Row& row);

    void draw_list(Screen* screen);
    void draw_rows(Screen* screen, int first_line, int lines);
    void draw_one(Screen* screen);
    void draw_curve(Screen* screen, const Row& row, int first_line, int lines);
    void draw_holders(Screen* screen, int first_line, int lines);
    void draw_help(Screen* screen);
    void draw_foot(Screen* screen);

    Mode mode_;
    bool list_exists_ = mode_ == Mode::kList;
    bool help_ = false, done_ = false;
    Order order_;
    const std::vector<reader::Member>* members_ = nullptr;
    std::vector<Row> rows_;
    const reader::Input* selected_ = nullptr;  // what tells a member from others
    size_t selected_row_ = 0, first_row_ = 0, page_ = 1;

    // What was asked for last, and of whom.
    std::string message_;
    const reader::Input* asked_ = nullptr;
    std::string asked_path_, asked_for_;
    uint64_t obeyed_before_ = 0;

    // Of one process; read seldom, since all of its record must be.
    reader::Symbols symbols_;
    std::vector<reader::Holder> holders_;
    uint64_t holders_interval_ = 0, holders_total_ = 0, holders_due_ns_ = 0;
    const reader::Input* holders_of_ = nullptr;
};

}  // namespace tarn::cli
