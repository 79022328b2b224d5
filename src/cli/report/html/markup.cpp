// SPDX-License-Identifier: MIT
#include "cli/report/html/markup.h"

#include <fmt/format.h>

#include "cli/report/html/assets.h"
#include "reader/text.h"

namespace tarn::cli {
namespace {

constexpr size_t kHeadBytes = 8 << 10;  // of a document besides style, script and body

}  // namespace

std::string escaped(std::string_view text) {
    std::string safe;
    for (char letter : reader::printable(text)) {
        switch (letter) {
            case '&':
                safe += "&amp;";
                break;
            case '<':
                safe += "&lt;";
                break;
            case '>':
                safe += "&gt;";
                break;
            case '"':
                safe += "&quot;";
                break;
            case '\'':
                safe += "&#39;";
                break;
            default:
                safe += letter;
        }
    }
    return safe;
}

std::string json_text(std::string_view text) {
    std::string safe = "\"";
    for (char letter : reader::printable(text)) {
        if (letter == '"' || letter == '\\')
            safe += std::string("\\") + letter;
        else if (letter == '<' || letter == '>' || letter == '&')
            safe += fmt::format("\\u{:04x}", static_cast<unsigned>(letter));
        else
            safe += letter;
    }
    return safe + "\"";
}

std::string percent(double part, double whole) {
    return whole > 0 ? fmt::format("{:.4g}%", 100 * part / whole) : "0%";
}

std::string number_cell(const char* label, uint64_t value, const std::string& shown) {
    return fmt::format("<td class=\"n\" data-l=\"{}\" data-v=\"{}\">{}</td>", label, value, shown);
}

std::string tile(const std::string& kind, const std::string& name, const std::string& value,
                 const std::string& more) {
    return fmt::format("<div class=\"tile {}\"><dt>{}</dt><dd>{}</dd><dd class=\"more\">{}</dd></div>\n",
                       kind, escaped(name), escaped(value), escaped(more));
}

std::string section(const char* id, const std::string& title, const std::string& content) {
    if (content.empty()) return "";
    return fmt::format("<section id=\"{}\">\n<h2>{}</h2>\n{}</section>\n", id, escaped(title), content);
}

std::string data_block(const char* id, const std::string& json) {
    return fmt::format("<script type=\"application/json\" id=\"{}\">{}</script>\n", id, json);
}

size_t room_left(size_t bytes) {
    size_t used = bytes + std::string_view(kStyle).size() + std::string_view(kScript).size() + kHeadBytes;
    return used < kPageBytes ? kPageBytes - used : 0;
}

std::string document(const std::string& title, const std::string& body) {
    return fmt::format(
        "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
        "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; script-src '{}'; "
        "style-src '{}'; "
        "img-src data:; base-uri 'none'; form-action 'none'\">\n"
        "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
        "<meta name=\"color-scheme\" content=\"light dark\">\n<meta name=\"referrer\" "
        "content=\"no-referrer\">\n"
        "<link rel=\"icon\" "
        "href=\"data:,\">\n<title>{}</title>\n<style>{}</style>\n</head>\n<body>\n{}<script>{}</script>\n"
        "</body>\n</html>\n",
        kScriptHash, kStyleHash, escaped(title), kStyle, body, kScript);
}

}  // namespace tarn::cli
