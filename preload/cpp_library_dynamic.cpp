// SPDX-License-Identifier: MIT
// Looks among the loaded libraries, those loaded with RTLD_LOCAL included. Not by weak references, which
// would cost every process two searches.
#include <dlfcn.h>

#include <initializer_list>

#include "preload/cpp_runtime.h"

void* tarn::find_in_cpp_library(const char* name) {
    if (void* symbol = dlsym(RTLD_DEFAULT, name)) return symbol;
    for (const char* library : {"libstdc++.so.6", "libc++abi.so.1"}) {
        void* handle = dlopen(library, RTLD_NOLOAD | RTLD_LAZY);
        if (!handle) continue;
        void* symbol = dlsym(handle, name);
        dlclose(handle);
        if (symbol) return symbol;
    }
    return nullptr;
}
