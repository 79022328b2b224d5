// SPDX-License-Identifier: MIT
#include "report/escape.h"

namespace tarn {

namespace {

constexpr const char* kReplacement = "\xef\xbf\xbd";  // U+FFFD

bool between(unsigned char byte, unsigned char low, unsigned char high) {
    return byte >= low && byte <= high;
}

// Bytes of the well-formed UTF-8 character at `at` (RFC 3629, section 4), 0 when there is none. Reads no
// byte behind the string's end: the terminating zero continues no character.
size_t character_length(const unsigned char* at) {
    const unsigned char first = at[0];
    if (first < 0x80) return 1;
    const unsigned char low = first == 0xe0 ? 0xa0 : first == 0xf0 ? 0x90 : 0x80;
    const unsigned char high = first == 0xed ? 0x9f : first == 0xf4 ? 0x8f : 0xbf;
    size_t length = 0;
    if (between(first, 0xc2, 0xdf))
        length = 2;
    else if (between(first, 0xe0, 0xef))
        length = 3;
    else if (between(first, 0xf0, 0xf4))
        length = 4;
    if (length == 0 || !between(at[1], low, high)) return 0;
    for (size_t i = 2; i < length; ++i)
        if (!between(at[i], 0x80, 0xbf)) return 0;
    return length;
}

bool is_control(const unsigned char* at) {
    return at[0] < 0x20 || at[0] == 0x7f || (at[0] == 0xc2 && at[1] < 0xa0);
}

void add_control(Text& text, unsigned char byte, Escape escape) {
    constexpr char kDigits[] = "0123456789abcdef";
    if (escape == Escape::kJson)
        text.add("\\u00").add(kDigits[byte >> 4]).add(kDigits[byte & 15]);
    else if (byte == '\n')
        text.add("\\n");
    else
        text.add(static_cast<char>(byte));
}

}  // namespace

Text& add_escaped(Text& text, const char* string, Escape escape) {
    const unsigned char* at = reinterpret_cast<const unsigned char*>(string);
    while (*at) {
        const size_t length = character_length(at);
        if (length == 0)
            text.add(escape == Escape::kPlain ? "?" : kReplacement);
        else if (escape == Escape::kPlain && is_control(at))
            text.add('?');
        else if (*at < 0x20)
            add_control(text, *at, escape);
        else if (escape != Escape::kPlain && (*at == '"' || *at == '\\'))
            text.add('\\').add(static_cast<char>(*at));
        else
            text.add(reinterpret_cast<const char*>(at), length);
        at += length ? length : 1;
    }
    return text;
}

}  // namespace tarn
