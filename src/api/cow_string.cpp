// SPDX-License-Identifier: MIT
// cow_string.h implemented: buffers, and what reads or appends. What changes text is in
// cow_string_change.cpp.
#include "api/cow_string.h"

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

}  // namespace

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
    NewString copy;
    if (!tarn::make_string(length, length, copy)) return -1;
    if (length) {
        memcpy(copy.text, text, length);
        tarn_string_count_copied(length);
    }
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
