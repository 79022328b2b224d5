// SPDX-License-Identifier: MIT
// The report for a person: what fills the memory, one line per subject, then a table of size classes: those that fill it,
// or all that were used. Each line starts with "tarn: ", so that it can be told from the program's own output.
#include "metrics/metric_list.h"
#include "report/escape.h"
#include "report/report.h"
#include "report/short_text.h"

namespace tarn {

namespace {

constexpr const char* kPrefix = "tarn: ";
constexpr int kPrefixWidth = 6;
constexpr int kLabelWidth = 10;
constexpr int kLineWidth = 100;

// 1,234,567. From 10^12 on in 10^12 (the other reports are exact), so that columns stay narrow.
void add_count(Text& text, uint64_t value) {
    constexpr uint64_t kTera = 1000000000000;
    if (value >= kTera) {
        text.fixed(static_cast<double>(value) / static_cast<double>(kTera), 3).add('T');
        return;
    }
    uint64_t scale = 1;
    while (value / scale >= 1000)
        scale *= 1000;
    text.decimal(value / scale);
    while ((scale /= 1000) != 0) {
        text.add(',');
        const uint64_t group = value / scale % 1000;
        if (group < 100) text.add('0');
        if (group < 10) text.add('0');
        text.decimal(group);
    }
}

// 512 B, 12.3 MiB.
void add_bytes(Text& text, uint64_t value) {
    if (value < 1024) {
        text.decimal(value).add(" B");
        return;
    }
    constexpr const char* kUnits[] = {" KiB", " MiB", " GiB", " TiB", " PiB", " EiB"};
    double scaled = static_cast<double>(value) / 1024;
    int unit = 0;
    for (; scaled >= 1023.95; ++unit)
        scaled /= 1024;  // what would be shown as 1024.0
    text.fixed(scaled, 1).add(kUnits[unit]);
}

// 97.2%. Only all is shown as 100.0, and only nothing as 0.0.
void add_share(Text& text, double share) {
    double percent = presentable(share) * 100;
    if (percent < 100 && percent > 99.9) percent = 99.9;
    if (percent > 0 && percent < 0.1) percent = 0.1;
    text.fixed(percent, 1).add('%');
}

void add_value(Text& text, const Total& metric, const tarn_stats& stats) {
    switch (metric.unit) {
        case Unit::kCount:
            return add_count(text, stats.*metric.count);
        case Unit::kBytes:
            return add_bytes(text, stats.*metric.count);
        case Unit::kShare:
            return add_share(text, stats.*metric.ratio);
        case Unit::kRatio:
            text.fixed(presentable(stats.*metric.ratio), 2);
    }
}

// A subject's line: label, then items with commas; goes on below when it would get too long.
class Line {
  public:
    explicit Line(Text& text) : text_(text) {}
    ~Line() { end(); }
    Line(const Line&) = delete;
    Line& operator=(const Line&) = delete;

    void item(const char* label, const ShortText& text) {
        if (!label_ || !equal(label, label_)) {
            end();
            text_.add(kPrefix).padded(label, kLabelWidth);
            label_ = label;
            column_ = kPrefixWidth + kLabelWidth;
        } else if (column_ + 2 + text.length() > kLineWidth) {
            text_.add(",\n").add(kPrefix).spaces(kLabelWidth);
            column_ = kPrefixWidth + kLabelWidth;
        } else {
            text_.add(", ");
            column_ += 2;
        }
        text_.add(text.c_str());
        column_ += text.length();
    }

  private:
    void end() {
        if (label_) text_.add('\n');
    }

    Text& text_;
    const char* label_ = nullptr;
    int column_ = 0;
};

// Only the options that the environment gave: the others are as documented.
void add_options(Line& line, const Report& report) {
    for (size_t i = 0; i < report.option_count; ++i) {
        const OptionValue& option = report.options[i];
        if (!option.given) continue;
        line.item("options", ShortText([&option](Text& text) {
                      add_escaped(text, option.name, Escape::kPlain).add('=');
                      add_escaped(text, option.value, Escape::kPlain);
                  }));
    }
}

// Live memory that the program never touched is not resident. Where nobody knows what is, there is no sum.
void add_memory(Line& line, const tarn_stats& stats) {
    line.item("memory", ShortText([&](Text& text) {
                  const bool known = stats.resident != 0 || stats.live_bytes == 0;
                  if (known) add_bytes(text, stats.resident), text.add(" resident = ");
                  add_bytes(text, stats.live_bytes);
                  add_bytes(text.add(" live + "), stats.kept_bytes);
                  text.add(" kept by tarn");
                  if (!known) return;
                  add_bytes(text.add(" + "), stats.other_bytes);
                  text.add(" not malloc's");
                  const uint64_t all = stats.live_bytes + stats.kept_bytes + stats.other_bytes;
                  if (all > stats.resident)
                      add_bytes(text.add(" - "), all - stats.resident), text.add(" untouched");
              }));
}

void add_totals(Line& line, const tarn_stats& stats) {
    for (const Total& metric : kTotals) {
        if (!is_shown(metric, stats)) continue;
        line.item(metric.line, ShortText([&](Text& text) {
                      if (metric.unit == Unit::kRatio) text.add(metric.words).add(' ');
                      add_value(text, metric, stats);
                      if (metric.unit != Unit::kRatio) text.add(' ').add(metric.words);
                  }));
    }
}

void add_cell(Text& text, const PerClass& column, const tarn_class_stats& row) {
    const uint64_t value = row.*column.count;
    if (column.unit == Unit::kBytes)
        add_bytes(text, value);
    else if (*column.words != '%')
        add_count(text, value);
    else if (row.allocations)
        add_share(text, static_cast<double>(value) / static_cast<double>(row.allocations));
    else
        text.add('-');
}

// The last row. Its object size means nothing.
tarn_class_stats all_classes(const tarn_stats& stats) {
    tarn_class_stats all{};
    for (uint32_t i = 0; i < stats.classes; ++i)
        for (const PerClass& metric : kPerClass)
            all.*metric.count += stats.class_stats[i].*metric.count;
    return all;
}

enum class Rows : bool { kFillMemory, kAllUsed };

struct Table {
    const tarn_stats& stats;
    const Rows rows;
    const tarn_class_stats all;
    int width[std::size(kPerClass)] = {};

