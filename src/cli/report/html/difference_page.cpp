// SPDX-License-Identifier: MIT
// The page of two records.
#include <fmt/format.h>

#include <algorithm>

#include "cli/report/html/chart.h"
#include "cli/report/html/flame_view.h"
#include "cli/report/html/markup.h"
#include "cli/report/html/tables.h"
#include "cli/report/said.h"
#include "cli/report/verdict.h"
#include "reader/text.h"

namespace tarn::cli {
namespace {

constexpr size_t kRowsMost = 200, kRowsBytes = 300 << 10;

std::string side(const char* letter, const std::string& name, const Shown& shown) {
    const reader::Record& record = shown.record;
    return fmt::format("<p class=\"what\"><b>{}</b> {}: {}, process {}, {}</p>\n", letter, escaped(name),
                       escaped(record.who.program), record.who.pid, after_start(record, record.last_ns()));
}

std::string grown(uint64_t before, uint64_t after) {
    if (before == after) return "as before";
    return after > before ? bytes_word(after - before) + " more" : bytes_word(before - after) + " less";
}

std::string memory(const Compared& compared) {
    std::optional<Memory> before = memory_at_last(compared.before.record),
                          after = memory_at_last(compared.after.record);
    if (!before || !after) return "";
    auto one = [](const char* kind, const char* name, uint64_t was, uint64_t is) {
        return tile(kind, name, bytes_word(is), bytes_word(was) + " before: " + grown(was, is));
    };
    std::string text = "<dl class=\"tiles\">\n" + one("", "resident", before->resident, after->resident) +
                       one("objects", "objects", before->objects, after->objects) +
                       one("kept", "kept by tarn", before->kept, after->kept) +
                       one("other", "not malloc’s", before->other, after->other) + "</dl>\n";
    return text;
}

// In order: those that grew; those that shrank; at last those of which the samples say nothing.
std::string row(const reader::Change& change) {
    const char* kind = change.by_chance ? "chance" : change.grew() ? "grew" : "shrank";
    auto order = static_cast<double>(change.live_bytes()) * (change.grew() ? 1 : -1);
    std::string word = change.live_bytes() == 0 ? "0" : signed_bytes(change);
    return fmt::format("<tr class=\"{}\">", kind) + place_cells(change.place, change.callers) +
           fmt::format("<td class=\"n d\" data-l=\"change\" data-v=\"{:.0f}\">{}</td>", order, word) +
           number_cell("before", change.before.live_bytes, bytes_word(change.before.live_bytes)) +
           number_cell("after", change.after.live_bytes, bytes_word(change.after.live_bytes)) +
           number_cell("objects before", change.before.live_objects,
                       number_word(change.before.live_objects)) +
           number_cell("objects after", change.after.live_objects, number_word(change.after.live_objects)) +
           "</tr>\n";
}

std::string changes_table(const Compared& compared) {
    std::vector<const reader::Change*> order;
    size_t same = 0;
    for (const reader::Change& change : compared.changes) {
        same += change.live_bytes() == 0;
        if (change.live_bytes() != 0) order.push_back(&change);
    }
    std::stable_sort(order.begin(), order.end(), [](const reader::Change* a, const reader::Change* b) {
        if (a->by_chance != b->by_chance) return b->by_chance;
        return a->live_bytes() > b->live_bytes();
    });
    Bounded rows(kRowsBytes);
    size_t there = 0;
    for (size_t i = 0; i < order.size() && i < kRowsMost; ++i)
        there += rows.add(row(*order[i]));
    if (order.empty()) return "<p>Nobody: what was sampled is the same in both.</p>\n";
    std::string text =
        "<p>The largest change first. Grey ones differ by no more than chance may: two standard errors of "
        "the samples.</p>\n"
        "<div class=\"wide\"><table id=\"changes-table\" class=\"sortable "
        "places\">\n<thead><tr><th>function</th><th>file:line</th><th "
        "class=\"n\">change</th><th class=\"n\">before</th><th class=\"n\">after</th><th class=\"n\">objects "
        "before</th><th class=\"n\">objects "
        "after</th></tr></thead>\n<tbody>\n" +
        rows.text() + "</tbody></table></div>\n";
    if (order.size() > there)
        text +=
            fmt::format("<p class=\"note\">{} more are left out.</p>\n", number_word(order.size() - there));
    if (same != 0)
        text += fmt::format("<p class=\"note\">{} hold as much as before.</p>\n", number_word(same));
    return text;
}

}  // namespace

std::string show_html(const Compared& compared) {
    const Shown &before = compared.before, &after = compared.after;
    std::string body = "<header>\n" + side("A", compared.before_name, before) +
                       side("B", compared.after_name, after) +
                       fmt::format("<h1>{}</h1>\n</header>\n<main>\n", escaped(verdict(compared)));
    body += section("memory", "Resident memory", memory(compared));
    body += section("changes", "Who holds more, who less", changes_table(compared));
    std::string rest =
        section("notes", "Not in this report", notes_list(before) + notes_list(after)) +
        "</main>\n<footer>tarn report, of two records. Figures of who holds what are estimates from "
        "samples.</footer>\n";
    size_t room = std::clamp(room_left(body.size() + rest.size()), kFlameLeast, kFlameMost);
    if (!before.record.stacks.empty() || !after.record.stacks.empty())
        body += section("flame", "Where it grew",
                        flame_view(reader::flame_of_difference({before.record, before.profile},
                                                               {after.record, after.profile}),
                                   FlameOf::kDifference, room));
    return document("Memory of " + reader::printable(after.record.who.program) + ", compared", body + rest);
}

}  // namespace tarn::cli
