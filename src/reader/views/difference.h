// SPDX-License-Identifier: MIT
// Difference: who holds more in one record than in another, and who less.
#pragma once
#include <vector>

#include "reader/holders.h"

namespace tarn::reader {

struct Change {
    Place place;  // as in the record after, where it is there
    std::vector<Place> callers;
    Values before, after;
    // Whether the live bytes differ by no more than two standard errors: the samples say nothing, then.
    bool by_chance = false;

    bool grew() const { return after.live_bytes > before.live_bytes; }
    uint64_t live_bytes() const {
        return grew() ? after.live_bytes - before.live_bytes : before.live_bytes - after.live_bytes;
    }
};

// Of all holders: first those that grew, by most first, then those that shrank, by least first. Where the programs are not
// the same file, lines are not compared.
std::vector<Change> changes(const Side& before, const Side& after);

// Whether both are of one process, at two moments.
bool same_process(const Record& a, const Record& b);

}  // namespace tarn::reader
