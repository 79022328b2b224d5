// SPDX-License-Identifier: MIT
// A library to be preloaded before another: its realloc counts, and goes on to the next.
#include <dlfcn.h>

#include <cstddef>

namespace {
size_t count;
}

extern "C" {
__attribute__((visibility("default"))) size_t wrapped_reallocs() {
    return count;
}
__attribute__((visibility("default"))) void* realloc(void* object, size_t size) noexcept {
    static void* (*const next)(void*, size_t) =
        reinterpret_cast<void* (*)(void*, size_t)>(dlsym(RTLD_NEXT, "realloc"));
    ++count;
    return next(object, size);
}
}
