// SPDX-License-Identifier: MIT
#include "cli/report/shown.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>

#include "cli/common/curve.h"
#include "cli/report/said.h"
#include "cli/report/verdict.h"
#include "reader/text.h"

namespace tarn::cli {
namespace {

using reader::Measure;
using reader::printable;

constexpr size_t kEvents = 12, kCurveRows = 6, kCurveColumns = 64, kFewestPoints = 8;

class Page {
  public:
    Page(const Shown& shown, const ShowOptions& options, const Terminal& terminal)
        : shown_(shown), record_(shown.record), options_(options), terminal_(terminal) {}

    std::string written() {
        head();
        memory();
        if (record_.stacks.empty()) {
            title("Who holds it");
            line(record_.interval()
                     ? fmt::format("  nothing was sampled yet, at one in {}", bytes_word(record_.interval()))
                     : "  not known: nothing was sampled; TARN_PROFILE=512k beside TARN_RECORD says who "
                       "allocates");
        } else {
            holders(Measure::kLive, "Live " + moment());
            if (shown_.profile.total.peak_bytes > shown_.profile.total.live_bytes / 10 * 11)
                holders(Measure::kPeak, "Live at the peak, " + after_start(record_.header.peak_ns));
            growing();
        }
        curve();
        events();
        left_out();
        return text_;
    }

  private:
    void line(const std::string& text) { text_ += text + "\n"; }
    void title(const std::string& text) { text_ += "\n" + terminal_.strong(text) + "\n"; }

    bool is_there() const { return cli::is_there(shown_.state); }
    std::string moment() const { return cli::moment(shown_.state); }
    std::string after_start(uint64_t time) const { return cli::after_start(record_, time); }

    std::string fate() const {
        Said said = fate_of(record_, shown_.state);
        return said.alarming ? terminal_.alarming(said.first) + said.rest : said.first + said.rest;
    }

    void head() {
        const reader::Who& who = record_.who;
        line(terminal_.strong(fmt::format("{}, process {}", printable(who.program), who.pid)) + ", " +
             fate());
        std::string command;
        for (const std::string& word : who.arguments)
            command += (command.empty() ? "" : " ") + printable(word);
        if (!command.empty()) line("  " + terminal_.faint(cut(command, terminal_.width - 2)));
        std::string options;
        for (const std::string& option : who.options)
            options += ", " + printable(option);
        line(terminal_.faint(fmt::format("  tarn {}, backend {}{}{}", printable(who.tarn_version),
                                         printable(who.backend), options,
                                         who.forked ? fmt::format(", forked by {}", who.parent) : "")));
        if (std::string words = machine_words(who.machine); !words.empty())
            line(terminal_.faint("  " + words));
    }

    std::string equation(const Memory& memory) const {
        std::string sum =
            fmt::format("{} = {} objects + {} kept by tarn + {} not malloc's",
                        terminal_.strong(bytes_word(memory.resident)), bytes_word(memory.objects),
                        bytes_word(memory.kept), bytes_word(memory.other));
        if (memory.untouched != 0)
            sum += fmt::format(" - {} of objects that were never touched", bytes_word(memory.untouched));
        return sum;
    }

    void memory() {
        title("Resident memory");
        std::optional<Memory> peak = memory_at_peak(record_), last = memory_at_last(record_);
        if (peak) line(fmt::format("  at its peak, {}: {}", after_start(peak->time_ns), equation(*peak)));
        if (last) line(fmt::format("  {}: {}", seen_at(shown_, *last), equation(*last)));
        if (!peak && !last) line("  not known yet: nothing was written down so far");
        if (!record_.stats) return;
        const tarn_stats& stats = *record_.stats;
        uint64_t seen = peak ? peak->resident : 0;
        if (stats.peak_resident > seen + seen / 20)
            line(fmt::format("  {} for a moment between two looks, by the kernel's count",
                             bytes_word(stats.peak_resident)));
        if (stats.peak_live_bytes != 0) line("  live at most: " + live_at_most(stats));
        line(fmt::format("  {} allocations, {} live; {:.1f} % of the small ones got an object freed before",
                         number_word(stats.allocations), number_word(stats.live_objects),
                         stats.pool_hit_rate * 100));
        classes(stats);
    }

    // Those with more than a tenth of all objects' bytes, where that is much.
    void classes(const tarn_stats& stats) {
        constexpr uint64_t kFewBytes = 1 << 20;
        for (uint32_t i = 0; i < stats.classes; ++i) {
            const tarn_class_stats& one = stats.class_stats[i];
            if (one.live_bytes > stats.live_bytes / 10 && one.live_bytes >= kFewBytes)
                line(fmt::format("  {} of them in {} objects of up to {} bytes", bytes_word(one.live_bytes),
                                 number_word(one.live_objects), one.object_size));
        }
    }

    std::string place_word(const reader::Place& place) const {
        std::string name = terminal_.strong(short_name(place.function));
        if (place.file.empty()) return place.line ? fmt::format("{}  line {}", name, place.line) : name;
        return name + "  " + place.file + (place.line ? ":" + std::to_string(place.line) : "");
    }

