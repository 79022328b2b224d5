// SPDX-License-Identifier: MIT
// What every form of the report says in the same words.
#pragma once
#include <string>

#include "cli/report/shown.h"

namespace tarn::cli {

// "3.0 s after the start"
std::string after_start(const reader::Record& record, uint64_t time);

bool is_there(const reader::State& state);

// "kernel 6.1.0, 8 processors, 15.5 GiB of memory, ...": as much as is known; "": nothing.
std::string machine_words(const reader::Machine& machine);

// When the last things that are known were so: "now", "at the end", ...
std::string moment(const reader::State& state);

// How the process is, or how it ended: what alarms, and the rest.
struct Said {
    std::string first, rest;
    bool alarming = false;
};
Said fate_of(const reader::Record& record, const reader::State& state);

// "40.0 MiB; 30.0 MiB in small objects, ..."; the peaks of what was live, which no moment of the time line may have.
std::string live_at_most(const tarn_stats& stats);

// When memory was so. A process that allocates nothing is not looked at: what was seen last may be long ago.
std::string seen_at(const Shown& shown, const Memory& memory);

bool is_alarming(const reader::Event& event);
std::string event_details(
    const reader::Event& event);  // what stands behind event_name: ": 3.0 MiB asked for"

// What there is to know of an interpreter's frames, or why there are none.
std::string interpreter_note(const reader::Interpreter& interpreter);

}  // namespace tarn::cli
