// SPDX-License-Identifier: MIT
#include "base/text.h"

#include "base/output.h"

namespace tarn {

namespace {

// Digits of `value` in `base`, at the end of `buffer`; the first digit.
char* digits(uint64_t value, unsigned base, char* end) {
    do {
        *--end = "0123456789abcdef"[value % base];
        value /= base;
    } while (value);
    return end;
}

size_t length_of(const char* text) {
    size_t length = 0;
    while (text[length])
        ++length;
    return length;
}

}  // namespace

Text::Text(Output& output) : sink_(Output::sink), context_(&output) {}

Text& Text::add(const char* text, size_t length) {
    for (size_t i = 0; i < length; ++i) {
        if (used_ == sizeof buffer_) flush();
        buffer_[used_++] = text[i];
    }
    return *this;
}

Text& Text::add(const char* text) {
    return add(text, length_of(text));
}

Text& Text::spaces(int count) {
    while (count-- > 0)
        add(' ');
    return *this;
}

Text& Text::decimal(uint64_t value, int width) {
    char buffer[24];
    char* end = buffer + sizeof buffer;
    char* first = digits(value, 10, end);
    spaces(width - static_cast<int>(end - first));
    return add(first, static_cast<size_t>(end - first));
}

Text& Text::signed_decimal(int64_t value) {
    if (value < 0) add('-');
    return decimal(value < 0 ? 0 - static_cast<uint64_t>(value) : static_cast<uint64_t>(value));
}

Text& Text::hex(uint64_t value) {
    char buffer[24];
    char* end = buffer + sizeof buffer;
    char* first = digits(value, 16, end);
    return add("0x").add(first, static_cast<size_t>(end - first));
}

Text& Text::fixed(double value, int decimals, int width) {
    uint64_t scale = 1;
    for (int i = 0; i < decimals; ++i)
        scale *= 10;
    // The whole part apart, so that no digit of it is lost to the scaling.
    uint64_t whole = static_cast<uint64_t>(value);
    uint64_t part =
        static_cast<uint64_t>((value - static_cast<double>(whole)) * static_cast<double>(scale) + 0.5);
    if (part >= scale) ++whole, part -= scale;
    decimal(whole, decimals > 0 ? width - decimals - 1 : width);
    if (decimals == 0) return *this;
    add('.');
    for (uint64_t digit = scale / 10; digit; digit /= 10)
        add(static_cast<char>('0' + part / digit % 10));
    return *this;
}

Text& Text::padded(const char* text, int width) {
    add(text);
    return spaces(width - static_cast<int>(length_of(text)));
}

void Text::flush() {
    if (used_) sink_(context_, buffer_, used_);
    used_ = 0;
}

}  // namespace tarn
