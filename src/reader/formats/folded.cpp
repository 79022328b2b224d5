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

}  // namespace

std::string folded(const Record& record, const Profile& profile, Measure measure, Unit unit) {
    std::map<std::string, uint64_t> lines;  // stacks that differ in addresses alone are one
    for (const Trace& trace : profile.traces) {
        uint64_t value = value_of(trace.values, measure, unit);
        if (value == 0) continue;
        std::string line = trace.cut ? "[cut]" : "";
        auto append = [&line](const std::string& name) {
            if (!line.empty()) line += ';';
            line += part(name);
        };
        for (auto number = trace.locations.rbegin(); number != trace.locations.rend(); ++number) {
            const Location& location = profile.locations[*number];
            if (location.lines.empty()) append(place_name(record, location));
            for (auto at = location.lines.rbegin(); at != location.lines.rend(); ++at) {
                bool named = !at->function.empty();
                append(named ? at->function : place_name(record, location));
            }
        }
        lines[line.empty() ? "[unknown]" : line] += value;
    }
    std::string text;
    for (const auto& [line, value] : lines)
        text += line + " " + std::to_string(value) + "\n";
    return text;
}

}  // namespace tarn::reader
