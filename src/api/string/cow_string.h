// SPDX-License-Identifier: MIT
// What the two sources of cow_string.h share.
#pragma once
#include <stddef.h>

#include "tarn/cow_string.h"

namespace tarn {

// A string under construction: `text` has room for `length` bytes and a NUL, which is there.
struct NewString {
    tarn_string value;
    char* text;
};
// False and ENOMEM when there is no memory; short where `capacity` allows it. Counts nothing.
bool make_string(size_t length, size_t capacity, NewString& result);

// At most TARN_STRING_SHORT bytes, which may be those of the string that it replaces.
tarn_string short_string(const char* text, size_t length);

// Puts `value` in place of `result`, whose old text is given up if it is `text` itself.
void replace_string(const tarn_string* text, const tarn_string& value, tarn_string* result);

// The buffer is this string's alone.
inline bool is_alone(const tarn_string& text) {
    return tarn_string_sharers(&text) == 1;
}

}  // namespace tarn
