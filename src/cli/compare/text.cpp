// SPDX-License-Identifier: MIT
#include <fmt/format.h>

#include <algorithm>

#include "cli/compare/shown.h"

namespace tarn::cli {
namespace {

using Cells = std::vector<std::string>;

std::string spread_word(const Figure& figure, What what) {
    return fmt::format("{} ±{:.1f} %", value_word(figure.median, what), 100 * figure.deviation);
}

size_t width_of(const std::string& text) {
    return static_cast<size_t>(
        std::count_if(text.begin(), text.end(), [](char byte) { return (byte & 0xc0) != 0x80; }));
}

class Table {
  public:
    void add(Cells cells) {
        widths_.resize(std::max(widths_.size(), cells.size()));
        for (size_t i = 0; i < cells.size(); ++i)
            widths_[i] = std::max(widths_[i], width_of(cells[i]));
        rows_.push_back(std::move(cells));
    }
    // The first column to the left, figures to the right.
    std::vector<std::string> lines() const {
        std::vector<std::string> found;
        for (const Cells& cells : rows_) {
            std::string line = "  ";
            for (size_t i = 0; i < cells.size(); ++i) {
                std::string space(widths_[i] - width_of(cells[i]), ' ');
                line += i == 0 ? cells[i] + space : "  " + space + cells[i];
            }
            found.push_back(line);
        }
        return found;
    }

  private:
    std::vector<Cells> rows_;
    std::vector<size_t> widths_;
};

Cells head(const Results& results) {
    Cells cells = {""};
    if (results.has_metric()) cells.insert(cells.end(), {"metric", "to glibc"});
    cells.insert(cells.end(), {results.load.empty() ? "time" : "load's time", "to glibc", "processor",
                               "peak memory", "to glibc"});
    if (results.output == Output::kSame) cells.emplace_back("same output");
    return cells;
}

Cells cells_of(const Row& row, const Results& results) {
    bool is_reference = row.name == kReference;
    Cells cells = {row.name};
    if (results.has_metric())
        cells.insert(cells.end(), {spread_word(row.metric, What::kMetric),
                                   is_reference ? "1.00" : factor_word(row.metric)});
    cells.insert(
        cells.end(),
        {spread_word(row.time, What::kTime), is_reference ? "1.00" : factor_word(row.time),
         value_word(row.processor.median, What::kProcessor), value_word(row.memory.median, What::kMemory),
         is_reference ? "1.00" : factor_word(row.memory)});
    if (results.output == Output::kSame) cells.emplace_back(is_reference ? "" : "yes");
    return cells;
}

std::string outliers_word(const Row& row, What what) {
    constexpr size_t kMost = 3;
    std::string words;
    for (size_t i = 0; i < std::min(kMost, row.outliers.size()); ++i)
        words += fmt::format("{}{} in round {}", i == 0 ? "" : ", ", value_word(row.outliers[i].value, what),
                             row.outliers[i].round);
    if (row.outliers.size() > kMost) words += fmt::format(" and {} more", row.outliers.size() - kMost);
    return words;
}

}  // namespace

std::string printable_word(const std::string& text) {
    std::string made = text;
    for (char& byte : made)
        if (static_cast<unsigned char>(byte) < 0x20 || byte == 0x7f) byte = '?';
    return made;
}

std::string title_of(const Results& results) {
    std::string words;
    for (const std::string& word : results.command)
        words += (words.empty() ? "" : " ") + printable_word(word);
    return results.load.empty() ? words : words + ", under: " + printable_word(results.load);
}

std::string comparison_text(const Results& results, const Figures& figures, const Terminal& terminal) {
    std::string text = terminal.strong(cut(title_of(results), terminal.width)) + "\n\n";
    Table table;
    table.add(head(results));
    for (const Row& row : figures.rows)
        if (row.failure.empty() && row.runs != 0) table.add(cells_of(row, results));
    std::vector<std::string> lines = table.lines();
    for (size_t i = 0; i < lines.size(); ++i)
        text += (i == 0 ? terminal.faint(lines[i]) : lines[i]) + "\n";
    for (const Row& row : figures.rows)
        if (!row.failure.empty())
            text +=
                "  " + terminal.alarming(row.name) + "  not compared: " + printable_word(row.failure) + "\n";
    text += "\n";
    for (const std::string& note : figures.notes)
        text += terminal.faint("  " + note) + "\n";
    for (const Row& row : figures.rows)
        if (!row.outliers.empty())
            text += terminal.faint(fmt::format("  outliers of {}: {}", row.name,
                                               outliers_word(row, compared(results)))) +
                    "\n";
    text += "\n" + terminal.strong(figures.verdict) + "\n";
    if (terminal.unicode) return text;
    for (size_t place; (place = text.find("±")) != std::string::npos;)
        text.replace(place, std::string("±").size(), "+-");
    return text;
}

}  // namespace tarn::cli
