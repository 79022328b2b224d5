// SPDX-License-Identifier: MIT
#include "reader/profile.h"

#include <algorithm>
#include <cstdio>
#include <map>

#include "reader/holders.h"
#include "reader/text.h"

namespace tarn::reader {
namespace {

uint64_t whole(uint64_t in_1024) {
    return in_1024 / 1024 + (in_1024 % 1024 >= 512);
}

// Numbers of objects and bytes are sums of what a file says, and may be anything.
uint64_t sum(uint64_t a, uint64_t b) {
    return a + b < a ? UINT64_MAX : a + b;
}

class Resolver {
  public:
    Resolver(const Record& record, Symbols* symbols, Profile* profile)
        : record_(record), symbols_(symbols), profile_(profile) {}

    uint32_t location_of(uint64_t frame, const Stack& stack) {
        if (is_script(frame)) frame &= ~TARN_RECORD_FRAME_PLACED;
        if (is_named(frame)) return numbered({kNoModule, frame}, [&] { return named(frame); });
        bool exact = (frame & TARN_RECORD_FRAME_EXACT) != 0;
        uint64_t address = frame & ~TARN_RECORD_FRAME_EXACT;
        // A return address is behind the call; a byte before it, the call's line is found.
        if (!exact && address != 0) --address;
        uint32_t module = module_of(address, stack);
        return numbered({module, address}, [&] { return called(module, address); });
    }
    // What a stack without a script's frames is, where those alone are wanted.
    uint32_t outside() {
        return numbered({kNoModule, TARN_RECORD_FRAME_NAME}, [] {
            Location location;
            location.lines.push_back({kOutside, kOutside, "", 0, 0});
            return location;
        });
    }

  private:
    static constexpr const char* kOutside = "[outside of the script]";

    template <class Make>
    uint32_t numbered(std::pair<uint32_t, uint64_t> key, Make make) {
        auto [found, is_new] = numbers_.try_emplace(key, profile_->locations.size());
        if (is_new) profile_->locations.push_back(make());
        return found->second;
    }

    Location named(uint64_t frame) {
        Named name = named_frame(record_, frame);
        // "<module>" is what each file has.
        if (is_script(frame) && !name.name.empty() && (name.name[0] == '<' || name.name[0] == '{'))
            name.name += " " + name.file.substr(name.file.rfind('/') + 1);
        Location location;
        location.script = is_script(frame);
        location.lines.push_back(
            {printable(name.name), printable(name.name), printable(name.file), name.line, 0});
        return location;
    }

    Location called(uint32_t module, uint64_t address) {
        Location location{module, address, false, {}, {}};
        if (module == kNoModule) return location;
        const Module& from = record_.modules[module];
        location.lines = symbols_->at(from.path, from.build_id, address - from.load_bias);
        for (Line& line : location.lines) {
            line.function = printable(line.function);
            line.symbol = printable(line.symbol);
            line.file = printable(line.file);
        }
        return location;
    }

    // Of several that lay there, one after the other, that which was there while the stack was seen.
    uint32_t module_of(uint64_t address, const Stack& stack) const {
        uint32_t found = kNoModule;
        for (uint32_t i = 0; i < record_.modules.size(); ++i) {
            const Module& module = record_.modules[i];
            if (address < module.begin || address >= module.end) continue;
            bool there = module.loaded_ns <= stack.last_seen_ns &&
                         (module.unloaded_ns == 0 || module.unloaded_ns >= stack.first_seen_ns);
            if (there || found == kNoModule) found = i;
        }
        return found;
    }

