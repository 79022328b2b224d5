// SPDX-License-Identifier: MIT
#include <algorithm>
#include <map>

#include "reader/formats/formats.h"

namespace tarn::reader {
namespace {

// Functions are kept apart by semicolons, which none of their names may have, then.
std::string part(std::string name) {
    std::replace(name.begin(), name.end(), ';', ',');
    return name;
}

using Stacks = std::map<std::string, uint64_t>;  // stacks that differ in addresses alone are one

Stacks stacks_of(const Record& record, const Profile& profile, Measure measure, Unit unit) {
    Stacks stacks;
    for (const Trace& trace : profile.traces) {
        uint64_t value = value_of(trace.values, measure, unit);
        if (value == 0) continue;
        std::string line = trace.cut ? "[cut]" : "";
        for (auto number = trace.locations.rbegin(); number != trace.locations.rend(); ++number) {
            const Location& location = profile.locations[*number];
            for (size_t i = std::max<size_t>(location.lines.size(), 1); i-- > 0;) {
                if (!line.empty()) line += ';';
                line += part(function_name(record, location, i));
            }
        }
        stacks[line.empty() ? "[unknown]" : line] += value;
    }
    return stacks;
}

}  // namespace

std::string folded(const Record& record, const Profile& profile, Measure measure, Unit unit) {
    std::string text;
    for (const auto& [line, value] : stacks_of(record, profile, measure, unit))
        text += line + " " + std::to_string(value) + "\n";
    return text;
}

std::string folded_difference(const Side& before, const Side& after, Measure measure, Unit unit) {
    std::map<std::string, std::pair<uint64_t, uint64_t>> lines;
    for (const auto& [line, value] : stacks_of(before.record, before.profile, measure, unit))
        lines[line].first = value;
    for (const auto& [line, value] : stacks_of(after.record, after.profile, measure, unit))
        lines[line].second = value;
    std::string text;
    for (const auto& [line, values] : lines)
        text += line + " " + std::to_string(values.first) + " " + std::to_string(values.second) + "\n";
    return text;
}

}  // namespace tarn::reader
