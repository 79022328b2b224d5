/* SPDX-License-Identifier: MIT
 *
 * Keywords of languages, for an interner: tarn_interner_options.keywords, and KeywordSet in C++. A word's number
 * is what tarn_interned_keyword says of it when its set was given alone, or first.
 */
#ifndef TARN_KEYWORDS_H
#define TARN_KEYWORDS_H

#include "tarn/base.h"

#ifdef __cplusplus
extern "C" {
#endif

/* One set, one language. The enums below give the words' numbers. */
enum tarn_keyword_set {
    TARN_KEYWORDS_TEMPLATE = 1, /* a template language's: blocks end in endif, endfor, ...; XMD has these */
    TARN_KEYWORDS_PYTHON = 2    /* Python 3.7 and later: the hard keywords, in keyword.kwlist's order */
};

/* The words of a set, valid for ever, and in *count how many. NULL and EINVAL when the set is unknown or `count` is
 * NULL. */
TARN_API const char* const* tarn_keywords(enum tarn_keyword_set set, size_t* count);

enum tarn_template_keyword {
    TARN_TEMPLATE_SET,
    TARN_TEMPLATE_EXEC,
    TARN_TEMPLATE_IMPORT,
    TARN_TEMPLATE_EXPORT,
    TARN_TEMPLATE_FROM,
    TARN_TEMPLATE_AS,
    TARN_TEMPLATE_IF,
    TARN_TEMPLATE_ELIF,
    TARN_TEMPLATE_ELSE,
    TARN_TEMPLATE_ENDIF,
    TARN_TEMPLATE_FOR,
    TARN_TEMPLATE_IN,
    TARN_TEMPLATE_ENDFOR,
    TARN_TEMPLATE_WHILE,
    TARN_TEMPLATE_ENDWHILE,
    TARN_TEMPLATE_BREAK,
    TARN_TEMPLATE_CONTINUE,
    TARN_TEMPLATE_FUNCTION,
    TARN_TEMPLATE_ENDFUNCTION,
    TARN_TEMPLATE_RETURN,
    TARN_TEMPLATE_TRY,
    TARN_TEMPLATE_CATCH,
    TARN_TEMPLATE_ENDTRY,
    TARN_TEMPLATE_PRINT,
    TARN_TEMPLATE_JOIN,
    TARN_TEMPLATE_TRUE,
    TARN_TEMPLATE_FALSE,
    TARN_TEMPLATE_KEYWORDS /* how many */
};

enum tarn_python_keyword {
    TARN_PYTHON_FALSE,
    TARN_PYTHON_NONE,
    TARN_PYTHON_TRUE,
    TARN_PYTHON_AND,
    TARN_PYTHON_AS,
    TARN_PYTHON_ASSERT,
    TARN_PYTHON_ASYNC,
    TARN_PYTHON_AWAIT,
    TARN_PYTHON_BREAK,
    TARN_PYTHON_CLASS,
    TARN_PYTHON_CONTINUE,
    TARN_PYTHON_DEF,
    TARN_PYTHON_DEL,
    TARN_PYTHON_ELIF,
    TARN_PYTHON_ELSE,
    TARN_PYTHON_EXCEPT,
    TARN_PYTHON_FINALLY,
    TARN_PYTHON_FOR,
    TARN_PYTHON_FROM,
    TARN_PYTHON_GLOBAL,
    TARN_PYTHON_IF,
    TARN_PYTHON_IMPORT,
    TARN_PYTHON_IN,
    TARN_PYTHON_IS,
    TARN_PYTHON_LAMBDA,
    TARN_PYTHON_NONLOCAL,
    TARN_PYTHON_NOT,
    TARN_PYTHON_OR,
    TARN_PYTHON_PASS,
    TARN_PYTHON_RAISE,
    TARN_PYTHON_RETURN,
    TARN_PYTHON_TRY,
    TARN_PYTHON_WHILE,
    TARN_PYTHON_WITH,
    TARN_PYTHON_YIELD,
    TARN_PYTHON_KEYWORDS /* how many */
};

#ifdef __cplusplus
}
#endif
#endif