    const Record& record_;
    Symbols* symbols_;
    Profile* profile_;
    std::map<std::pair<uint32_t, uint64_t>, uint32_t> numbers_;
};

// The script's frames behind a loop take its place.
bool is_replaced(const std::vector<uint64_t>& frames, size_t i) {
    bool placed =
        i + 1 < frames.size() && is_script(frames[i + 1]) && (frames[i + 1] & TARN_RECORD_FRAME_PLACED);
    return placed && !is_named(frames[i]);
}

bool is_wanted(const std::vector<uint64_t>& frames, size_t i, Frames wanted) {
    switch (wanted) {
        case Frames::kMerged:
            return !is_replaced(frames, i);
        case Frames::kNative:
            return !is_script(frames[i]);
        case Frames::kScript:
            return is_named(frames[i]);
    }
    return true;
}

}  // namespace

void add(Values* total, const Values& values) {
    total->allocated_objects = sum(total->allocated_objects, values.allocated_objects);
    total->allocated_bytes = sum(total->allocated_bytes, values.allocated_bytes);
    total->live_objects = sum(total->live_objects, values.live_objects);
    total->live_bytes = sum(total->live_bytes, values.live_bytes);
    total->peak_objects = sum(total->peak_objects, values.peak_objects);
    total->peak_bytes = sum(total->peak_bytes, values.peak_bytes);
}

Profile resolve(const Record& record, Symbols* symbols, Frames frames) {
    Profile profile;
    Resolver resolver(record, symbols, &profile);
    for (const Stack& stack : record.stacks) {
        Trace trace;
        for (size_t i = 0; i < stack.frames.size(); ++i)
            if (is_wanted(stack.frames, i, frames))
                trace.locations.push_back(resolver.location_of(stack.frames[i], stack));
        bool scripts = std::any_of(stack.frames.begin(), stack.frames.end(), is_script);
        if (frames == Frames::kScript && !scripts) trace.locations.push_back(resolver.outside());
        trace.cut = stack.cut;
        trace.values = {whole(stack.allocated.objects_1024), stack.allocated.bytes,
                        whole(stack.live.objects_1024),      stack.live.bytes,
                        whole(stack.peak.objects_1024),      stack.peak.bytes};
        add(&profile.total, trace.values);
        profile.traces.push_back(std::move(trace));
    }
    for (Location& location : profile.locations)
        location.of_language = lines_of_language(record, location);
    return profile;
}

std::string function_name(const Record& record, const Location& location, size_t line) {
    bool named = line < location.lines.size() && !location.lines[line].function.empty();
    return named ? location.lines[line].function : place_name(record, location);
}

std::map<std::string, std::string> missing_names(const Record& record, const Profile& profile,
                                                 const Symbols& symbols) {
    std::map<std::string, size_t> nameless;
    for (const Location& location : profile.locations)
        if (location.module != kNoModule && location.lines.empty())
            ++nameless[record.modules[location.module].path];
    std::map<std::string, std::string> missing = symbols.missing();
    for (const auto& [path, count] : nameless)
        missing.try_emplace(path, std::to_string(count) +
                                      " have none; its package's -dbgsym or -dbg, or DEBUGINFOD_URLS, may");
    return missing;
}

std::string place_name(const Record& record, const Location& location) {
    if (location.module == kNoModule) return location.address == 0 ? "[unnamed]" : "[unknown]";
    const Module& module = record.modules[location.module];
    std::string name = module.path.substr(module.path.rfind('/') + 1);
    char offset[32];
    std::snprintf(offset, sizeof offset, "+0x%llx",
                  static_cast<unsigned long long>(location.address - module.load_bias));
    return printable(name.empty() ? "[unnamed]" : name) + offset;
}

uint64_t value_of(const Values& values, Measure measure, Unit unit) {
    bool bytes = unit == Unit::kBytes;
    switch (measure) {
        case Measure::kLive:
            return bytes ? values.live_bytes : values.live_objects;
        case Measure::kPeak:
            return bytes ? values.peak_bytes : values.peak_objects;
        case Measure::kAllocated:
            return bytes ? values.allocated_bytes : values.allocated_objects;
    }
    return 0;
}

}  // namespace tarn::reader
