// SPDX-License-Identifier: MIT
// Functions of the surface that the C library's headers may not declare, or that the library under test
// may lack: weak, so that a program starts without them.
#pragma once
#include <malloc.h>
#include <stdlib.h>

#include <cstddef>

#include "check.h"
#include "tarn/tarn.h"

extern "C" {
__attribute__((weak)) void free_sized(void* object, size_t size);
__attribute__((weak)) void free_aligned_sized(void* object, size_t alignment, size_t size);
__attribute__((weak)) void cfree(void* object);
__attribute__((weak)) decltype(tarn_stats_get) tarn_stats_get;
__attribute__((weak)) decltype(tarn_stats_write) tarn_stats_write;
void* __libc_malloc(size_t size);
}

namespace surface {

inline void need(bool present, const char* name) {
    if (!present) check::give_up(name, check::kLacksSymbol);
}

// A function of the aligned family under one signature.
struct Aligned {
    const char* name;
    void* (*allocate)(size_t alignment, size_t size);
};

inline void* by_posix_memalign(size_t alignment, size_t size) {
    void* object = nullptr;
    int code = posix_memalign(&object, alignment, size);
    if (code) errno = code;
    return code ? nullptr : object;
}

inline constexpr Aligned kAligned[] = {
    {"aligned_alloc", [](size_t a, size_t n) { return aligned_alloc(a, n); }},
    {"memalign", [](size_t a, size_t n) { return memalign(a, n); }},
    {"posix_memalign", by_posix_memalign},
};

}  // namespace surface
