// SPDX-License-Identifier: MIT
#include "spoil.h"

#include <string>

#include "language.h"
#include "support.h"

namespace translator {
namespace {

using bench::Random;

struct Span {
    size_t at, length;
};

Span line_at(std::string_view text, size_t at) {
    const size_t before = text.rfind('\n', at ? at - 1 : 0);
    const size_t begin = before == text.npos ? 0 : before + 1;
    const size_t end = text.find('\n', begin);
    return {begin, (end == text.npos ? text.size() : end + 1) - begin};
}

bool in_word(char c) {
    return language::is_letter(c) || language::is_digit(c);
}

// Some word from `at` on, or an empty one.
Span word_at(std::string_view text, size_t at) {
    while (at < text.size() && in_word(text[at]))
        ++at;
    while (at < text.size() && !in_word(text[at]))
        ++at;
    size_t end = at;
    while (end < text.size() && in_word(text[end]))
        ++end;
    return {at, end - at};
}

void make_mistake(std::string& text, Random& random) {
    constexpr std::string_view kBytes = "\"(){}=;:,.+!&|/@ax9 \n\\\x80";
    const size_t at = random.below(text.size());
    switch (random.below(5)) {
        case 0:
            text[at] = kBytes[random.below(kBytes.size())];
            break;
        case 1: {
            const Span line = line_at(text, at);
            text.insert(line.at, std::string(text, line.at, line.length));
            break;
        }
        case 2: {
            const Span line = line_at(text, at);
            text.erase(line.at, line.length);
            break;
        }
        default: {
            const Span other = word_at(text, random.below(text.size()));
            const std::string word(text, other.at, other.length);
            const Span here = word_at(text, at);
            text.replace(here.at, here.length, word);
        }
    }
}

}  // namespace

std::vector<Source> spoil(const std::vector<Source>& sources, uint64_t seed) {
    Random random(seed);
    std::vector<Source> spoilt;
    for (const Source& source : sources) {
        std::string text(source.text());
        if (random.below(8) == 0) make_mistake(text, random);
        spoilt.emplace_back(text);
    }
    return spoilt;
}

}  // namespace translator
