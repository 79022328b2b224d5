// SPDX-License-Identifier: MIT
#include "cli/report/html/tables.h"

#include <fmt/format.h>
#include <time.h>

#include <algorithm>
#include <iterator>
#include <numeric>

#include "cli/report/html/chart.h"
#include "cli/report/html/markup.h"
#include "cli/report/said.h"
#include "cli/report/verdict.h"

namespace tarn::cli {
namespace {

// Rows of each table, and characters of what stands in one of its cells.
constexpr size_t kHoldersMost = 200, kGrowthMost = 15, kEventsMost = 200, kNotesMost = 60;
constexpr size_t kFunctionMost = 200, kFileMost = 300, kTextMost = 2000;
// Bytes, for names that are made to be long.
constexpr size_t kHoldersBytes = 200 << 10, kGrowthBytes = 48 << 10, kEventsBytes = 64 << 10,
                 kNotesBytes = 32 << 10;

std::string table(const char* id, const std::string& kind, const std::string& head, const std::string& rows) {
    return fmt::format(
        "<div class=\"wide\"><table id=\"{}\" "
        "class=\"{}\">\n<thead><tr>{}</tr></thead>\n<tbody>\n{}</tbody></table></div>\n",
        id, kind, head, rows);
}

std::string bytes_cell(const char* label, uint64_t bytes) {
    return number_cell(label, bytes, bytes == 0 ? "0" : bytes_word(bytes));
}

std::string bar(uint64_t part, uint64_t whole) {
    auto share = whole ? 100 * static_cast<double>(part) / static_cast<double>(whole) : 0;
    return fmt::format(
        "<svg class=\"bar\" width=\"100%\" height=\"6\" aria-hidden=\"true\"><rect width=\"100%\" "
        "height=\"6\"/><rect class=\"b\" width=\"{:.1f}%\" height=\"6\"/></svg>",
        std::min(share, 100.0));
}

const char* word_of(reader::Trend trend) {
    switch (trend) {
        case reader::Trend::kGrows:
            return "grows";
        case reader::Trend::kKept:
            return "made early, kept";
        case reader::Trend::kPassing:
            return "young: comes and goes";
        case reader::Trend::kMixed:
            return "of several ages";
        case reader::Trend::kUnknown:
            break;
    }
    return "too few samples";
}

std::string age_bars(const reader::Growth& growth) {
    return bars(growth.born.data(), growth.born.size(),
                "live bytes by when they were made, the oldest at the left");
}

// Of the program's text, as it was written.
std::string source_line(const std::string& line) {
    return line.empty() ? "" : "<code class=\"source\">" + escaped(line) + "</code>";
}

std::string growth_row(const reader::Growth& growth, Sources* sources) {
    return "<tr>" + place_cells(growth.holder.place, {}, sources->line(growth.holder.place)) +
           fmt::format("<td data-l=\"made\">{}</td><td data-l=\"trend\">{}</td>", age_bars(growth),
                       word_of(growth.trend)) +
           bytes_cell("live", growth.holder.values.live_bytes) +
           number_cell("oldest", growth.oldest_ns, time_word(growth.oldest_ns)) +
           number_cell("half older than", growth.half_ns, time_word(growth.half_ns)) + "</tr>\n";
}

std::string candidate(const reader::Growth& growth, Sources* sources) {
    const reader::Place& place = growth.holder.place;
    std::string where = escaped(cut(place.file, kFileMost)), by;
    if (place.line && !place.file.empty()) where += ":" + std::to_string(place.line);
    for (const reader::Place& caller : growth.holder.callers)
        by +=
            (by.empty() ? "called by " : " &lt; ") + escaped(cut(short_name(caller.function), kFunctionMost));
    if (!where.empty() && !by.empty()) where += " · ";
    return fmt::format(
        "<li><div class=\"rate\">+{}</div>{}<div><h3><code>{}</code></h3><p "
        "class=\"where\">{}{}{}</p><p>{}</p></div></li>\n",
        escaped(rate_word(growth.bytes_per_second)), age_bars(growth),
        escaped(cut(short_name(place.function), kFunctionMost)), where, by, source_line(sources->line(place)),
        escaped(why_it_grows(growth)));
}

std::string holder_row(const reader::Holder& holder, uint64_t total, Sources* sources) {
    const reader::Values& values = holder.values;
    std::string share = share_word(values.live_bytes, total);
    return "<tr>" + place_cells(holder.place, holder.callers, sources->line(holder.place)) +
           bytes_cell("live", values.live_bytes) + bytes_cell("at the peak", values.peak_bytes) +
           bytes_cell("allocated", values.allocated_bytes) +
           number_cell("objects", values.live_objects, number_word(values.live_objects)) +
           fmt::format("<td class=\"n s\" data-l=\"share\" data-v=\"{}\">{}{}</td></tr>\n", values.live_bytes,
                       share.empty() ? "0 %" : escaped(share), bar(values.live_bytes, total));
}

std::string utc(uint64_t realtime_ns) {
    auto seconds = static_cast<time_t>(realtime_ns / 1'000'000'000);
    tm parts;
    char text[64];
    if (!gmtime_r(&seconds, &parts) || strftime(text, sizeof text, "%Y-%m-%d %H:%M:%S UTC", &parts) == 0)
        return "";
    return text;
}

std::string fact(const char* name, const std::string& value) {
    return value.empty() ? "" : fmt::format("<dt>{}</dt><dd>{}</dd>\n", name, escaped(cut(value, kTextMost)));
}

}  // namespace

std::string place_cells(const reader::Place& place, const std::vector<reader::Place>& callers,
                        const std::string& source) {
    std::string by, where = cut(place.file, kFileMost);
    for (const reader::Place& caller : callers)
        by += (by.empty() ? "called by " : " < ") + cut(short_name(caller.function), kFunctionMost);
    if (place.line) where += (where.empty() ? "line " : ":") + std::to_string(place.line);
    std::string function = cut(short_name(place.function), kFunctionMost);
    return fmt::format(
        "<td class=\"f\"><code title=\"{0}\">{0}</code>{1}{2}</td><td class=\"w\" title=\"{3}\">{4}</td>",
        escaped(function), source_line(source), by.empty() ? "" : "<small>" + escaped(by) + "</small>",
        escaped(where), escaped(place.file.empty() ? where : where.substr(where.rfind('/') + 1)));
}

std::string holders_table(const Shown& shown, Sources* sources) {
    std::vector<reader::Holder> found = all_holders(shown.record, shown.profile);
    const reader::Values& total = shown.profile.total;
    Bounded rows(kHoldersBytes);
    reader::Values rest;
    size_t shown_rows = 0;
    for (const reader::Holder& holder : found) {
        bool fits = shown_rows < kHoldersMost && rows.add(holder_row(holder, total.live_bytes, sources));
        shown_rows += fits;
        if (!fits) add(&rest, holder.values);
    }
    if (found.empty()) return "";
    std::string text =
        table("holders-table", "sortable places",
              "<th>function</th><th>file:line</th><th class=\"n\" aria-sort=\"descending\">live</th><th "
              "class=\"n\">at the "
              "peak</th><th class=\"n\">allocated</th><th class=\"n\">objects</th><th class=\"n\">share</th>",
              rows.text());
    if (found.size() > shown_rows)
        text += fmt::format(
            "<p class=\"note\">{} smaller ones are left out: {} live, {} at the peak, {} allocated.</p>\n",
            number_word(found.size() - shown_rows), bytes_word(rest.live_bytes), bytes_word(rest.peak_bytes),
            bytes_word(rest.allocated_bytes));
    return text;
}

std::string growth_table(const Shown& shown, const reader::Growths& growths, Sources* sources) {
    std::string unknown = growth_unknown(shown, growths);
    if (!unknown.empty()) return fmt::format("<p>{}</p>\n", escaped(unknown));
    Bounded candidates(kGrowthBytes), rows(kGrowthBytes);
    size_t shown_rows = 0, more = 0;
    for (const reader::Growth& growth : growths.holders) {
        bool grows = growth.trend == reader::Trend::kGrows, fits = shown_rows < kGrowthMost;
        if (fits)
            fits = grows ? candidates.add(candidate(growth, sources)) : rows.add(growth_row(growth, sources));
        shown_rows += fits;
        more += grows && !fits;
    }
    std::string text = candidates.text().empty()
                           ? "<p>Nothing does: of what is live, no holder made some all the "
                             "time without giving it back.</p>\n"
                           : "<p>Leak candidates, the fastest first. A cache that is not full "
                             "yet looks the same.</p>\n<ol class=\"candidates\">\n" +
                                 candidates.text() + "</ol>\n";
    if (more != 0) text += fmt::format("<p class=\"note\">{} more grow.</p>\n", number_word(more));
    if (!rows.text().empty())
        text +=
            "<details><summary>Ages of what the others hold</summary>\n" +
            table("ages-table", "sortable places",
                  fmt::format("<th>function</th><th>file:line</th><th class=\"still\">made, over "
                              "{}</th><th>trend</th><th class=\"n\">live</th><th class=\"n\">oldest</th><th "
                              "class=\"n\">half older than</th>",
                              time_word(growths.end_ns - growths.begin_ns)),
                  rows.text()) +
            "</details>\n";
    return text;
}

std::string classes_table(const tarn_stats& stats) {
    std::string rows;
    uint64_t memory = 0, live = 0, most_waste = 0, worst = 0;
    auto class_of = [&](uint32_t i) -> const tarn_class_stats& { return stats.class_stats[i]; };
    std::vector<uint32_t> order(std::min<uint32_t>(stats.classes, TARN_SIZE_CLASSES_MAX));
    std::iota(order.begin(), order.end(), 0);
    std::stable_sort(order.begin(), order.end(),
                     [&](uint32_t a, uint32_t b) { return class_of(a).slab_bytes > class_of(b).slab_bytes; });
    for (uint32_t i : order) {
        const tarn_class_stats& one = class_of(i);
        if (one.allocations == 0 && one.slab_bytes == 0) continue;
        uint64_t waste = one.slab_bytes - std::min(one.slab_bytes, one.live_bytes);
        auto used = one.slab_bytes
                        ? 1000 * static_cast<double>(one.live_bytes) / static_cast<double>(one.slab_bytes)
                        : 0;
        auto reused = one.allocations
                          ? 1000 * static_cast<double>(one.reused) / static_cast<double>(one.allocations)
                          : 0;
        if (waste > most_waste) {
            most_waste = waste;
            worst = one.object_size;
        }
        memory += one.slab_bytes;
        live += one.live_bytes;
        rows += "<tr>" + number_cell("up to", one.object_size, number_word(one.object_size) + " B") +
                number_cell("live objects", one.live_objects, number_word(one.live_objects)) +
                bytes_cell("live", one.live_bytes) + bytes_cell("in slabs", one.slab_bytes) +
                bytes_cell("waste", waste) +
                fmt::format("<td class=\"n s\" data-l=\"used\" data-v=\"{}\">{}{}</td>", used,
                            one.slab_bytes ? escaped(share_word(one.live_bytes, one.slab_bytes)) : "",
                            bar(one.live_bytes, one.slab_bytes)) +
                number_cell("allocations", one.allocations, number_word(one.allocations)) +
                number_cell("reused", static_cast<uint64_t>(reused),
                            escaped(share_word(one.reused, one.allocations))) +
                "</tr>\n";
    }
    if (rows.empty()) return "";
    std::string text = fmt::format(
        "<p>{} of small objects lie in {} of slabs. Waste is what slabs have beside live objects: free ones, "
        "which the next "
        "requests get, and ends too small for one.{} Large blocks, of more than 32 KiB: {} in {}.</p>\n",
        bytes_word(live), bytes_word(memory),
        most_waste ? fmt::format(" The most is in the class of up to {} bytes: {}.", number_word(worst),
                                 bytes_word(most_waste))
                   : "",
        bytes_word(stats.large_live_bytes), number_word(stats.large_live_objects));
    return text + "<details><summary>Each size class</summary>\n" +
           table("classes-table", "sortable",
                 "<th class=\"n\">up to</th><th class=\"n\">live objects</th><th class=\"n\">live</th><th "
                 "class=\"n\" aria-sort=\"descending\">in slabs</th><th "
                 "class=\"n\">waste</th><th class=\"n\">used</th><th class=\"n\">allocations</th><th "
                 "class=\"n\">reused</th>",
                 rows) +
           "</details>\n";
}

std::string events_table(const Shown& shown) {
    const std::vector<reader::Event>& events = shown.record.events;
    size_t first = events.size() > kEventsMost ? events.size() - kEventsMost : 0;
    Bounded rows(kEventsBytes);
    for (size_t i = first; i < events.size(); ++i) {
        const reader::Event& event = events[i];
        uint64_t start = shown.record.header.started_ns;
        std::string place;
        if (event.stack)
            place = ", in " +
                    place_word(holder_of(shown.record, shown.profile, shown.profile.traces[*event.stack]));
        rows.add(fmt::format("<tr{}><td class=\"n\">{}</td><td>{}{}</td></tr>\n",
                             is_alarming(event) ? " class=\"alarm\"" : "",
                             time_word(event.time_ns > start ? event.time_ns - start : 0),
                             escaped(event_name(event.kind)), escaped(event_details(event) + place)));
    }
    if (events.empty()) return "";
    uint64_t others = first + rows.refused() + shown.record.events_lost;
    return table("events-table", "", "<th class=\"n\">after</th><th>what</th>", rows.text()) +
           (others ? fmt::format("<p class=\"note\">{} others are not shown.</p>\n", number_word(others))
                   : "");
}

std::string process_table(const Shown& shown) {
    const reader::Record& record = shown.record;
    const reader::Who& who = record.who;
    std::string command, options;
    for (const std::string& word : who.arguments)
        command += (command.empty() ? "" : " ") + word;
    for (const std::string& option : who.options)
        options += (options.empty() ? "" : ", ") + option;
    std::string text =
        fact("program", who.program) + fact("command line", command) + fact("executable", who.executable) +
        fact("directory", who.directory) +
        fact("process",
             fmt::format("{}, {} {}", who.pid, who.forked ? "forked by" : "of parent", who.parent)) +
        fact("started", utc(record.header.started_realtime_ns)) +
        fact("tarn", fmt::format("{}, backend {}", who.tarn_version, who.backend)) +
        fact("options", options.empty() ? "none given" : options) +
        fact("sampling",
             record.interval()
                 ? fmt::format("one in {}; {} stacks, {} live samples", bytes_word(record.interval()),
                               number_word(record.stacks.size()), number_word(record.samples.size()))
                 : "none");
    if (std::string words = machine_words(who.machine); !words.empty()) text += fact("machine", words);
    if (record.stats) {
        const tarn_stats& stats = *record.stats;
        text += fact(
            "requests",
            fmt::format(
                "{} allocations, {} frees, {} live; {:.1f} % of the small ones got an object freed before",
                number_word(stats.allocations), number_word(stats.frees), number_word(stats.live_objects),
                stats.pool_hit_rate * 100));
        text += fact("threads", fmt::format("{} with a heap, {} ended", number_word(stats.threads),
                                            number_word(stats.threads_ended)));
        text += fact("kept", fmt::format("{} in bins, {} in slabs, {} in free runs, {} in freed blocks",
                                         bytes_word(stats.kept_in_bins), bytes_word(stats.kept_in_slabs),
                                         bytes_word(stats.dirty), bytes_word(stats.backend_cached)));
        text +=
            fact("by the kernel", fmt::format("{} resident at its peak", bytes_word(stats.peak_resident)));
    }
    return "<dl class=\"facts\">\n" + text + "</dl>\n";
}

std::string notes_list(const Shown& shown) {
    Bounded items(kNotesBytes);
    size_t count = 0, there = 0;
    auto item = [&](const std::string& text) {
        ++count;
        there += there < kNotesMost && items.add("<li>" + escaped(cut(text, kTextMost)) + "</li>\n");
    };
    for (const std::string& note : shown.record.notes)
        item(note);
    for (const reader::Interpreter& each : shown.record.interpreters)
        if (!each.note.empty()) item(interpreter_note(each));
    for (const auto& [path, why] : shown.missing)
        item(fmt::format("names for addresses in {}: {}", path, why));
    if (count == 0) return "";
    std::string more = count > there ? fmt::format("<li>and {} more</li>\n", number_word(count - there)) : "";
    return "<ul>\n" + items.text() + more + "</ul>\n";
}

}  // namespace tarn::cli