    Table(const tarn_stats& of, Rows which) : stats(of), rows(which), all(all_classes(of)) {
        for (size_t c = 0; c < std::size(kPerClass); ++c) {
            if (!*kPerClass[c].line) continue;
            width[c] = ShortText([c](Text& text) { text.add(kPerClass[c].line); }).length();
            for (uint32_t i = 0; i < of.classes; ++i)
                if (has(of.class_stats[i])) widen(c, of.class_stats[i]);
            if (c && rows == Rows::kAllUsed) widen(c, all);
        }
    }
    bool has(const tarn_class_stats& row) const {
        return rows == Rows::kAllUsed ? was_used(row) : fills_memory(row, stats);
    }
    uint32_t count() const {
        uint32_t count = 0;
        for (uint32_t i = 0; i < stats.classes; ++i)
            count += has(stats.class_stats[i]);
        return count;
    }
    void widen(size_t c, const tarn_class_stats& row) {
        const ShortText cell([&](Text& text) { add_cell(text, kPerClass[c], row); });
        if (cell.length() > width[c]) width[c] = cell.length();
    }
    // `make` gives the cell of column c.
    template <class Make>
    void row(Text& text, Make make) const {
        text.add("tarn:");
        for (size_t c = 0; c < std::size(kPerClass); ++c) {
            if (!*kPerClass[c].line) continue;
            const ShortText cell([&](Text& t) { make(t, c); });
            text.spaces(width[c] - cell.length() + (c ? 2 : 1)).add(cell.c_str());
        }
        text.add('\n');
    }
};

void add_table(Text& text, const tarn_stats& stats, Rows rows) {
    const Table table(stats, rows);
    if (table.count() == 0) return;
    table.row(text, [](Text& t, size_t c) { t.add(kPerClass[c].line); });
    for (uint32_t i = 0; i < stats.classes; ++i) {
        const tarn_class_stats& row = stats.class_stats[i];
        if (table.has(row)) table.row(text, [&](Text& t, size_t c) { add_cell(t, kPerClass[c], row); });
    }
    if (rows == Rows::kFillMemory) return;
    table.row(text, [&](Text& t, size_t c) {
        if (c)
            add_cell(t, kPerClass[c], table.all);
        else
            t.add("all");
    });
}

// Where the others are.
void add_hint(Line& line, const tarn_stats& stats) {
    const uint32_t used = Table(stats, Rows::kAllUsed).count(),
                   shown = Table(stats, Rows::kFillMemory).count();
    if (used == shown) return;
    line.item("classes", ShortText([&](Text& text) {
                  text.decimal(used).add(" used; TARN_STATS=classes has a row for each");
                  if (shown) text.add(", those here fill a tenth of the memory");
              }));
}

void write(Text& text, const Report& report, Rows rows) {
    text.add(kPrefix).add("statistics of ");
    add_escaped(text, report.program, Escape::kPlain).add(", process ").signed_decimal(report.process);
    add_escaped(text.add(" (tarn "), report.version, Escape::kPlain).add(", backend ");
    add_escaped(text, report.stats.backend, Escape::kPlain).add(")\n");
    {
        Line line(text);
        add_memory(line, report.stats);
        add_totals(line, report.stats);
        add_options(line, report);
        if (rows == Rows::kFillMemory) add_hint(line, report.stats);
    }
    add_table(text, report.stats, rows);
}

}  // namespace

void write_text(Text& text, const Report& report) {
    write(text, report, Rows::kFillMemory);
}

void write_text_and_classes(Text& text, const Report& report) {
    write(text, report, Rows::kAllUsed);
}

}  // namespace tarn
