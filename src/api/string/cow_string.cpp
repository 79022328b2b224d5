// SPDX-License-Identifier: MIT
// cow_string.h implemented: buffers, and what reads or appends. What changes text is in
// cow_string_change.cpp.
#include "api/string/cow_string.h"

#include <errno.h>
#include <stdint.h>
#include <string.h>

#include "entry/entry.h"

__thread tarn_string_tally tarn_string_thread_tally = {};

namespace tarn {

namespace {

constexpr size_t kLengthMost = PTRDIFF_MAX - 64;
constexpr size_t kUnit = 16;  // buffers are whole units, as size classes are

static_assert(sizeof(tarn_string) == 24 && sizeof(tarn_string_buffer) == 16);
static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "the length of a short string is its first byte");

char* text_of(tarn_string_buffer* buffer) {
    return reinterpret_cast<char*>(buffer + 1);
}

// The bytes behind the text that may be written, were the string alone.
size_t room_behind(const tarn_string& text) {
    tarn_string_buffer* const buffer = tarn_string_buffer_of(&text);
    return buffer->capacity - static_cast<size_t>(text.text - text_of(buffer)) - text.length;
}

// A copy with room for `capacity` bytes in place of the string.
int copy_in_place(tarn_string* text, size_t capacity) {
    const size_t length = tarn_string_length(text);
    NewString copy;
    if (!make_string(length, capacity, copy)) return -1;
    memcpy(copy.text, tarn_string_text(text), length);
    if (length) tarn_string_count_copied(length);
    replace_string(text, copy.value, text);
    return 0;
}

int append_in_copy(tarn_string* text, const char* added, size_t length) {
    const size_t old = tarn_string_length(text), whole = old + length;
    NewString copy;
    if (!make_string(whole, whole > 2 * old ? whole : 2 * old, copy)) return -1;
    memcpy(copy.text, tarn_string_text(text), old);
    memcpy(copy.text + old, added, length);
    tarn_string_count_copied(whole);
    replace_string(text, copy.value, text);
    return 0;
}

char* short_text(tarn_string* text) {
    return reinterpret_cast<char*>(text) + 1;
}

uint64_t load(const char* text) {
    uint64_t word;
    memcpy(&word, text, sizeof word);
    return word;
}

// At most 7 bytes, lowest first: two halves that may overlap, or the first, the middle and the last.
uint64_t load_few(const char* text, size_t length) {
    if (length >= 4) {
        uint32_t first, last;
        memcpy(&first, text, sizeof first);
        memcpy(&last, text + length - sizeof last, sizeof last);
        return first | static_cast<uint64_t>(last) << 8 * (length - 4);
    }
    if (length == 0) return 0;
    const auto byte = [text](size_t at) { return uint64_t{static_cast<unsigned char>(text[at])} << 8 * at; };
    return byte(0) | byte(length / 2) | byte(length - 1);
}

}  // namespace

// Word by word in registers: it will be read as words, which bytes just stored would make wait.
tarn_string short_string(const char* text, size_t length) {
    if (length < 8) return {length * 2 | load_few(text, length) << 8, nullptr, 0};
    // Of a word's bytes that end with the text, those behind the whole words before it.
    const uint64_t last = load(text + length - 8) >> 8 * (7 - length % 8) >> 8;
    const uint64_t first = load(text), second = length < 16 ? last : load(text + 8);
    const uint64_t third = length < 16 ? 0 : last;
    return {length * 2 | first << 8, reinterpret_cast<const char*>(first >> 56 | second << 8),
            second >> 56 | third << 8};
}

bool make_string(size_t length, size_t capacity, NewString& result) {
    result.value = {};
    if (capacity <= TARN_STRING_SHORT) {
        result.value.owner = length * 2;
        result.text = short_text(&result.value);
        return true;
    }
    if (capacity > kLengthMost) {
        errno = ENOMEM;
        return false;
    }
    const size_t bytes = (sizeof(tarn_string_buffer) + capacity + 1 + kUnit - 1) / kUnit * kUnit;
    tarn_string_buffer* const buffer = static_cast<tarn_string_buffer*>(allocate(bytes));
    if (!buffer) return false;
    buffer->strings = 1;
    buffer->capacity = bytes - sizeof(tarn_string_buffer) - 1;
    result.text = text_of(buffer);
    result.text[length] = 0;
    result.value = {reinterpret_cast<uintptr_t>(buffer) | 1, result.text, length};
    return true;
}

void replace_string(const tarn_string* text, const tarn_string& value, tarn_string* result) {
    if (result == text) tarn_string_destroy(result);
    *result = value;
}

}  // namespace tarn

using tarn::NewString;

void tarn_string_free_buffer(tarn_string_buffer* buffer) {
    tarn::release(buffer);
}

