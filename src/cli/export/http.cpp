// SPDX-License-Identifier: MIT
#include "cli/export/http.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>

namespace tarn::cli {
namespace {

const char* reason(int status) {
    switch (status) {
        case 200:
            return "OK";
        case 400:
            return "Bad Request";
        case 403:
            return "Forbidden";
        case 404:
            return "Not Found";
        case 405:
            return "Method Not Allowed";
        case 408:
            return "Request Timeout";
        case 431:
            return "Request Header Fields Too Large";
        default:
            return "Internal Server Error";
    }
}

// The next line without its end, which is taken off `text`.
std::string_view next_line(std::string_view* text) {
    size_t end = text->find('\n');
    std::string_view line = text->substr(0, end);
    text->remove_prefix(end == std::string_view::npos ? text->size() : end + 1);
    if (!line.empty() && line.back() == '\r') line.remove_suffix(1);
    return line;
}

bool same_name(std::string_view a, std::string_view b) {
    return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                      [](unsigned char x, unsigned char y) { return std::tolower(x) == std::tolower(y); });
}

bool is_plain(std::string_view text) {
    return std::all_of(text.begin(), text.end(), [](unsigned char c) { return c > 0x20 && c < 0x7f; });
}

}  // namespace

Answer answer(int status, std::string text) {
    Answer made;
    made.status = status;
    made.body = std::make_shared<const std::string>(std::move(text));
    return made;
}

size_t head_end(std::string_view bytes) {
    size_t by_both = bytes.find("\r\n\r\n"), by_one = bytes.find("\n\n");
    size_t end = std::min(by_both == std::string_view::npos ? by_both : by_both + 4,
                          by_one == std::string_view::npos ? by_one : by_one + 2);
    return end;
}

std::optional<Asked> parse_head(std::string_view head) {
    std::string_view line = next_line(&head);
    size_t first = line.find(' '), last = line.rfind(' ');
    if (first == 0 || first == std::string_view::npos || last == first) return {};
    std::string_view method = line.substr(0, first), target = line.substr(first + 1, last - first - 1),
                     version = line.substr(last + 1);
    if (!is_plain(method) || !is_plain(target) || target[0] != '/' || version.substr(0, 7) != "HTTP/1.")
        return {};
    Asked asked{std::string(method), std::string(target.substr(0, target.find('?'))), "", {}};
    for (line = next_line(&head); !line.empty(); line = next_line(&head)) {
        size_t colon = line.find(':');
        if (colon == 0 || colon == std::string_view::npos) return {};
        std::string_view name = line.substr(0, colon), value = line.substr(colon + 1);
        if (same_name(name, "accept")) asked.accept += value;
        if (!same_name(name, "host")) continue;
        if (asked.host) return {};  // which of the two is meant?
        asked.host = value;
    }
    return asked;
}

std::string answer_head(const Answer& answer) {
    return fmt::format(
        "HTTP/1.1 {} {}\r\nContent-Type: {}\r\nContent-Length: {}\r\nConnection: close\r\n"
        "X-Content-Type-Options: nosniff\r\n{}\r\n",
        answer.status, reason(answer.status), answer.type, answer.body->size(),
        answer.status == 405 ? "Allow: GET, HEAD\r\n" : "");
}

}  // namespace tarn::cli
