// SPDX-License-Identifier: MIT
// `tarn report`: a record for a person, for a program and for a browser; and two of them.
#pragma once
#include <cstdint>
#include <map>
#include <optional>
#include <string>

#include "cli/common/words.h"
#include "reader/fate.h"
#include "reader/holders.h"
#include "reader/views/difference.h"

namespace tarn::cli {

struct Shown {
    const reader::Record& record;
    const reader::State& state;
    const reader::Profile& profile;
    std::map<std::string, std::string> missing;  // files without names for what lies in them, and why
    bool sources = false;                        // lines of the program's sources may be shown
};

struct ShowOptions {
    size_t holders = 5;     // lines of each list
    uint64_t seconds = 60;  // of the curve; 0: from the start
};

// What the resident memory is: objects + kept + other - untouched.
struct Memory {
    uint64_t time_ns = 0, resident = 0;
    uint64_t objects = 0;    // the program's: live bytes
    uint64_t kept = 0;       // free memory that tarn keeps
    uint64_t other = 0;      // not malloc's
    uint64_t untouched = 0;  // of the objects, what the program has never written to
};
std::optional<Memory> memory_at_peak(
    const reader::Record& record);  // of what is resident, as the time line saw it
std::optional<Memory> memory_at_last(const reader::Record& record);

std::string show_text(const Shown& shown, const ShowOptions& options, const Terminal& terminal);
std::string show_json(const Shown& shown);
// One file without network, for a browser (html/). The same for the same record of a process that ended.
std::string show_html(const Shown& shown);

// Two records, and what they are to be called.
struct Compared {
    const Shown& before;
    const Shown& after;
    std::string before_name, after_name;
    std::vector<reader::Change> changes;
};
std::string show_text(const Compared& compared, const ShowOptions& options, const Terminal& terminal);
std::string show_json(const Compared& compared);
std::string show_html(const Compared& compared);

// "out of memory", "trim", ...; "event 12" for those of a later version.
std::string event_name(uint32_t kind);

}  // namespace tarn::cli
