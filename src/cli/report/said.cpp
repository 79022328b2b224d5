// SPDX-License-Identifier: MIT
#include "cli/report/said.h"

#include <fmt/format.h>

#include <algorithm>

#include "reader/text.h"

namespace tarn::cli {
namespace {

using reader::Fate;

Memory memory_of(uint64_t time_ns, uint64_t resident, uint64_t objects, uint64_t kept) {
    Memory memory{time_ns, resident, objects, kept, 0, 0};
    uint64_t known = objects + kept < objects ? UINT64_MAX : objects + kept;
    if (resident > known)
        memory.other = resident - known;
    else
        memory.untouched = known - resident;
    return memory;
}

Memory memory_of(const tarn_record_point& point) {
    return memory_of(point.time_ns, point.resident, point.live_small + point.live_large, point.kept);
}

}  // namespace

std::string after_start(const reader::Record& record, uint64_t time) {
    uint64_t start = record.header.started_ns;
    return time_word(time > start ? time - start : 0) + " after the start";
}

bool is_there(const reader::State& state) {
    return state.fate == Fate::kRunning || state.fate == Fate::kSilent || state.fate == Fate::kHalted;
}

std::string machine_words(const reader::Machine& machine) {
    std::string words;
    auto add = [&](bool known, const std::string& word) {
        if (known) words += (words.empty() ? "" : ", ") + word;
    };
    add(!machine.kernel.empty(), "kernel " + reader::printable(machine.kernel));
    add(machine.processors != 0,
        number_word(machine.processors) + (machine.processors == 1 ? " processor" : " processors"));
    add(machine.memory != 0, bytes_word(machine.memory) + " of memory");
    add(machine.memory_limit != 0,
        "a limit of " + bytes_word(machine.memory_limit) + " by the control group");
    add(machine.page_size != 0, "pages of " + bytes_word(machine.page_size));
    return words;
}

std::string live_at_most(const tarn_stats& stats) {
    return fmt::format("{}; {} in small objects, {} in blocks, each at its own time",
                       bytes_word(stats.peak_live_bytes), bytes_word(stats.small_peak_bytes),
                       bytes_word(stats.large_peak_bytes));
}

std::string moment(const reader::State& state) {
    switch (state.fate) {
        case Fate::kEnded:
            return "at the end";
        case Fate::kReplaced:
            return "when another program took over";
        case Fate::kKilled:
            return "when it was last heard of";
        case Fate::kUnwritten:
            return "when it could last be written";
        default:
            return "now";
    }
}

Said fate_of(const reader::Record& record, const reader::State& state) {
    uint64_t lasted_ns = record.last_ns() - record.header.started_ns;
    std::string lasted = time_word(lasted_ns);
    switch (state.fate) {
        case Fate::kRunning:
            return {"", "running for " + time_word(lasted_ns + state.silent_ns)};
        case Fate::kHalted:
            return {"", state.waiting + ", " + lasted + " after its start"};
        case Fate::kSilent:
            return {"silent for " + time_word(state.silent_ns),
                    " after " + lasted + ": idle, or it hangs (" + state.waiting + ")", true};
        case Fate::kEnded:
            return {"", "ended after " + lasted};
        case Fate::kReplaced:
            return {"", "became another program, by exec, after " + lasted};
        case Fate::kKilled:
            return {"killed",
                    " after " + lasted +
                        ": it ended without a word, by a signal or by the kernel for want of memory",
                    true};
        case Fate::kUnwritten:
            return {"", "not written any more after " + lasted + ": the file system of the record was full"};
    }
    return {};
}

std::string seen_at(const Shown& shown, const Memory& memory) {
    constexpr uint64_t kRecentNs = 500'000'000;
    uint64_t until = shown.record.last_ns() + (is_there(shown.state) ? shown.state.silent_ns : 0);
    return until - memory.time_ns < kRecentNs ? moment(shown.state)
                                              : "last looked at " + after_start(shown.record, memory.time_ns);
}

bool is_alarming(const reader::Event& event) {
    return event.kind == TARN_RECORD_EVENT_OUT_OF_MEMORY || event.kind == TARN_RECORD_EVENT_MISUSE;
}

std::string event_details(const reader::Event& event) {
    std::string words;
    switch (event.kind) {
        case TARN_RECORD_EVENT_OUT_OF_MEMORY:
            words = fmt::format(": {} asked for", bytes_word(event.a));
            break;
        case TARN_RECORD_EVENT_TRIM:
            words = fmt::format(": {} given back{}", bytes_word(event.a), event.b == 1 ? ", by request" : "");
            break;
        case TARN_RECORD_EVENT_SAMPLING:
            words = event.a ? fmt::format(": one in {}", bytes_word(event.a)) : ": stopped";
            break;
        case TARN_RECORD_EVENT_FORK:
            words = fmt::format(": a child of process {}", event.a);
            break;
        default:
            break;
    }
    if (!event.text.empty()) words += ": " + reader::printable(event.text);
    return words;
}

std::string interpreter_note(const reader::Interpreter& interpreter) {
    return fmt::format("{}{}: {}", interpreter.frames ? "" : "frames of ",
                       reader::printable(interpreter.name), reader::printable(interpreter.note));
}

std::optional<Memory> memory_at_peak(const reader::Record& record) {
    if (record.points.empty()) return memory_at_last(record);
    return memory_of(*std::max_element(record.points.begin(), record.points.end(),
                                       [](const auto& a, const auto& b) { return a.resident < b.resident; }));
}

std::optional<Memory> memory_at_last(const reader::Record& record) {
    bool has_point = !record.points.empty();
    if (record.stats && (!has_point || record.points.back().time_ns <= record.snapshot_ns))
        return memory_of(record.snapshot_ns, record.stats->resident, record.stats->live_bytes,
                         record.stats->kept_bytes);
    if (!has_point) return {};
    return memory_of(record.points.back());
}

std::string event_name(uint32_t kind) {
    switch (kind) {
        case TARN_RECORD_EVENT_OUT_OF_MEMORY:
            return "out of memory";
        case TARN_RECORD_EVENT_MISUSE:
            return "misuse";
        case TARN_RECORD_EVENT_LIMIT:
            return "limit met";
        case TARN_RECORD_EVENT_TRIM:
            return "trim";
        case TARN_RECORD_EVENT_PHASE:
            return "phase";
        case TARN_RECORD_EVENT_SAMPLING:
            return "sampling";
        case TARN_RECORD_EVENT_FORK:
            return "fork";
        case TARN_RECORD_EVENT_SNAPSHOT:
            return "snapshot";
        default:
            return "event " + std::to_string(kind);
    }
}

}  // namespace tarn::cli