int tarn_string_counters_get(tarn_string_counters* counters, size_t size) {
    if (!counters || size < sizeof counters->version) return -1;
    const tarn_string_tally& tally = tarn_string_thread_tally;
    const tarn_string_counters now = {TARN_STRING_COUNTERS_VERSION, tally.copies, tally.bytes_copied,
                                      tally.copies_avoided, tally.bytes_not_copied};
    const size_t known = size < sizeof now ? size : sizeof now;
    memcpy(counters, &now, known);
    memset(reinterpret_cast<char*>(counters) + known, 0, size - known);
    return 0;
}

int tarn_string_copy(const char* text, size_t length, tarn_string* result) {
    if (length <= TARN_STRING_SHORT) {
        *result = tarn::short_string(text, length);
        if (length) tarn_string_count_copied(length);
        return 0;
    }
    NewString copy;
    if (!tarn::make_string(length, length, copy)) return -1;
    memcpy(copy.text, text, length);
    tarn_string_count_copied(length);
    *result = copy.value;
    return 0;
}

int tarn_string_own(const tarn_string* text, tarn_string* result) {
    const tarn_string_buffer* const buffer = tarn_string_buffer_of(text);
    const size_t length = tarn_string_length(text);
    if (tarn_string_is_short(text) ||
        (length > TARN_STRING_SHORT && buffer && buffer->capacity <= 2 * length)) {
        if (result != text) tarn_string_share(text, result);
        return 0;
    }
    tarn_string copy;
    if (tarn_string_copy(tarn_string_text(text), length, &copy) != 0) return -1;
    tarn::replace_string(text, copy, result);
    return 0;
}

const char* tarn_string_c_str(tarn_string* text) {
    if (tarn_string_is_short(text)) return tarn_string_text(text);
    if (text->owner & 2) return text->text;
    if (!tarn_string_is_borrowed(text)) {
        // Behind a part of a buffer there is a byte of the buffer, or its NUL.
        if (text->text[text->length] == 0) return text->text;
        if (tarn::is_alone(*text)) {
            const_cast<char*>(text->text)[text->length] = 0;
            return text->text;
        }
    }
    return tarn::copy_in_place(text, text->length) == 0 ? tarn_string_text(text) : nullptr;
}

char* tarn_string_edit(tarn_string* text) {
    if (tarn_string_is_short(text)) return tarn::short_text(text);
    if (!tarn::is_alone(*text) && tarn::copy_in_place(text, text->length) != 0) return nullptr;
    return const_cast<char*>(tarn_string_text(text));
}

int tarn_string_reserve(tarn_string* text, size_t capacity) {
    const size_t length = tarn_string_length(text);
    if (capacity < length) capacity = length;
    if (tarn_string_is_short(text)) {
        if (capacity <= TARN_STRING_SHORT) return 0;
    } else if (tarn::is_alone(*text) && length + tarn::room_behind(*text) >= capacity) {
        return 0;
    }
    return tarn::copy_in_place(text, capacity);
}

// All that the inline function leaves: nothing to add, short, shared, borrowed, no room.
int tarn_string_append_slow(tarn_string* text, const char* added, size_t length) {
    if (length == 0) return 0;
    const size_t old = tarn_string_length(text);
    if (length > tarn::kLengthMost - old) {
        errno = ENOMEM;
        return -1;
    }
    if (!tarn_string_is_short(text) || old + length > TARN_STRING_SHORT)
        return tarn::append_in_copy(text, added, length);
    memmove(tarn::short_text(text) + old, added, length);
    text->owner += length * 2;
    tarn_string_count_copied(length);
    return 0;
}

int tarn_string_push_slow(tarn_string* text, char added) {
    const size_t old = tarn_string_length(text);
    if (!tarn_string_is_short(text) || old == TARN_STRING_SHORT) {
        if (tarn::copy_in_place(text, old ? 2 * old : 1) != 0) return -1;
        return tarn_string_push(text, added);
    }
    // Behind the text there are zeros. In the first word by adding to it: the next call reads it as a whole,
    // which would have to wait for a byte stored there.
    const uintptr_t byte = static_cast<unsigned char>(added);
    if (old + 1 < sizeof text->owner) {
        text->owner += (byte << 8 * (old + 1)) + 2;
    } else {
        tarn::short_text(text)[old] = added;
        text->owner += 2;
    }
    return 0;
}

int tarn_string_concat(const tarn_string* left, const tarn_string* right, tarn_string* result) {
    const size_t first = tarn_string_length(left), second = tarn_string_length(right);
    if (first == 0 || second == 0) {
        tarn_string_share(first ? left : right, result);
        return 0;
    }
    NewString both;
    if (!tarn::make_string(first + second, first + second, both)) return -1;
    memcpy(both.text, tarn_string_text(left), first);
    memcpy(both.text + first, tarn_string_text(right), second);
    tarn_string_count_copied(first + second);
    *result = both.value;
    return 0;
}

int tarn_string_compare(const tarn_string* a, const tarn_string* b) {
    const size_t first = tarn_string_length(a), second = tarn_string_length(b);
    const int order = memcmp(tarn_string_text(a), tarn_string_text(b), first < second ? first : second);
    return order ? order : (first > second) - (first < second);
}
