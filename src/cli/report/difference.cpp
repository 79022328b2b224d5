// SPDX-License-Identifier: MIT
// Two records, for a person and for a program.
#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "cli/report/said.h"
#include "cli/report/values_json.h"
#include "cli/report/verdict.h"
#include "reader/text.h"

namespace tarn::cli {
namespace {

using nlohmann::ordered_json;
using reader::Change;

std::string signed_word(uint64_t before, uint64_t after) {
    if (before == after) return "0 B";
    return after > before ? "+" + bytes_word(after - before) : "-" + bytes_word(before - after);
}

std::string side_line(const char* letter, const std::string& name, const Shown& shown) {
    const reader::Record& record = shown.record;
    return fmt::format("{}  {}: {}, process {}, {}\n", letter, reader::printable(name),
                       reader::printable(record.who.program), record.who.pid,
                       after_start(record, record.last_ns()));
}

class DifferencePage {
  public:
    DifferencePage(const Compared& compared, const ShowOptions& options, const Terminal& terminal)
        : compared_(compared), options_(options), terminal_(terminal) {}

    std::string written() {
        text_ = terminal_.strong(verdict(compared_)) + "\n\n";
        text_ += side_line("A", compared_.before_name, compared_.before);
        text_ += side_line("B", compared_.after_name, compared_.after);
        memory();
        const std::vector<Change>& all = compared_.changes;
        std::vector<const Change*> grew, shrank;
        size_t small = 0;
        for (const Change& change : all) {
            if (change.by_chance)
                small += change.live_bytes() != 0;
            else
                (change.grew() ? grew : shrank).push_back(&change);
        }
        std::reverse(shrank.begin(), shrank.end());
        list("Grew", grew);
        list("Shrank", shrank);
        if (small != 0)
            text_ += fmt::format(
                "\n{} other{} changed by no more than chance may: two standard errors of the samples\n",
                small, small == 1 ? "" : "s");
        return text_;
    }

  private:
    void row(const char* name, uint64_t before, uint64_t after) {
        text_ += fmt::format("  {:<22}{:>12}{:>12}{:>13}\n", name, bytes_word(before), bytes_word(after),
                             signed_word(before, after));
    }

    void memory() {
        std::optional<Memory> before = memory_at_last(compared_.before.record),
                              after = memory_at_last(compared_.after.record);
        if (!before || !after) return;
        text_ +=
            "\n" +
            terminal_.strong(fmt::format("{:<24}{:>12}{:>12}{:>13}", "Resident memory", "A", "B", "B - A")) +
            "\n";
        row("resident", before->resident, after->resident);
        row("objects", before->objects, after->objects);
        row("kept by tarn", before->kept, after->kept);
        row("not malloc's", before->other, after->other);
        std::optional<Memory> one = memory_at_peak(compared_.before.record),
                              other = memory_at_peak(compared_.after.record);
        if (one && other) row("resident at its peak", one->resident, other->resident);
        row("live by samples", compared_.before.profile.total.live_bytes,
            compared_.after.profile.total.live_bytes);
    }

    void list(const char* title, const std::vector<const Change*>& changes) {
        if (changes.empty()) return;
        text_ += "\n" + terminal_.strong(title) + "\n";
        for (size_t i = 0; i < changes.size() && i < options_.holders; ++i) {
            const Change& change = *changes[i];
            const reader::Place& place = change.place;
            std::string file = place.file.empty()
                                   ? ""
                                   : "  " + place.file + (place.line ? ":" + std::to_string(place.line) : "");
            text_ += fmt::format("  {:>11}  {}{}\n", signed_bytes(change),
                                 terminal_.strong(short_name(place.function)), file);
            text_ += terminal_.faint(fmt::format(
                         "{:15}{} before, {} after, in {} objects", "", bytes_word(change.before.live_bytes),
                         bytes_word(change.after.live_bytes), number_word(change.after.live_objects))) +
                     "\n";
        }
        if (changes.size() > options_.holders)
            text_ += terminal_.faint(fmt::format("{:15}and {} more: --holders {}", "",
                                                 changes.size() - options_.holders, changes.size())) +
                     "\n";
    }

    const Compared& compared_;
    const ShowOptions& options_;
    const Terminal& terminal_;
    std::string text_;
};

int64_t growth(const Change& change) {
    auto bytes = static_cast<int64_t>(std::min<uint64_t>(change.live_bytes(), INT64_MAX));
    return change.grew() ? bytes : -bytes;
}

ordered_json memory(const std::optional<Memory>& from) {
    if (!from) return nullptr;
    return {{"resident", from->resident},
            {"objects", from->objects},
            {"kept", from->kept},
            {"other", from->other}};
}

ordered_json side(const Shown& shown, const std::string& name) {
    const reader::Record& record = shown.record;
    return {{"record", reader::printable(name)},
            {"pid", record.who.pid},
            {"program", reader::printable(record.who.program)},
            {"state", name_of(shown.state.fate)},
            {"seconds", static_cast<double>(record.last_ns() - record.header.started_ns) / 1e9},
            {"memory", {{"peak", memory(memory_at_peak(record))}, {"last", memory(memory_at_last(record))}}},
            {"total", values_json(shown.profile.total)}};
}

}  // namespace

std::string show_text(const Compared& compared, const ShowOptions& options, const Terminal& terminal) {
    return DifferencePage(compared, options, terminal).written();
}

std::string show_json(const Compared& compared) {
    ordered_json holders = ordered_json::array();
    for (const Change& change : compared.changes)
        holders.push_back({{"function", change.place.function},
                           {"file", change.place.file},
                           {"line", change.place.line},
                           {"grew_by", growth(change)},
                           {"by_chance", change.by_chance},
                           {"before", values_json(change.before)},
                           {"after", values_json(change.after)}});
    ordered_json all = {{"verdict", verdict(compared)},
                        {"same_process", same_process(compared.before.record, compared.after.record)},
                        {"before", side(compared.before, compared.before_name)},
                        {"after", side(compared.after, compared.after_name)},
                        {"holders", holders}};
    return all.dump(2, ' ', false, ordered_json::error_handler_t::replace) + "\n";
}

}  // namespace tarn::cli
