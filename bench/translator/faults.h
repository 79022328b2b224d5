// SPDX-License-Identifier: MIT
// What is wrong with a file: the first fault ends its translation. Both translators say the same.
#pragma once
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "language.h"

namespace translator {

struct Fault {
    uint32_t at;  // offset in the source; its line is found when somebody wants to know it
    std::string what;

    std::string text(size_t file, std::string_view source) const {
        const auto line = 1 + std::ranges::count(source.substr(0, at), '\n');
        return std::to_string(file) + ":" + std::to_string(line) + ": " + what;
    }
};

[[noreturn, gnu::cold]] inline void fail(uint32_t at, std::string_view what, std::string_view name = {}) {
    std::string text(what);
    if (!name.empty()) text.append(" '").append(name).append("'");
    throw Fault{at, std::move(text)};
}

[[noreturn, gnu::cold]] inline void fail_types(uint32_t at, language::Type expected, language::Type found) {
    fail(at, std::string(language::name_of(expected)) + " expected, not " +
                 std::string(language::name_of(found)));
}

inline void expect_type(uint32_t at, language::Type expected, language::Type found) {
    if (expected != found) fail_types(at, expected, found);
}

// Its words, in one place for both.
inline constexpr std::string_view kNotUnderstood = "not understood:", kNotEnded = "text without an end",
                                  kNumberTooLarge = "number too large:",
                                  kNoSuchEscape = "no such escape in a text", kUnknownName = "unknown name",
                                  kTwice = "defined twice:", kNoModule = "no module",
                                  kModuleTwice = "module defined twice:", kExportedTwice = "exported twice:",
                                  kNotImported = "module not imported, of", kNotFunction = "not a function:",
                                  kNotValue = "not a value:", kNotVariable = "not a variable:",
                                  kArgumentCount = "wrong number of arguments for",
                                  kNoResult = "no result to use of", kOperands = "operands do not fit",
                                  kOutsideLoop = "outside a loop:", kNoValue = "a value must be returned",
                                  kNotConstant = "not a constant:";

}  // namespace translator
