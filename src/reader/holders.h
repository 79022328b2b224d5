// SPDX-License-Identifier: MIT
// Holders: who asked for the memory, as somebody who wrote the program would say it: not operator new, a container of the
// standard library or a wrapper around malloc, but the function that used them.
#pragma once
#include <cstdint>
#include <string>
#include <vector>

#include "reader/profile.h"

namespace tarn::reader {

struct Place {
    std::string function;  // never ""
    std::string file;      // "" where it is not known; then `function` may be a file's name and an offset
    uint32_t line = 0;
    bool operator==(const Place&) const = default;
};

struct Holder {
    Place place;
    std::vector<Place> callers;  // by whom, for the largest part of it: the nearest few, the innermost first
    Values values;
};

// The largest first. Those that have none of what is measured are left out.
std::vector<Holder> holders(const Record& record, const Profile& profile, Measure measure);

// All of them, by what is live, then by what was live at the peak, then by what was ever allocated.
std::vector<Holder> all_holders(const Record& record, const Profile& profile);

// Who asked in one stack.
Place holder_of(const Record& record, const Profile& profile, const Trace& trace);

// Of each line of a location whether it is code of a language's own library.
std::vector<bool> lines_of_language(const Record& record, const Location& location);

}  // namespace tarn::reader
