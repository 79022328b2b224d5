// SPDX-License-Identifier: MIT
// The page of one record.
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

std::string head(const Shown& shown, const reader::Growths& growths) {
    const reader::Who& who = shown.record.who;
    Said said = fate_of(shown.record, shown.state);
    std::string command;
    for (const std::string& word : who.arguments)
        command += (command.empty() ? "" : " ") + word;
    return fmt::format(
        "<header>\n<p class=\"what\"><b>{}</b>, process {}, {}{}{}{}</p>\n<h1>{}</h1>\n{}</header>\n",
        escaped(who.program), who.pid, said.alarming ? "<strong>" : "", escaped(said.first),
        said.alarming ? "</strong>" : "", escaped(said.rest), escaped(verdict(shown, growths)),
        command.empty() ? "" : "<p class=\"command\"><code>" + escaped(cut(command, 400)) + "</code></p>\n");
}

std::string tiles(const Memory& peak, const Memory& last) {
    auto at_peak = [](uint64_t bytes) { return bytes_word(bytes) + " at the peak"; };
    return "<dl class=\"tiles\">\n" +
           tile("", "resident", bytes_word(last.resident), at_peak(peak.resident)) +
           tile("objects", "objects", bytes_word(last.objects), at_peak(peak.objects)) +
           tile("kept", "kept by tarn", bytes_word(last.kept), at_peak(peak.kept)) +
           tile("other", "not malloc’s", bytes_word(last.other), at_peak(peak.other)) + "</dl>\n";
}

std::string memory(const Shown& shown) {
    std::optional<Memory> peak = memory_at_peak(shown.record), last = memory_at_last(shown.record);
    if (!peak || !last) return "<p>Nothing was written down so far.</p>\n";
    std::string text = tiles(*peak, *last);
    text += fmt::format("<p class=\"note\">Figures {}; the peak was {}.", escaped(seen_at(shown, *last)),
                        escaped(after_start(shown.record, peak->time_ns)));
    if (shown.record.stats && shown.record.stats->peak_resident > peak->resident + peak->resident / 20)
        text += fmt::format(" The kernel saw {} for a moment between two looks.",
                            bytes_word(shown.record.stats->peak_resident));
    if (last->untouched)
        text += fmt::format(" {} of the objects were never touched, and are not resident.",
                            bytes_word(last->untouched));
    text += "</p>\n";
    if (shown.record.stats && shown.record.stats->peak_live_bytes != 0)
        text += "<p class=\"note\">Live at most: " + live_at_most(*shown.record.stats) + ".</p>\n";
    return text + chart(shown);
}

std::string by_samples(const Shown& shown) {
    uint64_t interval = shown.record.interval();
    return fmt::format("<p>{} live {}, by samples{}.</p>\n", bytes_word(shown.profile.total.live_bytes),
                       escaped(moment(shown.state)), interval ? ", one in " + bytes_word(interval) : "");
}

// The sections before the flame graph, which takes what room there is, and behind it.
std::string before_flame(const Shown& shown, const reader::Growths& growths) {
    Sources sources(shown);
    std::string body =
        head(shown, growths) + "<main>\n" + section("memory", "Memory over time", memory(shown));
    std::string table = holders_table(shown, &sources);
    if (table.empty())
        return body +
               section("holders", "Who holds it",
                       "<p>Not known: nothing was sampled. <code>TARN_PROFILE=512k</code> beside TARN_RECORD "
                       "says who allocates.</p>\n");
    return body + section("growth", "What grows", growth_table(shown, growths, &sources)) +
           section("holders", "Who holds it", by_samples(shown) + table);
}

std::string behind_flame(const Shown& shown) {
    const reader::Record& record = shown.record;
    std::string body;
    if (record.stats) body += section("classes", "Size classes", classes_table(*record.stats));
    body += section("events", "Events", events_table(shown)) +
            section("process", "Process, options, machine", process_table(shown)) +
            section("notes", "Not in this report", notes_list(shown));
    return body + fmt::format(
                      "</main>\n<footer>tarn report, of a record by tarn {}. Figures of who holds what are "
                      "estimates from samples.</footer>\n",
                      escaped(record.who.tarn_version));
}

}  // namespace

std::string show_html(const Shown& shown) {
    reader::Growths growths = reader::growths(shown.record, shown.profile);
    std::string body = before_flame(shown, growths), rest = behind_flame(shown), graph;
    size_t room = std::clamp(room_left(body.size() + rest.size()), kFlameLeast, kFlameMost);
    if (!shown.record.stacks.empty())
        graph = flame_view(flame(shown.record, shown.profile), FlameOf::kProfile, room);
    const reader::Who& who = shown.record.who;
    return document(fmt::format("{} {}: memory", reader::printable(who.program), who.pid),
                    body + section("flame", "Who called for it", graph) + rest);
}

}  // namespace tarn::cli
