// SPDX-License-Identifier: MIT
#include "cli/report/html/flame_view.h"

#include <fmt/format.h>

#include <algorithm>
#include <unordered_map>

#include "cli/common/words.h"
#include "cli/report/html/markup.h"

namespace tarn::cli {
namespace {

using reader::Flame;

constexpr uint64_t kParts =
    1 << 15;  // zoomed in 16 times, a frame of so small a part is still less than a pixel
constexpr size_t kNodesMost = 12'000;
constexpr size_t kForgedMost = 60;
constexpr size_t kNameMost = 160;       // characters
constexpr double kDrawnLeast = 0.0015;  // of the width, without a script: 2 pixels
constexpr size_t kDrawnMost = 600, kPictureBytes = 96 << 10;
constexpr size_t kAroundBytes = 2 << 10;  // sentences
constexpr int kRow = 18;

std::string name_of(const Flame& flame, uint32_t number) {
    return cut(short_name(flame.names[number].function), kNameMost);
}

// 0: of a language's library; else one of four, so that neighbours differ.
size_t colour_of(const Flame::Name& name) {
    return name.of_language ? 0 : 1 + name.function.size() % 4;
}

// Names of nodes that are there, and for each number of a name which of them it is.
std::string names_json(const Flame& flame, std::unordered_map<uint32_t, size_t>* numbers) {
    std::string text = "[";
    for (size_t i = 1; i < flame.nodes.size(); ++i) {
        uint32_t number = flame.nodes[i].name;
        if (!numbers->try_emplace(number, numbers->size()).second) continue;
        const Flame::Name& name = flame.names[number];
        text += fmt::format("{}[{},{},{}]", text.size() > 1 ? "," : "", json_text(name_of(flame, number)),
                            json_text(cut(name.file, kNameMost)), colour_of(name));
    }
    return text + "]";
}

std::string json_of(const Flame& flame, FlameOf of) {
    std::unordered_map<uint32_t, size_t> numbers;
    std::string text = fmt::format("{{\"difference\":{},\"names\":", of == FlameOf::kDifference);
    text += names_json(flame, &numbers) + ",\"nodes\":[";
    for (size_t i = 0; i < flame.nodes.size(); ++i) {
        const Flame::Node& node = flame.nodes[i];
        text += fmt::format("{}{},{},{},{},{}", i ? "," : "", node.depth, i ? numbers[node.name] : 0,
                            node.values[0], node.values[1], node.values[2]);
    }
    return text + "]}";
}

// Grew or shrank, and by how much of what was there: as in page.js.
const char* kind_of(const Flame& flame, const Flame::Node& node, FlameOf of) {
    if (of == FlameOf::kProfile) {
        constexpr const char* kColours[] = {"lib", "own1", "own2", "own3", "own4"};
        return kColours[colour_of(flame.names[node.name])];
    }
    auto before = static_cast<double>(node.values[1]), after = static_cast<double>(node.values[2]);
    double change = (after - before) / std::max({before, after, 1.0});
    if (change > 0.5) return "grew2";
    if (change > 0.05) return "grew1";
    if (change < -0.5) return "shrank2";
    return change < -0.05 ? "shrank1" : "same";
}

std::string title_of(const Flame& flame, const Flame::Node& node, FlameOf of) {
    std::string name = escaped(name_of(flame, node.name));
    if (of == FlameOf::kDifference)
        return fmt::format("{}: {} before, {} after", name, bytes_word(node.values[1]),
                           bytes_word(node.values[2]));
    return fmt::format("{}: {} live, {}", name, bytes_word(node.values[0]),
                       share_word(node.values[0], flame.nodes[0].values[0]));
}

// By what is live, in the places where the script draws it again.
std::string picture(const Flame& flame, FlameOf of) {
    auto total = static_cast<double>(flame.nodes[0].values[0]);
    std::vector<double> next = {0};  // at each depth, where the next frame begins
    Bounded frames(kPictureBytes);
    size_t drawn = 0, rows = 0;
    for (size_t i = 1; i < flame.nodes.size(); ++i) {
        const Flame::Node& node = flame.nodes[i];
        next.resize(node.depth + 1);
        double begin = next[node.depth - 1], width = static_cast<double>(node.values[0]);
        next[node.depth] = begin;
        next[node.depth - 1] += width;
        if (width < total * kDrawnLeast || total == 0 || drawn >= kDrawnMost) continue;
        ++drawn;
        rows = std::max<size_t>(rows, node.depth);
        std::string frame = fmt::format(
            "<svg class=\"{}\" x=\"{}\" y=\"{}\" width=\"{}\" height=\"{}\"><title>{}</title><rect "
            "width=\"100%\" height=\"100%\"/>",
            kind_of(flame, node, of), percent(begin, total), (node.depth - 1) * kRow, percent(width, total),
            kRow - 1, title_of(flame, node, of));
        if (width > total * 0.02)
            frame += fmt::format("<text x=\"4\" y=\"12.5\">{}</text>", escaped(name_of(flame, node.name)));
        frames.add(frame + "</svg>\n");
    }
    return fmt::format(
        "<div class=\"flame\"><svg id=\"flame-picture\" width=\"100%\" height=\"{}\" role=\"img\" "
        "aria-label=\"Flame graph\">\n{}</svg></div>\n",
        std::max<size_t>(rows, 1) * kRow, frames.text());
}

std::string left_out(const Flame& flame, uint64_t parts, FlameOf of) {
    if (flame.dropped == 0) return "";
    std::string small =
        of == FlameOf::kDifference
            ? fmt::format("{} before and {} after", bytes_word(flame.left_out[1]),
                          bytes_word(flame.left_out[2]))
            : fmt::format("{} live, {} live at the peak, {} allocated", bytes_word(flame.left_out[0]),
                          bytes_word(flame.left_out[1]), bytes_word(flame.left_out[2]));
    return fmt::format(
        "<p class=\"note\">{} frames are left out that have less than 1/{} of all: {}. Their bytes are in "
        "those of their callers.</p>\n",
        number_word(flame.dropped), number_word(parts), small);
}

}  // namespace

std::string flame_view(const Flame& whole, FlameOf of, size_t bytes) {
    uint64_t parts = 2 * kParts;
    Flame flame;
    std::string json, drawn;
    bool fits = false;
    while (!fits && parts > 16) {
        parts /= 2;
        flame = pruned(whole, parts);
        if (flame.nodes.size() > kNodesMost) continue;
        json = json_of(flame, of);
        drawn = picture(flame, of);
        fits = json.size() + drawn.size() + kAroundBytes <= bytes;
    }
    if (!fits) {  // thousands of frames that have a sixteenth each: forged
        size_t left = std::min(flame.nodes.size(), kForgedMost);
        flame.dropped += flame.nodes.size() - left;
        flame.nodes.resize(left);
        json = json_of(flame, of);
        drawn = picture(flame, of);
    }
    std::string text = "<div id=\"flame-controls\" class=\"controls\" hidden></div>\n";
    text += drawn;
    text += "<p id=\"flame-detail\" class=\"detail\">";
    text += of == FlameOf::kDifference ? "As wide as the larger of before and after. Red grew, blue shrank."
                                       : "As wide as what it and those it called hold. Orange: the program; "
                                         "grey: its language's libraries.";
    return text + "</p>\n" + left_out(flame, parts, of) + data_block("flame-data", json);
}

}  // namespace tarn::cli
