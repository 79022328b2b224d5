// SPDX-License-Identifier: MIT
// A library to be preloaded that stands before dlopen, as those of sanitizers do: $ORIGIN is then its own folder.
#include <dlfcn.h>

extern "C" __attribute__((visibility("default"))) void* dlopen(const char* path, int flags) noexcept {
    static void* (*const next)(const char*, int) =
        reinterpret_cast<void* (*)(const char*, int)>(dlsym(RTLD_NEXT, "dlopen"));
    void* const volatile handle = next(path, flags);  // no tail call
    return handle;
}
