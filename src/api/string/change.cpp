// SPDX-License-Identifier: MIT
// cow_string.h implemented: slices, and text changed. Each looks first whether anything changes at all.
#include <errno.h>
#include <stdint.h>
#include <string.h>

#include "api/string/cow_string.h"

namespace {

using tarn::NewString;

int unchanged(const tarn_string* text, tarn_string* result) {
    if (result != text) tarn_string_share(text, result);
    return 0;
}

bool is_space(char c) {
    return c == ' ' || (c >= '\t' && c <= '\r');
}

// The bytes of a word between kFirst and kLast have their top bit set in the mask. No carry passes between
// bytes, since top bits are taken out before (as in Warren, Hacker's Delight, 6-1).
template <unsigned char kFirst>
uint64_t letters(uint64_t word) {
    constexpr uint64_t ones = 0x0101010101010101, tops = ones << 7;
    constexpr unsigned char last = kFirst + 25;
    const uint64_t low = word & ~tops;
    return (low + ones * (0x80 - kFirst)) & ~(low + ones * (0x7f - last)) & ~word & tops;
}

uint64_t load(const char* text) {
    uint64_t word;
    memcpy(&word, text, sizeof word);
    return word;
}

template <unsigned char kFirst>
bool is_letter(char c) {
    return static_cast<unsigned char>(static_cast<unsigned char>(c) - kFirst) < 26;
}

// Where the first letter is that begins the alphabet of kFirst ('A' or 'a'), or `length`.
template <unsigned char kFirst>
size_t find_letter(const char* text, size_t length) {
    size_t at = 0;
    for (; length - at >= 8; at += 8)
        if (const uint64_t found = letters<kFirst>(load(text + at)))
            return at + static_cast<size_t>(__builtin_ctzll(found)) / 8;
    while (at < length && !is_letter<kFirst>(text[at]))
        ++at;
    return at;
}

// In the other case; `to` may be `from`.
template <unsigned char kFirst>
void convert(const char* from, size_t length, char* to) {
    size_t at = 0;
    for (; length - at >= 8; at += 8) {
        uint64_t word = load(from + at);
        word ^= letters<kFirst>(word) >> 2;  // the bit between 'A' and 'a'
        memcpy(to + at, &word, sizeof word);
    }
    for (; at < length; ++at)
        to[at] = static_cast<char>(from[at] ^ (is_letter<kFirst>(from[at]) << 5));
}

template <unsigned char kFirst>
int change_case(const tarn_string* text, tarn_string* result) {
    const size_t length = tarn_string_length(text);
    const char* const old = tarn_string_text(text);
    const size_t same = find_letter<kFirst>(old, length);
    if (same == length) return unchanged(text, result);
    if (result == text && (tarn_string_is_short(text) || tarn::is_alone(*text))) {
        convert<kFirst>(old + same, length - same, const_cast<char*>(old) + same);
        return 0;
    }
    NewString copy;
    if (!tarn::make_string(length, length, copy)) return -1;
    memcpy(copy.text, old, same);
    convert<kFirst>(old + same, length - same, copy.text + same);
    tarn_string_count_copied(length);
    tarn::replace_string(text, copy.value, result);
    return 0;
}

// By the first byte, which is quick where it is rare; where it is not, by memmem, which is linear whatever
// the text.
const char* find(const char* begin, const char* end, const char* what, size_t length) {
    constexpr int kFalseMost = 16;
    for (int i = 0; i < kFalseMost; ++i) {
        if (static_cast<size_t>(end - begin) < length) return nullptr;
        const size_t places = static_cast<size_t>(end - begin) - length + 1;
        const char* const first = static_cast<const char*>(memchr(begin, *what, places));
        if (!first || (first[length - 1] == what[length - 1] && memcmp(first, what, length) == 0))
            return first;
        begin = first + 1;
    }
    return static_cast<const char*>(memmem(begin, static_cast<size_t>(end - begin), what, length));
}

struct Replacement {
    const char *from, *to;
    size_t from_length, to_length;
};

// Where `from` is found: the first places are noted, the others are searched for again.
struct Places {
    static constexpr size_t kNoted = 16;
    size_t count = 0;
    const char* noted[kNoted];
};

void find_all(const char* found, const char* end, const Replacement& r, Places& places) {
    for (; found; found = find(found + r.from_length, end, r.from, r.from_length)) {
        if (places.count < Places::kNoted) places.noted[places.count] = found;
        ++places.count;
    }
}

// Copies with all replaced.
void replace_all(const char* at, const char* end, const Places& places, const Replacement& r, char* to) {
    for (size_t i = 0; i < places.count; ++i) {
        const char* const found = i < Places::kNoted ? places.noted[i] : find(at, end, r.from, r.from_length);
        const size_t before = static_cast<size_t>(found - at);
        memcpy(to, at, before);
        if (r.to_length) memcpy(to + before, r.to, r.to_length);
        to += before + r.to_length;
        at = found + r.from_length;
    }
    memcpy(to, at, static_cast<size_t>(end - at));
}

// The new length; false when it is too large.
bool replaced_length(const Places& places, const Replacement& r, size_t length, size_t& result) {
    size_t added;
    const size_t kept = length - places.count * r.from_length;
    return !__builtin_mul_overflow(places.count, r.to_length, &added) &&
           !__builtin_add_overflow(kept, added, &result);
}

}  // namespace

