// SPDX-License-Identifier: MIT
#include "reader/holders.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <map>
#include <string_view>
#include <tuple>

namespace tarn::reader {
namespace {

constexpr size_t kCallers = 3;

bool begins(std::string_view text, std::string_view with) {
    return text.substr(0, with.size()) == with;
}

bool ends(std::string_view text, std::string_view with) {
    return text.size() >= with.size() && text.substr(text.size() - with.size()) == with;
}

// Those that hand on what malloc gave them: malloc itself, xmalloc, PyMem_RawMalloc, zrealloc2, g_strdup.
bool wraps_malloc(std::string_view function) {
    std::string name;
    for (char letter : function)
        name += static_cast<char>(std::tolower(static_cast<unsigned char>(letter)));
    while (!name.empty() && (name.back() == '_' || std::isdigit(static_cast<unsigned char>(name.back()))))
        name.pop_back();
    return ends(name, "alloc") || ends(name, "strdup") || ends(name, "strndup") || ends(name, "memalign");
}

// Rust's own traits for Rust's own types: "<u64 as core::fmt::Display>::fmt".
bool of_rust_type(std::string_view function) {
    size_t as = function.find(" as ");
    if (!begins(function, "<") || as == std::string_view::npos) return false;
    std::string_view type = function.substr(0, as), trait = function.substr(as + 4);
    return type.find("::") == std::string_view::npos &&
           (begins(trait, "core::") || begins(trait, "alloc::") || begins(trait, "std::"));
}

// A script's file that comes with its interpreter, not with the program or with packages.
bool of_interpreter(std::string_view file) {
    constexpr std::array kFiles = {"<frozen ", "<internal:", "/usr/share/perl/", "/usr/share/perl5/"};
    if (std::any_of(kFiles.begin(), kFiles.end(), [&](const char* with) { return begins(file, with); }))
        return true;
    return file.find("/lib/python3.") != std::string_view::npos &&
           file.find("-packages/") == std::string_view::npos;
}

// Code of a language's own library, which allocates for whoever calls it.
bool of_language(const Record& record, const Location& location, const Line& line) {
    constexpr std::array kNames = {"std::", "__gnu_cxx::", "operator new"};
    // Of Rust's; where the file is known, it says so itself.
    constexpr std::array kUnfiledNames = {"alloc::", "core::",       "hashbrown::", "<std::", "<alloc::",
                                          "<core::", "<hashbrown::", "__rust",      "__rdl",  "__rg_"};
    constexpr std::array kFiles = {"/usr/include/", "/usr/lib/", "/usr/local/include/c++/", "/rustc/",
                                   "/rust/deps/"};
    constexpr std::array kModules = {"libc.so.", "libstdc++.so.", "libc++.so.", "ld-linux", "libtarn"};
    auto any = [](const auto& list, std::string_view text) {
        return std::any_of(list.begin(), list.end(), [&](const char* with) { return begins(text, with); });
    };
    if (line.function == "_start" || any(kNames, line.function) || any(kFiles, line.file)) return true;
    if (location.script) return of_interpreter(line.file);
    bool of_rust = any(kUnfiledNames, line.function) || of_rust_type(line.function);
    if (line.file.empty() && of_rust) return true;
    if (location.module == kNoModule) return false;
    std::string_view path = record.modules[location.module].path;
    path.remove_prefix(std::min(path.rfind('/') + 1, path.size()));
    return any(kModules, path);
}

// The places of a stack that are the program's own, the innermost first, `most` of them; when there are none, the
// innermost. Where a script runs they are the script's: what it calls in C allocates for it.
std::vector<Place> own_places(const Record& record, const Profile& profile, const Trace& trace, size_t most) {
    const std::vector<Line> nameless(1);
    std::vector<Place> places;
    Place innermost;
    bool scripts = std::any_of(trace.locations.begin(), trace.locations.end(),
                               [&](uint32_t number) { return profile.locations[number].script; });
    for (uint32_t number : trace.locations) {
        const Location& location = profile.locations[number];
        if (scripts && !location.script && location.address != 0) continue;
        const std::vector<Line>& lines = location.lines.empty() ? nameless : location.lines;
        for (size_t i = 0; i < lines.size(); ++i) {
            const Line& line = lines[i];
            if (innermost.function.empty())
                innermost = {function_name(record, location, i), line.file, line.line};
            bool inner = places.empty() && !location.script && wraps_malloc(line.function);
            if (inner || location.of_language[i]) continue;
            places.push_back({function_name(record, location, i), line.file, line.line});
            if (places.size() == most) return places;
        }
    }
    if (innermost.function.empty()) innermost.function = "[unknown]";
    if (places.empty()) places.push_back(innermost);
    return places;
}

// What a stack counts for in an order: the first is what the order is by.
using Weight = std::array<uint64_t, 3>;

Weight weight_of(const Values& values) {
    return {values.live_bytes, values.peak_bytes, values.allocated_bytes};
}

// Holders of the stacks that count for anything, the one that counts most first.
template <class WeightOf>
std::vector<Holder> gathered(const Record& record, const Profile& profile, WeightOf weight_of) {
    struct Group {
        Holder holder;
        Weight largest = {};
    };
    std::map<std::tuple<std::string, std::string, uint32_t>, Group> groups;
    for (const Trace& trace : profile.traces) {
        Weight weight = weight_of(trace.values);
        if (weight == Weight{}) continue;
        std::vector<Place> places = own_places(record, profile, trace, 1 + kCallers);
        Group& group = groups[{places[0].function, places[0].file, places[0].line}];
        group.holder.place = places[0];
        add(&group.holder.values, trace.values);
        if (weight <= group.largest) continue;
        group.largest = weight;
        group.holder.callers.assign(places.begin() + 1, places.end());
    }
    std::vector<Holder> found;
    for (auto& [key, group] : groups)
        found.push_back(std::move(group.holder));
    std::stable_sort(found.begin(), found.end(), [&](const Holder& a, const Holder& b) {
        return weight_of(a.values) > weight_of(b.values);
    });
    return found;
}

}  // namespace

std::vector<bool> lines_of_language(const Record& record, const Location& location) {
    if (location.lines.empty()) return {of_language(record, location, {})};
    std::vector<bool> found;
    for (const Line& line : location.lines)
        found.push_back(of_language(record, location, line));
    return found;
}

Place holder_of(const Record& record, const Profile& profile, const Trace& trace) {
    return own_places(record, profile, trace, 1)[0];
}

std::vector<Holder> holders(const Record& record, const Profile& profile, Measure measure) {
    return gathered(record, profile, [measure](const Values& values) {
        return Weight{value_of(values, measure, Unit::kBytes), 0, 0};
    });
}

std::vector<Holder> all_holders(const Record& record, const Profile& profile) {
    return gathered(record, profile, weight_of);
}

}  // namespace tarn::reader
