// SPDX-License-Identifier: MIT
// The sets of keywords, in the order of the enums in tarn/interner.h.
#include <errno.h>

#include "tarn/interner.h"

namespace {

constexpr const char* kXmd[] = {
    "set",         "exec",   "import", "export", "from",   "as",       "if",    "elif",     "else",
    "endif",       "for",    "in",     "endfor", "while",  "endwhile", "break", "continue", "function",
    "endfunction", "return", "try",    "catch",  "endtry", "print",    "join",  "true",     "false",
};
static_assert(sizeof kXmd / sizeof *kXmd == TARN_XMD_KEYWORDS);

constexpr const char* kPython[] = {
    "False", "None",     "True",  "and",    "as",   "assert", "async",  "await",    "break",
    "class", "continue", "def",   "del",    "elif", "else",   "except", "finally",  "for",
    "from",  "global",   "if",    "import", "in",   "is",     "lambda", "nonlocal", "not",
    "or",    "pass",     "raise", "return", "try",  "while",  "with",   "yield",
};
static_assert(sizeof kPython / sizeof *kPython == TARN_PYTHON_KEYWORDS);

}  // namespace

const char* const* tarn_keywords(enum tarn_keyword_set set, size_t* count) {
    if (count && set == TARN_KEYWORDS_XMD) {
        *count = TARN_XMD_KEYWORDS;
        return kXmd;
    }
    if (count && set == TARN_KEYWORDS_PYTHON) {
        *count = TARN_PYTHON_KEYWORDS;
        return kPython;
    }
    errno = EINVAL;
    return nullptr;
}
