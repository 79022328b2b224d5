// SPDX-License-Identifier: MIT
// Programs of facts: each fact is one function, chosen by the first argument. It returns when the fact
// holds; otherwise the process says where it failed and ends with status 1. Nothing here allocates.
#pragma once
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cstddef>
#include <initializer_list>

namespace check {

inline constexpr int kLacksSymbol = 3;  // the library under test has no such function
inline constexpr int kCannotTest = 77;  // this machine cannot show the fact; Meson counts it as skipped

// Ends the process at once: whatever failed may have left the allocator in any state.
[[noreturn]] inline void fail(const char* what, const char* file = __builtin_FILE(),
                              int number = __builtin_LINE()) {
    char line[512];
    int length = snprintf(line, sizeof line, "%s:%d: does not hold: %s\n", file, number, what);
    if (write(2, line, static_cast<size_t>(length)) != length) _exit(2);
    _exit(1);
}

inline void require(bool holds, const char* what, const char* file = __builtin_FILE(),
                    int number = __builtin_LINE()) {
    if (!holds) fail(what, file, number);
}

[[noreturn]] inline void give_up(const char* why, int status) {
    if (write(2, why, strlen(why)) < 0 || write(2, "\n", 1) < 0) _exit(2);
    _exit(status);
}

// A time limit for alarm(): TEST_PATIENCE times as long, as scripts/test gives it.
inline unsigned patience(unsigned seconds) {
    const char* factor = getenv("TEST_PATIENCE");
    const unsigned long times = factor ? strtoul(factor, nullptr, 10) : 1;
    return seconds * static_cast<unsigned>(times ? times : 1);
}

// Whether there is time for what by day is done less often: scripts/test --long.
inline bool is_long() {
    return getenv("TEST_LONG") != nullptr;
}

// Hides from the compiler where a value comes from, so that it neither warns nor removes calls.
template <class T>
T opaque(T value) {
    asm volatile("" : "+r"(value) : : "memory");
    return value;
}

struct Fact {
    const char* name;
    void (*run)();
};

inline int run(int count, char** arguments, std::initializer_list<Fact> facts) {
    for (const Fact& fact : facts) {
        if (count < 2 || strcmp(fact.name, arguments[1]) != 0) continue;
        fact.run();
        return 0;
    }
    give_up("no such fact in this program", 2);
}

}  // namespace check
