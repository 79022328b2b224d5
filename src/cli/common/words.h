// SPDX-License-Identifier: MIT
// Numbers as a person reads them, and what a terminal can show.
#pragma once
#include <cstdint>
#include <string>
#include <string_view>

namespace tarn::cli {

std::string bytes_word(uint64_t bytes);              // "1.5 MiB"
std::string time_word(uint64_t nanoseconds);         // "850 ms", "12.3 s", "4 min 10 s", "2 h 5 min"
std::string number_word(uint64_t number);            // "1,234,567"
std::string share_word(uint64_t part, uint64_t of);  // "12 %", "< 1 %"
// At most `most` characters of a text in UTF-8, the last one "~" where it was cut.
std::string cut(std::string_view text, size_t most);

// A function's name as short as a person needs it: std::string, and no arguments of templates where they are long.
std::string short_name(const std::string& function);

struct Terminal {
    bool colour = false;   // it is a terminal, and nobody said NO_COLOR
    bool unicode = false;  // the locale has UTF-8
    size_t width = 100;

    std::string strong(const std::string& text) const { return painted("1", text); }
    std::string faint(const std::string& text) const { return painted("2", text); }
    std::string alarming(const std::string& text) const { return painted("1;31", text); }
    std::string painted(const char* code, const std::string& text) const;
};

// Of standard output. https://no-color.org
Terminal terminal();

}  // namespace tarn::cli
