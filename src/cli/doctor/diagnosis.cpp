// SPDX-License-Identifier: MIT
#include "cli/doctor/diagnosis.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "cli/common/words.h"
#include "reader/text.h"

namespace tarn::cli {
namespace {

using nlohmann::ordered_json;

void line(std::string* text, const char* title, const std::string& words) {
    *text += fmt::format("  {:<9} {}\n", title, reader::printable(words));
}

}  // namespace

std::string diagnosis_text(const Diagnosis& found) {
    Terminal shown = terminal();
    std::string text = fmt::format(
        "{} in {}", found.active() ? shown.strong("tarn is active") : shown.alarming("tarn is not active"),
        reader::printable(found.subject));
    if (!found.library.empty()) text += ": " + reader::printable(found.library);
    if (!found.version.empty()) text += ", tarn " + reader::printable(found.version);
    text += "\n";
    for (const Reason& reason : found.reasons) {
        line(&text, "because", "it " + reason.why);
        line(&text, "so", reason.advice);
    }
    for (const std::string& note : found.notes)
        line(&text, "note", note);
    for (const std::string& one : found.variables)
        line(&text, "variable", one);
    for (const Limit& limit : found.limits)
        line(&text, "limit", fmt::format("{} = {}: {}", limit.name, limit.value, limit.meaning));
    for (const std::string& hint : found.hints)
        line(&text, "hint", hint);
    return text;
}

std::string diagnosis_json(const Diagnosis& found) {
    ordered_json shown = {{"active", found.active()},
                          {"subject", reader::printable(found.subject)},
                          {"library", reader::printable(found.library)},
                          {"version", reader::printable(found.version)},
                          {"reasons", ordered_json::array()},
                          {"notes", found.notes},
                          {"variables", found.variables},
                          {"limits", ordered_json::array()},
                          {"hints", found.hints}};
    for (const Reason& reason : found.reasons)
        shown["reasons"].push_back({{"code", reason.code}, {"why", reason.why}, {"advice", reason.advice}});
    for (const Limit& limit : found.limits)
        shown["limits"].push_back({{"name", limit.name}, {"value", limit.value}, {"meaning", limit.meaning}});
    return shown.dump(2, ' ', false, ordered_json::error_handler_t::replace) + "\n";
}

}  // namespace tarn::cli
