// SPDX-License-Identifier: MIT
// Profile: the stacks of a record with names for their addresses, and what was allocated, is live, and was live at the
// peak by each. What the writers of pprof and of collapsed stacks, and reports, are given.
#pragma once
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "reader/record.h"
#include "reader/symbols/symbols.h"

namespace tarn::reader {

constexpr uint32_t kNoModule = UINT32_MAX;

// Which frames of a stack are wanted, where some are of a script.
enum class Frames {
    kMerged,  // the script's in the place of the interpreter's loop
    kNative,  // without the script's
    kScript   // no others, but for names that the program gave
};

// A place in the program that called, in it or in a script, or a name that the program gave (tarn_scope).
struct Location {
    uint32_t module = kNoModule;  // a number in record.modules
    uint64_t address = 0;         // of the call, in the process; 0: a name, or a script's
    bool script = false;
    std::vector<Line> lines;  // the innermost function first; empty: nothing is known
    // For each line (for the place, where there is none): whether it is code of a language's own library, which allocates
    // for whoever calls it. Known before paths are taken out.
    std::vector<bool> of_language;
};

struct Values {
    uint64_t allocated_objects = 0, allocated_bytes = 0;
    uint64_t live_objects = 0, live_bytes = 0;
    uint64_t peak_objects = 0, peak_bytes = 0;
};

// Adds `values`, no further than to the largest number.
void add(Values* total, const Values& values);

struct Trace {
    std::vector<uint32_t> locations;  // numbers in profile.locations, innermost first
    bool cut = false;                 // there were more, outside of these
    Values values;
};

struct Profile {
    std::vector<Location> locations;
    std::vector<Trace> traces;  // as record.stacks, in their order
    Values total;
};

// One of two records that are compared.
struct Side {
    const Record& record;
    const Profile& profile;
};

Profile resolve(const Record& record, Symbols* symbols, Frames frames = Frames::kMerged);

// The function of line `line` of a location; what to call it where it has no name.
std::string function_name(const Record& record, const Location& location, size_t line);

// Files that names for addresses were looked for in vain in, and why: those which are not what they were, and those
// without debug information for a part of the addresses.
std::map<std::string, std::string> missing_names(const Record& record, const Profile& profile,
                                                 const Symbols& symbols);

// What to call a function that has no name: file and offset, as debuggers take it; "[unknown]" outside of all files.
std::string place_name(const Record& record, const Location& location);

// Which of the values is wanted.
enum class Measure { kLive, kPeak, kAllocated };
enum class Unit { kBytes, kObjects };
uint64_t value_of(const Values& values, Measure measure, Unit unit);

}  // namespace tarn::reader