void tarn_string_slice_short(const tarn_string* text, size_t position, size_t length, tarn_string* result) {
    const tarn_string slice = tarn::short_string(tarn_string_text(text) + position, length);
    if (length && (position || result != text)) tarn_string_count_copied(length);
    tarn::replace_string(text, slice, result);
}

void tarn_string_trim(const tarn_string* text, enum tarn_string_side side, tarn_string* result) {
    const char* const begin = tarn_string_text(text);
    size_t first = 0, end = tarn_string_length(text);
    if (side & TARN_STRING_START)
        while (first < end && is_space(begin[first]))
            ++first;
    if (side & TARN_STRING_END)
        while (end > first && is_space(begin[end - 1]))
            --end;
    tarn_string_slice(text, first, end - first, result);
}

int tarn_string_lower(const tarn_string* text, tarn_string* result) {
    return change_case<'A'>(text, result);
}
int tarn_string_upper(const tarn_string* text, tarn_string* result) {
    return change_case<'a'>(text, result);
}

int tarn_string_replace(const tarn_string* text, const char* from, size_t from_length, const char* to,
                        size_t to_length, tarn_string* result) {
    const size_t length = tarn_string_length(text);
    const char* const begin = tarn_string_text(text);
    const char* const end = begin + length;
    const bool same = from_length == 0 || (from_length == to_length && memcmp(from, to, to_length) == 0);
    const char* const found = same ? nullptr : find(begin, end, from, from_length);
    if (!found) return unchanged(text, result);
    const Replacement replacement{from, to, from_length, to_length};
    Places places;
    find_all(found, end, replacement, places);
    size_t whole;
    NewString copy;
    if (!replaced_length(places, replacement, length, whole)) {
        errno = ENOMEM;
        return -1;
    }
    if (!tarn::make_string(whole, whole, copy)) return -1;
    replace_all(begin, end, places, replacement, copy.text);
    if (whole) tarn_string_count_copied(whole);
    tarn::replace_string(text, copy.value, result);
    return 0;
}

int tarn_string_split_next(const tarn_string* text, const char* separator, size_t separator_length,
                           size_t* position, tarn_string* piece) {
    const size_t length = tarn_string_length(text), first = *position;
    if (first > length) return 0;
    const char* const begin = tarn_string_text(text);
    const char* const found =
        separator_length ? find(begin + first, begin + length, separator, separator_length) : nullptr;
    const size_t end = found ? static_cast<size_t>(found - begin) : length;
    *position = found ? end + separator_length : SIZE_MAX;
    tarn_string_slice(text, first, end - first, piece);
    return 1;
}