    void holders(Measure measure, const std::string& when) {
        uint64_t total = value_of(shown_.profile.total, measure, reader::Unit::kBytes);
        uint64_t interval = record_.interval();
        title(fmt::format("{}: {} by samples{}", when, bytes_word(total),
                          interval ? fmt::format(", one in {}", bytes_word(interval)) : ""));
        std::vector<reader::Holder> found = reader::holders(record_, shown_.profile, measure);
        for (size_t i = 0; i < found.size() && i < options_.holders; ++i) {
            const reader::Holder& holder = found[i];
            uint64_t bytes = value_of(holder.values, measure, reader::Unit::kBytes);
            uint64_t objects = value_of(holder.values, measure, reader::Unit::kObjects);
            line(fmt::format("  {:>10} {:>5}  {}", bytes_word(bytes), share_word(bytes, total),
                             place_word(holder.place)));
            std::string by;
            for (const reader::Place& caller : holder.callers)
                by += (by.empty() ? "" : " < ") + short_name(caller.function);
            line(terminal_.faint(fmt::format("{:20}{} object{}{}", "", number_word(objects),
                                             objects == 1 ? "" : "s",
                                             by.empty() ? "" : cut(", called by " + by, terminal_.width))));
        }
        if (found.size() > options_.holders)
            line(terminal_.faint(fmt::format("{:20}and {} more: --holders {}", "",
                                             found.size() - options_.holders, found.size())));
        if (found.empty()) line("  nothing");
    }

    // Leak candidates, or whatever fills up all the time.
    void growing() {
        reader::Growths found = reader::growths(record_, shown_.profile);
        auto grows = [](const reader::Growth& growth) { return growth.trend == reader::Trend::kGrows; };
        auto count = static_cast<size_t>(std::count_if(found.holders.begin(), found.holders.end(), grows));
        if (count == 0) return;
        title("Growing all the time: leaks, or caches that are not full yet");
        for (size_t i = 0; i < count && i < options_.holders; ++i) {
            const reader::Growth& growth = found.holders[i];
            line(fmt::format("  {:>18}  {}", rate_word(growth.bytes_per_second),
                             place_word(growth.holder.place)));
            line(terminal_.faint(fmt::format(
                "{:20}{} live: the oldest for {}, half for more than {}, {} in the last {}", "",
                bytes_word(growth.holder.values.live_bytes), time_word(growth.oldest_ns),
                time_word(growth.half_ns), bytes_word(growth.recent_bytes), time_word(growth.seen_ns / 4))));
        }
        if (count > options_.holders)
            line(terminal_.faint(fmt::format("{:20}and {} more", "", count - options_.holders)));
    }

    void curve() {
        if (record_.points.size() < 2) return;
        uint64_t start = record_.header.started_ns;
        uint64_t end = is_there() ? record_.last_ns() + shown_.state.silent_ns : record_.last_ns();
        uint64_t wanted = options_.seconds * 1'000'000'000;
        uint64_t begin = wanted == 0 || end - start < wanted ? start : end - wanted;
        auto seen = std::count_if(record_.points.begin(), record_.points.end(),
                                  [&](const tarn_record_point& point) { return point.time_ns >= begin; });
        // Of a process that has been quiet, the last that it did.
        if (static_cast<size_t>(seen) < kFewestPoints)
            begin = std::min(begin,
                             std::prev(record_.points.end(),
                                       static_cast<ptrdiff_t>(std::min(record_.points.size(), kFewestPoints)))
                                 ->time_ns);
        std::vector<Column> made = columns(record_.points, begin, end, kCurveColumns);
        uint64_t top = 1;
        for (const Column& column : made)
            top = std::max({top, column.objects, column.resident});
        const char* key =
            terminal_.unicode ? "█ objects, ░ kept by tarn and not malloc's" : "# objects, . the rest";
        title(fmt::format("The last {}  {}", time_word(end - begin), terminal_.faint(key)));
        std::vector<std::string> drawn = rows(made, top, kCurveRows, terminal_.unicode);
        for (size_t row = 0; row < drawn.size(); ++row)
            line(fmt::format("  {:>10} {}{}", row == 0 ? bytes_word(top) : "", terminal_.unicode ? "│" : "|",
                             drawn[row]));
        std::string last = is_there() ? "now" : "end", first = "-" + time_word(end - begin);
        line(fmt::format("  {:>10} {}{}{}", "0", first,
                         std::string(kCurveColumns + 1 - first.size() - last.size(), ' '), last));
    }

    void events() {
        if (record_.events.empty()) return;
        title("Events");
        size_t first = record_.events.size() > kEvents ? record_.events.size() - kEvents : 0;
        if (first + record_.events_lost != 0)
            line(terminal_.faint(fmt::format("  {} earlier ones", number_word(first + record_.events_lost))));
        for (size_t i = first; i < record_.events.size(); ++i)
            event(record_.events[i]);
    }

    void event(const reader::Event& event) {
        std::string name = event_name(event.kind);
        if (is_alarming(event)) name = terminal_.alarming(name);
        uint64_t start = record_.header.started_ns;
        std::string words =
            fmt::format("  {:>10}  {}{}", time_word(event.time_ns > start ? event.time_ns - start : 0), name,
                        event_details(event));
        if (event.stack)
            words +=
                ", in " + place_word(holder_of(record_, shown_.profile, shown_.profile.traces[*event.stack]));
        line(words);
    }

    void left_out() {
        bool noted = std::any_of(record_.interpreters.begin(), record_.interpreters.end(),
                                 [](const reader::Interpreter& each) { return !each.note.empty(); });
        if (record_.notes.empty() && shown_.missing.empty() && !noted) return;
        title("Not in this report");
        for (const reader::Interpreter& each : record_.interpreters)
            if (!each.note.empty()) line("  " + interpreter_note(each));
        for (const std::string& note : record_.notes)
            line("  " + note);
        for (const auto& [path, why] : shown_.missing)
            line(fmt::format("  names for addresses in {}: {}", printable(path), why));
    }

    const Shown& shown_;
    const reader::Record& record_;
    const ShowOptions& options_;
    const Terminal& terminal_;
    std::string text_;
};

}  // namespace

std::string show_text(const Shown& shown, const ShowOptions& options, const Terminal& terminal) {
    return Page(shown, options, terminal).written();
}

}  // namespace tarn::cli
