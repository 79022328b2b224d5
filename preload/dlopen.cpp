// SPDX-License-Identifier: MIT
// dlopen without RTLD_DEEPBIND. A library loaded with that flag binds to libc's malloc beside ours, and
// blocks that cross the border crash every allocator; clearing the flag is the remedy (TARN_KEEP_DEEPBIND=1
// leaves it).
//
// The real dlopen finds the caller's RUNPATH, and what $ORIGIN means, by its return address; so it must be reached by a
// jump where the name is not a path, and what a recorder is to know of it, it learns the next time.
#include <dlfcn.h>
#include <string.h>

#include "base/options.h"
#include "preload/counted.h"
#include "seam/recorder.h"

namespace {

using Dlopen = void* (*)(const char*, int);
using Dlclose = int (*)(void*);

template <class Function>
Function real(const char* name, Function& known) {
    Function found = __atomic_load_n(&known, __ATOMIC_RELAXED);  // the same value whoever stores it
    if (!found) {
        found = reinterpret_cast<Function>(dlsym(RTLD_NEXT, name));
        __atomic_store_n(&known, found, __ATOMIC_RELAXED);
    }
    return found;
}

Dlopen real_dlopen() {
    static constinit Dlopen known = nullptr;
    return real("dlopen", known);
}

Dlclose real_dlclose() {
    static constinit Dlclose known = nullptr;
    return real("dlclose", known);
}

void objects_changed() {
    const tarn::Recorder* const record = tarn::recorder();
    if (!record) return;
    record->objects_changed();
    if (tarn::options.guard > 0) tarn::count_calls();
}

[[gnu::cold, gnu::noinline]] void* open_and_tell(const char* file, int flags) {
    void* const handle = real_dlopen()(file, flags);
    objects_changed();
    return handle;
}

bool is_plain_path(const char* file) {
    return file && strchr(file, '/') && !strchr(file, '$');
}

}  // namespace

extern "C" [[gnu::visibility("default")]] void* dlopen(const char* file, int flags) noexcept {
    if (!tarn::options.keep_deepbind) flags &= ~RTLD_DEEPBIND;
    if (tarn::recorder() && is_plain_path(file)) [[unlikely]]
        return open_and_tell(file, flags);
    return real_dlopen()(file, flags);
}

extern "C" [[gnu::visibility("default")]] int dlclose(void* handle) noexcept {
    if (!tarn::recorder()) return real_dlclose()(handle);
    const int result = real_dlclose()(handle);
    objects_changed();
    return result;
}
