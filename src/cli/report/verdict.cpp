// SPDX-License-Identifier: MIT
#include "cli/report/verdict.h"

#include <fmt/format.h>

#include <algorithm>

#include "cli/report/said.h"
#include "reader/text.h"

namespace tarn::cli {
namespace {

using reader::Trend;

constexpr uint64_t kShortestNs = 10'000'000'000;

std::string file_word(const reader::Place& place) {
    std::string name = place.file.substr(place.file.rfind('/') + 1);
    std::string line = place.line ? std::to_string(place.line) : "";
    if (name.empty()) return line.empty() ? "" : "line " + line;
    return line.empty() ? name : name + ":" + line;
}

// The last event that ended what the process was doing, if any.
const reader::Event* last_alarm(const reader::Record& record) {
    for (auto event = record.events.rbegin(); event != record.events.rend(); ++event)
        if (is_alarming(*event)) return &*event;
    return nullptr;
}

std::string of_alarm(const Shown& shown, const reader::Event& event) {
    if (event.kind == TARN_RECORD_EVENT_MISUSE)
        return fmt::format("It misused the heap: {}.", reader::printable(event.text));
    std::string place;
    if (event.stack)
        place =
            " by " + place_word(holder_of(shown.record, shown.profile, shown.profile.traces[*event.stack]));
    return fmt::format("It ran out of memory {}, when {} were asked for{}.",
                       after_start(shown.record, event.time_ns), bytes_word(event.a), place);
}

std::string of_parts(const Shown& shown, const Memory& memory) {
    std::string resident = bytes_word(memory.resident);
    if (memory.other > memory.resident / 2)
        return fmt::format(
            "Most of the {} resident are not malloc's: {} are code, stacks and what the program maps itself.",
            resident, bytes_word(memory.other));
    if (memory.kept > memory.resident / 2)
        return fmt::format("Most of the {} resident are free: tarn keeps {} for the next requests.", resident,
                           bytes_word(memory.kept));
    std::string objects = fmt::format(
        "{} of the {} resident at its peak are objects",
        share_word(memory.objects - std::min(memory.objects, memory.untouched), memory.resident), resident);
    uint64_t total = shown.profile.total.peak_bytes;
    std::vector<reader::Holder> found = holders(shown.record, shown.profile, reader::Measure::kPeak);
    if (found.empty() || total == 0) return objects + ".";
    return fmt::format("{}; {} holds most of them, {}.", objects, place_word(found[0].place),
                       share_word(found[0].values.peak_bytes, total));
}

}  // namespace

std::string place_word(const reader::Place& place) {
    std::string file = file_word(place), name = cut(short_name(place.function), 120);
    return file.empty() ? name : name + " (" + file + ")";
}

std::string rate_word(double bytes_per_second) {
    constexpr double kMiB = 1 << 20;
    auto word = [](double bytes) { return bytes_word(static_cast<uint64_t>(std::min(bytes, 1e18))); };
    if (bytes_per_second >= kMiB / 2) return word(bytes_per_second) + " a second";
    if (bytes_per_second * 60 >= kMiB / 2) return word(bytes_per_second * 60) + " a minute";
    return word(bytes_per_second * 3600) + " an hour";
}

std::string signed_bytes(const reader::Change& change) {
    uint64_t bytes = change.live_bytes();
    return bytes == 0 ? "0 B" : (change.grew() ? "+" : "-") + bytes_word(bytes);
}

std::string why_it_grows(const reader::Growth& growth) {
    const reader::Values& values = growth.holder.values;
    std::string kept =
        share_word(std::min(values.live_bytes, values.allocated_bytes), values.allocated_bytes);
    return fmt::format(
        "What is live was made all through the last {}: the oldest is {} old, half of it older than {}, and "
        "{} came in "
        "the last {}. {} of all that was ever allocated here is live still; that grows by {}.",
        time_word(growth.seen_ns), time_word(growth.oldest_ns), time_word(growth.half_ns),
        bytes_word(growth.recent_bytes), time_word(growth.seen_ns / 4), kept.empty() ? "Most" : kept,
        rate_word(growth.bytes_per_second));
}

std::string growth_unknown(const Shown& shown, const reader::Growths& growths) {
    if (shown.record.stacks.empty()) return "Not known: nothing was sampled.";
    uint64_t sampled = growths.end_ns - growths.begin_ns;
    if (sampled < kShortestNs)
        return fmt::format("Not known: {} are too short a time; in the first {}, everything grows.",
                           time_word(sampled), time_word(kShortestNs));
    bool known = std::any_of(growths.holders.begin(), growths.holders.end(),
                             [](const reader::Growth& one) { return one.trend != Trend::kUnknown; });
    return known
               ? ""
               : "Not known: too few of the live objects were sampled; a smaller TARN_PROFILE samples more.";
}

std::string verdict(const Shown& shown, const reader::Growths& growths) {
    if (const reader::Event* event = last_alarm(shown.record)) return of_alarm(shown, *event);
    if (!growths.holders.empty() && growths.holders[0].trend == Trend::kGrows) {
        const reader::Growth& first = growths.holders[0];
        return fmt::format("{} keeps growing, by {}, and holds {} of the {} that are live.",
                           place_word(first.holder.place), rate_word(first.bytes_per_second),
                           bytes_word(first.holder.values.live_bytes),
                           bytes_word(shown.profile.total.live_bytes));
    }
    std::optional<Memory> memory = memory_at_peak(shown.record);
    return memory ? of_parts(shown, *memory) : "Nothing is known of its memory: it wrote nothing down.";
}

std::string verdict(const Compared& compared) {
    uint64_t before = compared.before.profile.total.live_bytes,
             after = compared.after.profile.total.live_bytes;
    if (compared.changes.empty()) return "Nothing was live in either record, as far as samples tell.";
    std::string all = after == before
                          ? fmt::format("As much is live as before, {}", bytes_word(after))
                          : fmt::format("{} {} live than before, {}",
                                        bytes_word(after > before ? after - before : before - after),
                                        after > before ? "more are" : "fewer are", bytes_word(after));
    const reader::Change& most = after >= before ? compared.changes.front() : compared.changes.back();
    if (most.by_chance) return all + "; no holder changed by more than chance may.";
    return fmt::format("{}; {} {} most, by {}.", all, place_word(most.place), most.grew() ? "grew" : "shrank",
                       bytes_word(most.live_bytes()));
}

}  // namespace tarn::cli
