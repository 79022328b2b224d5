// SPDX-License-Identifier: MIT
#include "cli/report/html/chart.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <iterator>

#include "cli/report/html/markup.h"
#include "cli/report/said.h"

namespace tarn::cli {
namespace {

constexpr size_t kColumns = 480, kMarksMost = 120, kMarksBytes = 48 << 10;
constexpr double kTop = 30, kHeight = 220;  // of the plot, in pixels; above it stand names of events
constexpr uint64_t kUnits = 1000;           // of the plot's own height

// What is resident, from below: never more than that in all.
struct Layers {
    bool known = false;
    uint64_t time_ns = 0, objects = 0, kept = 0, other = 0;
    uint64_t resident() const { return objects + kept + other; }
};

Layers layers_of(const tarn_record_point& point) {
    uint64_t live = 0, left = point.resident;
    if (__builtin_add_overflow(point.live_small, point.live_large, &live)) live = UINT64_MAX;
    Layers layers{true, point.time_ns, 0, std::min(point.kept, left), 0};
    left -= layers.kept;
    layers.objects = std::min(live, left);
    layers.other = left - layers.objects;
    return layers;
}

// Columns of equal time, each with the highest point in it, or what was last seen before it.
std::vector<Layers> columns_of(const std::vector<tarn_record_point>& points, uint64_t begin, uint64_t end) {
    std::vector<Layers> columns(kColumns);
    for (const tarn_record_point& point : points) {
        if (point.time_ns < begin || point.time_ns > end) continue;
        double share = static_cast<double>(point.time_ns - begin) / static_cast<double>(end - begin);
        Layers& column = columns[std::min(static_cast<size_t>(share * kColumns), kColumns - 1)];
        Layers layers = layers_of(point);
        if (!column.known || layers.resident() >= column.resident()) column = layers;
    }
    for (size_t i = 1; i < kColumns; ++i)
        if (!columns[i].known) columns[i] = columns[i - 1];
    return columns;
}

// A round step of which at most five make up `most`.
double step_of(double most) {
    double step = std::pow(10.0, std::floor(std::log10(most / 5)));
    for (double times : {1.0, 2.0, 2.5, 5.0, 10.0})
        if (step * times * 5 >= most) return step * times;
    return step * 10;
}

struct Axis {
    double unit = 1, step = 1, top = 1;  // bytes, units, units
    std::string word(double value) const {
        constexpr std::array kNames = {"B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"};
        auto number = static_cast<size_t>(std::lround(std::log2(unit) / 10));
        return value == 0 ? "0" : fmt::format("{:g} {}", value, kNames[number]);
    }
};

Axis axis_of(uint64_t most) {
    Axis axis;
    auto bytes = static_cast<double>(std::max<uint64_t>(most, 1));
    while (bytes >= 1024) {
        bytes /= 1024;
        axis.unit *= 1024;
    }
    axis.step = step_of(bytes);
    axis.top = std::ceil(bytes / axis.step - 1e-9) * axis.step;
    return axis;
}

std::string clock_word(uint64_t seconds_10) {
    uint64_t seconds = seconds_10 / 10, minutes = seconds / 60;
    if (seconds_10 == 0) return "0";
    if (seconds_10 % 10) return fmt::format("{}.{} s", seconds, seconds_10 % 10);
    if (seconds % 60)
        return minutes ? fmt::format("{} min {} s", minutes, seconds % 60) : fmt::format("{} s", seconds);
    if (minutes % 60)
        return minutes >= 60 ? fmt::format("{} h {} min", minutes / 60, minutes % 60)
                             : fmt::format("{} min", minutes);
    uint64_t hours = minutes / 60;
    return hours % 24 == 0 ? fmt::format("{} d", hours / 24) : fmt::format("{} h", hours);
}

std::string time_ticks(uint64_t lasted_ns) {
    constexpr std::array<uint64_t, 21> kSteps = {1,     2,     5,     10,     20,     50,     100,
                                                 150,   300,   600,   1200,   3000,   6000,   9000,
                                                 18000, 36000, 72000, 108000, 216000, 432000, 864000};
    uint64_t lasted = lasted_ns / 100'000'000, step = 864000;
    for (uint64_t one : kSteps)
        if (lasted / one <= 5) {
            step = one;
            break;
        }
    while (lasted / step > 5)
        step *= 2;
    std::string text;
    for (uint64_t at = 0; at <= lasted; at += step) {
        double share = static_cast<double>(at) / std::max(1.0, static_cast<double>(lasted_ns) / 1e8);
        const char* side = at == 0 ? "start" : share > 0.94 ? "end" : "middle";
        text += fmt::format("<text class=\"tick\" text-anchor=\"{}\" x=\"{}\" y=\"{}\">{}</text>\n", side,
                            percent(share, 1), kTop + kHeight + 17, clock_word(at));
    }
    return text;
}

std::string area(const char* kind, const std::vector<Layers>& columns, double top, size_t first,
                 uint64_t (*lower)(const Layers&), uint64_t (*upper)(const Layers&)) {
    auto height = [top](uint64_t bytes) {
        return kUnits - std::lround(std::min(1.0, static_cast<double>(bytes) / top) * kUnits);
    };
    std::string path;
    for (size_t i = first; i < columns.size(); ++i)
        path += fmt::format("{}{} {}", i == first ? "M" : "L", i, height(upper(columns[i])));
    for (size_t i = columns.size(); i-- > first;)
        path += fmt::format("L{} {}", i, height(lower(columns[i])));
    return fmt::format("<path class=\"{}\" d=\"{}Z\"/>\n", kind, path);
}

std::string areas(const std::vector<Layers>& columns, double top) {
    size_t first = 0;
    while (first + 2 < columns.size() && !columns[first].known)
        ++first;
    std::string text = fmt::format(
        "<svg class=\"plot\" x=\"0\" y=\"{}\" width=\"100%\" height=\"{}\" viewBox=\"0 0 {} {}\" "
        "preserveAspectRatio=\"none\">\n",
        kTop, kHeight, kColumns - 1, kUnits);
    text += area(
        "objects", columns, top, first, [](const Layers&) { return uint64_t{0}; },
        [](const Layers& at) { return at.objects; });
    text += area(
        "kept", columns, top, first, [](const Layers& at) { return at.objects; },
        [](const Layers& at) { return at.objects + at.kept; });
    text += area(
        "other", columns, top, first, [](const Layers& at) { return at.objects + at.kept; },
        [](const Layers& at) { return at.resident(); });
    return text + "</svg>\n";
}

std::string grid(const Axis& axis) {
    std::string text;
    for (double value = 0; value <= axis.top * 1.0001; value += axis.step) {
        double y = kTop + kHeight * (1 - value / axis.top);
        text += fmt::format("<line class=\"grid\" x1=\"0\" x2=\"100%\" y1=\"{0:.1f}\" y2=\"{0:.1f}\"/>\n", y);
        if (value > 0)
            text += fmt::format("<text class=\"tick\" x=\"2\" y=\"{:.1f}\">{}</text>\n", y + 12,
                                axis.word(value));
    }
    return text;
}

bool is_named(const reader::Event& event) {
    return is_alarming(event) || event.kind == TARN_RECORD_EVENT_PHASE;
}

bool has_names(const reader::Record& record) {
    return std::any_of(record.events.begin(), record.events.end(), is_named);
}

// Alarms and phases are named; where names would lie on each other, the line alone is drawn.
std::string marks(const Shown& shown, uint64_t begin, uint64_t end) {
    constexpr double kNameShare = 0.16;
    std::vector<const reader::Event*> events;
    for (const reader::Event& event : shown.record.events)
        if (event.kind != TARN_RECORD_EVENT_SAMPLING && event.time_ns >= begin && event.time_ns <= end)
            events.push_back(&event);
    std::stable_partition(events.begin(), events.end(),
                          [](const reader::Event* event) { return is_named(*event); });
    if (events.size() > kMarksMost) events.resize(kMarksMost);
    std::vector<double> named;
    Bounded all(kMarksBytes);
    for (const reader::Event* event : events) {
        double share = static_cast<double>(event->time_ns - begin) / static_cast<double>(end - begin);
        bool phase = event->kind == TARN_RECORD_EVENT_PHASE, alarm = is_alarming(*event);
        std::string name = phase ? event->text : event_name(event->kind);
        std::string text = fmt::format("<g class=\"mark{}\"><title>{}: {}{}</title>",
                                       alarm   ? " alarm"
                                       : phase ? " phase"
                                               : "",
                                       escaped(after_start(shown.record, event->time_ns)),
                                       escaped(event_name(event->kind)), escaped(event_details(*event)));
        text += fmt::format("<line x1=\"{0}\" x2=\"{0}\" y1=\"{1}\" y2=\"{2}\"/>", percent(share, 1),
                            phase || alarm ? kTop - 12 : kTop + kHeight,
                            kTop + kHeight + (phase || alarm ? 0 : 6));
        bool free = std::none_of(named.begin(), named.end(),
                                 [&](double other) { return std::abs(other - share) < kNameShare; });
        if ((phase || alarm) && free) {
            named.push_back(share);
            text += fmt::format("<text text-anchor=\"{}\" x=\"{}\" y=\"{}\">{}</text>",
                                share > 0.8 ? "end" : "start", percent(share, 1), kTop - 16,
                                escaped(cut(name, 18)));
        }
        all.add(text + "</g>\n");
    }
    return all.text();
}

// The columns once more, for who points at one: seconds and the three parts.
std::string values_of(const std::vector<Layers>& columns, uint64_t begin) {
    std::string text = "[";
    for (const Layers& at : columns)
        text += fmt::format("{}[{},{},{},{}]", text.size() > 1 ? "," : "",
                            at.known ? static_cast<double>((at.time_ns - begin) / 1'000'000) / 1e3 : 0.0,
                            at.objects, at.kept, at.other);
    return data_block("curve-data", text + "]");
}

}  // namespace

std::string chart(const Shown& shown) {
    const reader::Record& record = shown.record;
    if (record.points.size() < 2) return "";
    uint64_t begin = record.header.started_ns;
    uint64_t end = record.last_ns() + (is_there(shown.state) ? shown.state.silent_ns : 0);
    begin = std::min(begin, record.points.front().time_ns);
    if (end <= begin) return "";
    std::vector<Layers> columns = columns_of(record.points, begin, end);
    uint64_t most = 0;
    for (const Layers& at : columns)
        most = std::max(most, at.resident());
    Axis axis = axis_of(most);
    std::string text = fmt::format(
        "<figure>\n<figcaption class=\"key\"><span class=\"objects\">objects</span> <span "
        "class=\"kept\">kept by tarn</span> "
        "<span class=\"other\">not malloc’s</span> <output id=\"at\"></output></figcaption>\n"
        "<svg id=\"curve\" class=\"{}\" width=\"100%\" height=\"{}\" role=\"img\" aria-label=\"Resident "
        "memory over {}, "
        "at most {}\">\n",
        has_names(shown.record) ? "named" : "", kTop + kHeight + 24, time_word(end - begin),
        bytes_word(most));
    text += areas(columns, axis.top * axis.unit) + grid(axis) + time_ticks(end - begin) +
            marks(shown, begin, end);
    return text +
           fmt::format(
               "<line id=\"cursor\" x1=\"0\" x2=\"0\" y1=\"{}\" y2=\"{}\" "
               "visibility=\"hidden\"/>\n</svg>\n</figure>\n",
               kTop, kTop + kHeight) +
           values_of(columns, begin);
}

std::string bars(const uint64_t* values, size_t count, const std::string& title) {
    uint64_t most = std::max<uint64_t>(1, *std::max_element(values, values + count));
    std::string text = fmt::format(
        "<svg class=\"bars\" viewBox=\"0 0 {} 24\" width=\"{}\" height=\"24\" role=\"img\"><title>{}</title>",
        count * 6, count * 6, escaped(title));
    for (size_t i = 0; i < count; ++i) {
        double height =
            values[i] == 0 ? 0.75
                           : std::max(1.5, 24.0 * static_cast<double>(values[i]) / static_cast<double>(most));
        text += fmt::format("<rect class=\"{}\" x=\"{}\" y=\"{:.2f}\" width=\"5\" height=\"{:.2f}\"/>",
                            values[i] ? "b" : "z", i * 6, 24 - height, height);
    }
    return text + "</svg>";
}

}  // namespace tarn::cli
