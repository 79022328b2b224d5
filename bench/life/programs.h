// SPDX-License-Identifier: MIT
// The programs that the interpreter runs: random statements of its language.
#pragma once
#include "support.h"

namespace life {

inline void* take(size_t size) {
    void* const at = malloc(size);
    if (!at) bench::fail("out of memory");
    return at;
}

template <class T>
T* take() {
    return static_cast<T*>(take(sizeof(T)));
}

inline char* copy(const char* text, size_t length) {
    char* const made = static_cast<char*>(take(length + 1));
    memcpy(made, text, length);
    made[length] = 0;
    return made;
}

// Text that grows: values by 8 bytes at a time, programs and output by doubling.
struct Text {
    char* at = nullptr;
    size_t length = 0, room = 0;

    void append(const char* more, size_t count, size_t step) {
        if (length + count + 1 > room) {
            room = step ? (length + count + step) / step * step : (length + count + 4096) * 2;
            at = static_cast<char*>(realloc(at, room));
            if (!at) bench::fail("out of memory");
        }
        memcpy(at + length, more, count);
        length += count;
        at[length] = 0;
    }
    void append(const char* more) { append(more, strlen(more), 0); }
};

inline void append_value(Text& program, bench::Random& random) {
    char made[96];
    const size_t kind = random.below(4);
    if (kind == 0) {
        snprintf(made, sizeof made, "%zu", random.below(1000000));
    } else if (kind == 1) {
        const size_t length = random.between(1, 24);
        made[0] = made[length + 1] = '"';
        for (size_t i = 1; i <= length; ++i)
            made[i] = static_cast<char>('a' + random.below(26));
        made[length + 2] = 0;
    } else {
        const size_t number = random.below(kind == 2 ? 40 : 3000);
        snprintf(made, sizeof made, "%s_%zu", number % 3 ? "v" : "a_longer_name", number);
    }
    program.append(made);
}

inline void append_sum(Text& program, bench::Random& random, int depth) {
    const size_t values = random.between(1, 4);
    for (size_t i = 0; i < values; ++i) {
        if (i > 0) program.append(random.below(3) == 0 ? " + " : " . ");
        if (depth < 2 && random.below(6) == 0) {
            program.append("(");
            append_sum(program, random, depth + 1);
            program.append(")");
        } else {
            append_value(program, random);
        }
    }
}

inline void append_statement(Text& program, bench::Random& random, int depth) {
    char name[48];
    const size_t number = random.below(random.below(2) == 0 ? 40 : 3000);
    snprintf(name, sizeof name, "%s_%zu", number % 3 ? "v" : "a_longer_name", number);
    const size_t kind = random.below(depth < 2 ? 16 : 15);
    if (kind == 15) {
        program.append("repeat 4 {\n");
        for (int i = 0; i < 4; ++i)
            append_statement(program, random, depth + 1);
        program.append("}\n");
        return;
    }
    program.append(kind < 8 ? "set " : kind < 11 ? "drop " : "print ");
    if (kind < 11) program.append(name);
    if (kind < 8) program.append(" = ");
    if (kind < 8 || kind >= 11) append_sum(program, random, 0);
    program.append(";\n");
}

}  // namespace life
