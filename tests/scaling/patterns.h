// SPDX-License-Identifier: MIT
// What many threads ask of an allocator. Each pattern is run by every thread at once: once to come to where it goes on
// forever, and once to be counted. None writes to its objects, so that many threads of them take little memory.
#pragma once
#include <cstddef>

namespace patterns {

struct Pattern {
    const char* name;
    void (*run)(size_t thread, size_t threads);
};

// Each frees what it has just allocated, or a few later.
void pairs(size_t thread, size_t threads);
// 2 MiB of one size, all freed again, then 2 MiB of the next size.
void waves(size_t thread, size_t threads);
// One thread allocates, the next one frees.
void pipes(size_t thread, size_t threads);
// 4 MiB of many sizes, of which nothing is freed.
void growing(size_t thread, size_t threads);

}  // namespace patterns
