// SPDX-License-Identifier: MIT
#include "cli/common/words.h"

#include <fmt/format.h>
#include <langinfo.h>
#include <locale.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <cstdlib>

namespace tarn::cli {

std::string bytes_word(uint64_t bytes) {
    constexpr std::array kUnits = {"B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"};
    double value = static_cast<double>(bytes);
    size_t unit = 0;
    // What would be shown as 1024.0 of a unit is 1.0 of the next.
    while (value >= 1023.95 && unit + 1 < kUnits.size()) {
        value /= 1024;
        ++unit;
    }
    return unit == 0 ? fmt::format("{} B", bytes) : fmt::format("{:.1f} {}", value, kUnits[unit]);
}

std::string time_word(uint64_t nanoseconds) {
    uint64_t milliseconds = nanoseconds / 1'000'000, seconds = milliseconds / 1000, minutes = seconds / 60;
    if (seconds == 0) return fmt::format("{} ms", milliseconds);
    if (minutes == 0) return fmt::format("{}.{} s", seconds, milliseconds % 1000 / 100);
    if (minutes < 60) return fmt::format("{} min {} s", minutes, seconds % 60);
    return fmt::format("{} h {} min", minutes / 60, minutes % 60);
}

std::string number_word(uint64_t number) {
    std::string digits = std::to_string(number);
    for (size_t place = digits.size(); place > 3; place -= 3)
        digits.insert(place - 3, 1, ',');
    return digits;
}

std::string share_word(uint64_t part, uint64_t of) {
    if (of == 0) return "";
    double percent = 100.0 * static_cast<double>(part) / static_cast<double>(of);
    return percent < 1 && part != 0 ? "< 1 %" : fmt::format("{:.0f} %", percent);
}

std::string cut(std::string_view text, size_t most) {
    auto begins_character = [](char byte) { return (static_cast<unsigned char>(byte) & 0xc0) != 0x80; };
    auto characters = static_cast<size_t>(std::count_if(text.begin(), text.end(), begins_character));
    if (characters <= most || most == 0) return std::string(text);
    size_t place = 0;
    for (size_t seen = 0; place < text.size(); ++place)
        if (begins_character(text[place]) && seen++ == most - 1) break;
    return std::string(text.substr(0, place)) + "~";
}

std::string short_name(const std::string& function) {
    constexpr size_t kLong = 60;
    constexpr std::string_view kString =
        "std::__cxx11::basic_string<char, std::char_traits<char>, std::allocator<char> >";
    std::string name = function;
    for (size_t place; (place = name.find(kString)) != std::string::npos;)
        name.replace(place, kString.size(), "std::string");
    if (name.size() <= kLong) return name;
    std::string made;
    size_t depth = 0;
    for (size_t i = 0; i < name.size(); ++i) {
        bool of_template = i != 0 &&
                           (std::isalnum(static_cast<unsigned char>(name[i - 1])) || name[i - 1] == '_') &&
                           !(made.size() >= 8 && made.compare(made.size() - 8, 8, "operator") == 0);
        if (name[i] == '<' && (depth != 0 || of_template) && depth++ == 0) made += "<...>";
        if (depth == 0) made += name[i];
        if (name[i] == '>' && depth != 0) --depth;
    }
    return depth == 0 ? made : name;
}

std::string Terminal::painted(const char* code, const std::string& text) const {
    return colour && !text.empty() ? fmt::format("\033[{}m{}\033[0m", code, text) : text;
}

Terminal terminal() {
    Terminal found;
    setlocale(LC_CTYPE, "");
    found.unicode = std::string_view(nl_langinfo(CODESET)) == "UTF-8";
    if (!isatty(STDOUT_FILENO)) return found;
    const char* refused = std::getenv("NO_COLOR");
    const char* kind = std::getenv("TERM");
    found.colour = (!refused || !*refused) && kind && std::string_view(kind) != "dumb";
    winsize size = {};
    if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col >= 40) found.width = size.ws_col;
    return found;
}

}  // namespace tarn::cli
