// SPDX-License-Identifier: MIT
// The sets of keywords, in the order of the enums.
#include "tarn/keywords.h"

#include <errno.h>

namespace {

constexpr const char* kTemplate[] = {
    "set",         "exec",   "import", "export", "from",   "as",       "if",    "elif",     "else",
    "endif",       "for",    "in",     "endfor", "while",  "endwhile", "break", "continue", "function",
    "endfunction", "return", "try",    "catch",  "endtry", "print",    "join",  "true",     "false",
};
static_assert(sizeof kTemplate / sizeof *kTemplate == TARN_TEMPLATE_KEYWORDS);

constexpr const char* kPython[] = {
    "False", "None",     "True",  "and",    "as",   "assert", "async",  "await",    "break",
    "class", "continue", "def",   "del",    "elif", "else",   "except", "finally",  "for",
    "from",  "global",   "if",    "import", "in",   "is",     "lambda", "nonlocal", "not",
    "or",    "pass",     "raise", "return", "try",  "while",  "with",   "yield",
};
static_assert(sizeof kPython / sizeof *kPython == TARN_PYTHON_KEYWORDS);

}  // namespace

const char* const* tarn_keywords(enum tarn_keyword_set set, size_t* count) {
    if (count && set == TARN_KEYWORDS_TEMPLATE) {
        *count = TARN_TEMPLATE_KEYWORDS;
        return kTemplate;
    }
    if (count && set == TARN_KEYWORDS_PYTHON) {
        *count = TARN_PYTHON_KEYWORDS;
        return kPython;
    }
    errno = EINVAL;
    return nullptr;
}
