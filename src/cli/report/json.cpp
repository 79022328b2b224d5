// SPDX-License-Identifier: MIT
#include <nlohmann/json.hpp>

#include "cli/report/values_json.h"
#include "cli/report/verdict.h"
#include "reader/text.h"

namespace tarn::cli {
namespace {

using nlohmann::ordered_json;
using reader::Measure;
using reader::printable;

double seconds(uint64_t time_ns, const reader::Record& record) {
    uint64_t start = record.header.started_ns;
    return time_ns > start ? static_cast<double>(time_ns - start) / 1e9 : 0;
}

ordered_json texts(const std::vector<std::string>& from) {
    ordered_json list = ordered_json::array();
    for (const std::string& text : from)
        list.push_back(printable(text));
    return list;
}

ordered_json memory(const std::optional<Memory>& from, const reader::Record& record) {
    if (!from) return nullptr;
    return {{"seconds", seconds(from->time_ns, record)},
            {"resident", from->resident},
            {"objects", from->objects},
            {"kept", from->kept},
            {"other", from->other},
            {"untouched", from->untouched}};
}

ordered_json place(const reader::Place& from) {
    return {{"function", from.function}, {"file", from.file}, {"line", from.line}};
}

ordered_json machine(const reader::Machine& from) {
    auto known = [](uint64_t number) { return number ? ordered_json(number) : ordered_json(nullptr); };
    return {{"kernel", printable(from.kernel)},
            {"processors", known(from.processors)},
            {"memory", known(from.memory)},
            {"memory_limit", known(from.memory_limit)},
            {"page_size", known(from.page_size)}};
}

ordered_json process(const Shown& shown) {
    const reader::Record& record = shown.record;
    const reader::Who& who = record.who;
    return {{"pid", who.pid},
            {"program", printable(who.program)},
            {"executable", printable(who.executable)},
            {"directory", printable(who.directory)},
            {"arguments", texts(who.arguments)},
            {"options", texts(who.options)},
            {"parent", who.parent},
            {"forked", who.forked},
            {"tarn", printable(who.tarn_version)},
            {"backend", printable(who.backend)},
            {"started", static_cast<double>(record.header.started_realtime_ns) / 1e9},
            {"seconds", seconds(record.last_ns(), record)},
            {"state", reader::name_of(shown.state.fate)},
            {"silent_seconds", static_cast<double>(shown.state.silent_ns) / 1e9},
            {"machine", machine(who.machine)}};
}

ordered_json timeline(const reader::Record& record) {
    ordered_json list = ordered_json::array();
    for (const tarn_record_point& point : record.points)
        list.push_back({{"seconds", seconds(point.time_ns, record)},
                        {"live_small", point.live_small},
                        {"live_large", point.live_large},
                        {"kept", point.kept},
                        {"resident", point.resident},
                        {"allocations", point.allocations}});
    return list;
}

ordered_json holders(const Shown& shown) {
    ordered_json list = ordered_json::array();
    for (const reader::Holder& holder : reader::holders(shown.record, shown.profile, Measure::kLive)) {
        ordered_json one = place(holder.place);
        one.update(values_json(holder.values));
        one["callers"] = ordered_json::array();
        for (const reader::Place& caller : holder.callers)
            one["callers"].push_back(place(caller));
        list.push_back(std::move(one));
    }
    return list;
}

const char* name_of(reader::Trend trend) {
    switch (trend) {
        case reader::Trend::kGrows:
            return "grows";
        case reader::Trend::kKept:
            return "kept";
        case reader::Trend::kPassing:
            return "passing";
        case reader::Trend::kMixed:
            return "mixed";
        case reader::Trend::kUnknown:
            break;
    }
    return "unknown";
}

ordered_json growth(const reader::Growths& growths) {
    ordered_json list = ordered_json::array();
    for (const reader::Growth& growth : growths.holders) {
        ordered_json one = place(growth.holder.place);
        one.update({{"live_bytes", growth.holder.values.live_bytes},
                    {"trend", name_of(growth.trend)},
                    {"bytes_per_second", growth.bytes_per_second},
                    {"samples", growth.samples},
                    {"oldest_seconds", static_cast<double>(growth.oldest_ns) / 1e9},
                    {"half_older_than_seconds", static_cast<double>(growth.half_ns) / 1e9},
                    {"live_bytes_by_time", growth.born},
                    {"why", growth.trend == reader::Trend::kGrows ? why_it_grows(growth) : ""}});
        list.push_back(std::move(one));
    }
    return list;
}

ordered_json events(const Shown& shown) {
    ordered_json list = ordered_json::array();
    for (const reader::Event& event : shown.record.events) {
        ordered_json one = {{"number", event.number},
                            {"seconds", seconds(event.time_ns, shown.record)},
                            {"kind", event_name(event.kind)},
                            {"thread", event.thread},
                            {"a", event.a},
                            {"b", event.b},
                            {"text", printable(event.text)}};
        if (event.stack)
            one["place"] = place(holder_of(shown.record, shown.profile, shown.profile.traces[*event.stack]));
        list.push_back(std::move(one));
    }
    return list;
}

ordered_json modules(const Shown& shown) {
    ordered_json list = ordered_json::array();
    for (const reader::Module& module : shown.record.modules) {
        auto missing = shown.missing.find(module.path);
        list.push_back({{"path", printable(module.path)},
                        {"build_id", reader::hexadecimal(module.build_id)},
                        {"begin", module.begin},
                        {"end", module.end},
                        {"file_offset", module.file_offset},
                        {"unloaded", module.unloaded_ns != 0},
                        {"no_names", missing == shown.missing.end() ? "" : missing->second}});
    }
    return list;
}

ordered_json interpreters(const reader::Record& record) {
    ordered_json list = ordered_json::array();
    for (const reader::Interpreter& each : record.interpreters)
        list.push_back(
            {{"name", printable(each.name)}, {"frames", each.frames}, {"note", printable(each.note)}});
    return list;
}

ordered_json requests(const reader::Record& record) {
    if (!record.stats) return nullptr;
    const tarn_stats& stats = *record.stats;
    return {{"seconds", seconds(record.snapshot_ns, record)},
            {"allocations", stats.allocations},
            {"frees", stats.frees},
            {"live_objects", stats.live_objects},
            {"live_bytes", stats.live_bytes},
            {"peak_live_bytes", stats.peak_live_bytes},
            {"small_peak_bytes", stats.small_peak_bytes},
            {"large_peak_bytes", stats.large_peak_bytes},
            {"kept_bytes", stats.kept_bytes},
            {"resident", stats.resident},
            {"peak_resident", stats.peak_resident},
            {"pool_hit_rate", stats.pool_hit_rate}};
}

}  // namespace

nlohmann::ordered_json values_json(const reader::Values& from) {
    return {{"live_bytes", from.live_bytes},           {"live_objects", from.live_objects},
            {"peak_bytes", from.peak_bytes},           {"peak_objects", from.peak_objects},
            {"allocated_bytes", from.allocated_bytes}, {"allocated_objects", from.allocated_objects}};
}

std::string show_json(const Shown& shown) {
    const reader::Record& record = shown.record;
    reader::Growths growths = reader::growths(record, shown.profile);
    ordered_json all = {{"verdict", verdict(shown, growths)},
                        {"process", process(shown)},
                        {"memory",
                         {{"peak", memory(memory_at_peak(record), record)},
                          {"last", memory(memory_at_last(record), record)}}},
                        {"statistics", requests(record)},
                        {"sample_interval", record.interval()},
                        {"total", values_json(shown.profile.total)},
                        {"holders", holders(shown)},
                        {"growth", growth(growths)},
                        {"timeline", timeline(record)},
                        {"events", events(shown)},
                        {"events_lost", record.events_lost},
                        {"modules", modules(shown)},
                        {"interpreters", interpreters(record)},
                        {"notes", texts(record.notes)}};
    return all.dump(2, ' ', false, ordered_json::error_handler_t::replace) + "\n";
}

}  // namespace tarn::cli
