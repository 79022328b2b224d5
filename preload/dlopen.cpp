// SPDX-License-Identifier: MIT
// dlopen without RTLD_DEEPBIND. A library loaded with that flag binds to libc's malloc beside ours, and
// blocks that cross the border crash every allocator; clearing the flag is the remedy (TARN_KEEP_DEEPBIND=1
// leaves it).
//
// The real dlopen finds the caller's RUNPATH by its return address, so it must be reached by a jump.
#include <dlfcn.h>

#include "base/options.h"

namespace {

using Dlopen = void* (*)(const char*, int);

Dlopen real_dlopen() {
    static constinit Dlopen real = nullptr;  // the same value whoever stores it
    Dlopen found = __atomic_load_n(&real, __ATOMIC_RELAXED);
    if (!found) {
        found = reinterpret_cast<Dlopen>(dlsym(RTLD_NEXT, "dlopen"));
        __atomic_store_n(&real, found, __ATOMIC_RELAXED);
    }
    return found;
}

}  // namespace

extern "C" [[gnu::visibility("default")]] void* dlopen(const char* file, int flags) noexcept {
    if (!tarn::options.keep_deepbind) flags &= ~RTLD_DEEPBIND;
    return real_dlopen()(file, flags);
}
