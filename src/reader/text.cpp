// SPDX-License-Identifier: MIT
#include "reader/text.h"

#include <cstdint>

namespace tarn::reader {
namespace {

// Length of the character that `text` begins with, 0 when it is none that may be shown. Overlong forms, surrogates and
// what lies past U+10FFFF are none, nor are the control characters U+0080 to U+009F.
size_t character(std::string_view text) {
    auto byte = [&](size_t i) { return i < text.size() ? static_cast<unsigned char>(text[i]) : 0u; };
    auto follows = [&](size_t i) { return (byte(i) & 0xc0) == 0x80; };
    unsigned first = byte(0);
    if (first < 0x80) return first >= 0x20 && first != 0x7f ? 1 : 0;
    if (first >= 0xc2 && first <= 0xdf) return follows(1) && (first != 0xc2 || byte(1) >= 0xa0) ? 2 : 0;
    if ((first & 0xf0) == 0xe0) {
        bool whole = follows(1) && follows(2);
        bool wrong = (first == 0xe0 && byte(1) < 0xa0) || (first == 0xed && byte(1) > 0x9f);
        return whole && !wrong ? 3 : 0;
    }
    if (first >= 0xf0 && first <= 0xf4) {
        bool whole = follows(1) && follows(2) && follows(3);
        bool wrong = (first == 0xf0 && byte(1) < 0x90) || (first == 0xf4 && byte(1) > 0x8f);
        return whole && !wrong ? 4 : 0;
    }
    return 0;
}

}  // namespace

std::string_view until_zero(const char* text, size_t room) {
    std::string_view all(text, room);
    return all.substr(0, all.find('\0'));
}

std::string printable(std::string_view text) {
    std::string shown;
    shown.reserve(text.size());
    while (!text.empty()) {
        size_t length = character(text);
        if (length == 0) {
            shown += '?';
            length = 1;
        } else {
            shown += text.substr(0, length);
        }
        text.remove_prefix(length);
    }
    return shown;
}

std::string hexadecimal(std::string_view bytes) {
    std::string digits;
    for (unsigned char byte : bytes) {
        digits += "0123456789abcdef"[byte >> 4];
        digits += "0123456789abcdef"[byte & 15];
    }
    return digits;
}

}  // namespace tarn::reader
