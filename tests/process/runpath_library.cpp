// SPDX-License-Identifier: MIT
// Loads a library by its bare name, which only this library's own RUNPATH ($ORIGIN/beside) can find: the
// loader must see this library as the caller of dlopen.
#include <dlfcn.h>

extern "C" __attribute__((visibility("default"))) const char* load_what_lies_beside() {
    return dlopen("libdeepbind_library.so", RTLD_NOW) ? nullptr : dlerror();
}
