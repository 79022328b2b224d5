// SPDX-License-Identifier: MIT
#include "cli/run/ending.h"

#include <fmt/format.h>

#include <algorithm>

#include "cli/report/said.h"
#include "cli/report/shown.h"
#include "reader/text.h"

namespace tarn::cli {
namespace {

using reader::printable;

constexpr size_t kStacks = 256;  // the largest: names for all of a long profile take seconds

std::string memory_line(const reader::Record& record) {
    std::optional<Memory> peak = memory_at_peak(record);
    if (!peak) return "not known: it ended before anything was written down";
    std::string line = fmt::format(
        "{} resident at the peak = {} objects of the program + {} kept by tarn for later + {} not malloc's",
        bytes_word(peak->resident), bytes_word(peak->objects), bytes_word(peak->kept),
        bytes_word(peak->other));
    if (peak->untouched) line += fmt::format(" - {} never touched", bytes_word(peak->untouched));
    uint64_t seen = peak->resident;
    if (record.stats && record.stats->peak_resident > seen + seen / 20)
        line += fmt::format("; {} for a moment", bytes_word(record.stats->peak_resident));
    return line;
}

std::string requests_line(const reader::Record& record) {
    if (!record.stats) return "not known";
    return fmt::format("{} allocations; {:.0f} % of the small ones got memory that had been freed before",
                       number_word(record.stats->allocations), record.stats->pool_hit_rate * 100);
}

uint64_t bytes_of(const reader::Stack& stack) {
    return std::max(stack.peak.bytes, stack.live.bytes);
}

std::string place_of(const reader::Place& place) {
    std::string name = printable(short_name(place.function));
    return place.file.empty() ? name : fmt::format("{}, {}:{}", name, printable(place.file), place.line);
}

std::string holder_line(reader::Record* record, const Ending& words) {
    if (!record->interval()) return "not known; " + words.profile + " says who, by function, file and line";
    std::sort(record->stacks.begin(), record->stacks.end(),
              [](const auto& a, const auto& b) { return bytes_of(a) > bytes_of(b); });
    if (record->stacks.size() > kStacks) record->stacks.resize(kStacks);
    record->events.clear();  // with numbers of stacks, as samples have
    record->samples.clear();
    reader::Symbols symbols;
    reader::Profile profile = resolve(*record, &symbols);
    std::vector<reader::Holder> found = holders(*record, profile, reader::Measure::kPeak);
    if (found.empty()) return "none found: so little was allocated that no sample met it";
    uint64_t bytes = found[0].values.peak_bytes;
    return fmt::format("{}, {} of the most that was live: {}", bytes_word(bytes),
                       share_word(bytes, profile.total.peak_bytes), place_of(found[0].place));
}

// What the profile could not see, of an interpreter with pools of its own.
std::string hidden_lines(const reader::Record& record) {
    std::string lines;
    for (const reader::Interpreter& each : record.interpreters)
        if (!each.note.empty()) lines += "tarn: hidden    " + interpreter_note(each) + "\n";
    return lines;
}

}  // namespace

std::string ending(reader::Record* record, const Ending& words) {
    std::string memory = memory_line(*record), requests = requests_line(*record);
    std::string hidden = hidden_lines(*record);
    return fmt::format(
        "tarn: memory    {}\ntarn: requests  {}\ntarn: holder    {}\n{}tarn: record    {}: {}, {}\ntarn: "
        "next  "
        "    {}\n",
        memory, requests, holder_line(record, words), hidden, printable(words.path),
        printable(record->who.program), words.how, words.report);
}

}  // namespace tarn::cli
