// SPDX-License-Identifier: MIT
#include "reader/views/difference.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <tuple>

namespace tarn::reader {
namespace {

std::string program_of(const Record& record) {
    for (const Module& module : record.modules)
        if (module.path == record.who.executable) return module.build_id;
    return "";
}

// Of one process, what both have cancels out exactly, and only what differs has an error of its own.
bool within_chance(const Change& change, uint64_t interval, bool same) {
    double seen = static_cast<double>(change.live_bytes());
    double sampled =
        same ? seen
             : static_cast<double>(change.before.live_bytes) + static_cast<double>(change.after.live_bytes);
    return seen <= 2 * std::sqrt(static_cast<double>(interval) * sampled);
}

}  // namespace

bool same_process(const Record& a, const Record& b) {
    return a.who.pid == b.who.pid && a.who.start_ticks == b.who.start_ticks &&
           a.header.started_ns == b.header.started_ns;
}

std::vector<Change> changes(const Side& before, const Side& after) {
    bool lines = program_of(before.record) == program_of(after.record);
    std::map<std::tuple<std::string, std::string, uint32_t>, Change> all;
    for (const Side* side : {&after, &before})
        for (const Holder& holder : all_holders(side->record, side->profile)) {
            const Place& place = holder.place;
            Change& change = all[{place.function, place.file, lines ? place.line : 0}];
            if (change.place.function.empty()) {
                change.place = place;
                change.callers = holder.callers;
            }
            add(side == &after ? &change.after : &change.before, holder.values);
        }
    uint64_t interval = std::max(before.record.interval(), after.record.interval());
    bool same = same_process(before.record, after.record);
    std::vector<Change> found;
    for (auto& [key, change] : all) {
        change.by_chance = within_chance(change, interval, same);
        found.push_back(std::move(change));
    }
    std::stable_sort(found.begin(), found.end(), [](const Change& a, const Change& b) {
        if (a.grew() != b.grew()) return a.grew();
        return a.grew() ? a.live_bytes() > b.live_bytes() : a.live_bytes() < b.live_bytes();
    });
    return found;
}

}  // namespace tarn::reader
