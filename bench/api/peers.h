// SPDX-License-Identifier: MIT
// Other allocators' malloc in a process whose malloc is tarn's: the C library's under its own second name,
// mimalloc's from its library, opened apart.
#pragma once
#include <dlfcn.h>

#include <cstddef>

extern "C" void* __libc_malloc(size_t);
extern "C" void __libc_free(void*);

namespace peers {

struct Malloc {
    const char* name;
    void* (*allocate)(size_t);
    void (*free)(void*);
};

inline constexpr Malloc kGlibc{"glibc", __libc_malloc, __libc_free};

// `allocate` is NULL where Debian's libmimalloc2.0 is not installed.
inline Malloc mimalloc() {
    Malloc found{"mimalloc", nullptr, nullptr};
    void* library = dlopen("libmimalloc.so.2", RTLD_NOW | RTLD_LOCAL);
    if (!library) return found;
    found.allocate = reinterpret_cast<void* (*)(size_t)>(dlsym(library, "mi_malloc"));
    found.free = reinterpret_cast<void (*)(void*)>(dlsym(library, "mi_free"));
    return found;
}

}  // namespace peers
