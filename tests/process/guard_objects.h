// SPDX-License-Identifier: MIT
// What the programs on guarded objects have in common. The names of the functions stand in tarn's messages.
#pragma once
#include <sys/wait.h>
#include <unistd.h>

#include "check.h"
#include "tarn/statistics.h"

using check::require;

extern "C" [[gnu::weak]] int tarn_stats_get(tarn_stats*, size_t);

inline const size_t kPage = static_cast<size_t>(sysconf(_SC_PAGESIZE));

inline size_t argument(char** arguments, int number) {
    return strtoull(arguments[number], nullptr, 10);
}

inline tarn_stats stats() {
    tarn_stats now;
    require(tarn_stats_get && tarn_stats_get(&now, sizeof now) == 0, "there are statistics");
    return now;
}

inline uintptr_t address(const volatile void* p) {
    return reinterpret_cast<uintptr_t>(p);
}

// What the messages are to name.
[[gnu::noinline]] inline char* make(size_t size) {
    char* const made = static_cast<char*>(malloc(size));
    require(made, "there is memory");
    memset(made, 'x', size);
    return check::opaque(made);
}
[[gnu::noinline]] inline void drop(char* object) {
    free(check::opaque(object));
    asm volatile("");
}
[[gnu::noinline]] inline char read_from(const volatile char* at) {
    const char value = *at;
    asm volatile("");
    return value;
}
[[gnu::noinline]] inline void write_to(volatile char* at) {
    *at = 1;
    asm volatile("");
}

inline int status_of_child(void (*run)()) {
    const pid_t child = fork();
    if (child == 0) {
        run();
        _exit(0);
    }
    int status = 0;
    require(waitpid(child, &status, 0) == child, "a child ends");
    return status;
}
