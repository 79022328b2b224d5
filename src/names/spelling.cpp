// SPDX-License-Identifier: MIT
#include "names/spelling.h"

#include <cstdint>

namespace tarn {

namespace {

constexpr size_t kLongest = 32;  // of names that are looked at
constexpr size_t kLongWord = 8;  // where two slips leave no doubt

struct Letters {
    const char* at;
    size_t length;
};

char upper(char letter) {
    return letter >= 'a' && letter <= 'z' ? static_cast<char>(letter - 'a' + 'A') : letter;
}

size_t least(size_t a, size_t b) {
    return a < b ? a : b;
}

// Insertions, deletions, replacements and exchanges of neighbours (optimal string alignment).
size_t distance(Letters a, Letters b) {
    uint8_t rows[3][kLongest + 1];
    uint8_t *before = rows[0], *last = rows[1], *row = rows[2];
    for (size_t j = 0; j <= b.length; ++j)
        row[j] = static_cast<uint8_t>(j);
    for (size_t i = 1; i <= a.length; ++i) {
        uint8_t* const oldest = before;
        before = last, last = row, row = oldest;
        row[0] = static_cast<uint8_t>(i);
        for (size_t j = 1; j <= b.length; ++j) {
            const char x = upper(a.at[i - 1]), y = upper(b.at[j - 1]);
            size_t steps = least(least(last[j], row[j - 1]) + 1, last[j - 1] + (x != y));
            if (i > 1 && j > 1 && x == upper(b.at[j - 2]) && y == upper(a.at[i - 2]))
                steps = least(steps, before[j - 2] + 1);
            row[j] = static_cast<uint8_t>(steps);
        }
    }
    return row[b.length];
}

// Cuts the first word off.
Letters next_word(Letters& rest) {
    size_t length = 0;
    while (length < rest.length && rest.at[length] != '_')
        ++length;
    const Letters word{rest.at, length};
    const size_t cut = length < rest.length ? length + 1 : length;
    rest = {rest.at + cut, rest.length - cut};
    return word;
}

// Words that are near one of an option's and mean something else.
constexpr char kOthers[][8] = {"STATE", "STATES", "STATUS", "MAX"};

bool has_word_of_its_own(Letters name) {
    while (name.length) {
        const Letters word = next_word(name);
        for (const char* other : kOthers)
            if (distance(word, {other, __builtin_strlen(other)}) == 0) return true;
    }
    return false;
}

}  // namespace

bool misspelt(const char* name, size_t length, const char* option) {
    Letters rest{name, length}, known{option, __builtin_strlen(option)};
    if (rest.length > kLongest || known.length > kLongest || has_word_of_its_own(rest)) return false;
    if (distance(rest, known) <= 1) return true;  // a line between words may be missing
    size_t slips = 0;
    while (rest.length && known.length) {
        const Letters word = next_word(rest), right = next_word(known);
        const size_t here = distance(word, right);
        if (here > 1 && right.length < kLongWord) return false;
        slips += here;
    }
    return slips <= 2 && rest.length == known.length;
}

}  // namespace tarn
