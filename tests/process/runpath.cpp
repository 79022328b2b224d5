// SPDX-License-Identifier: MIT
// Loads the library named by the first argument and lets it load another.
#include <dlfcn.h>

#include "check.h"

int main(int, char** arguments) {
    void* library = dlopen(arguments[1], RTLD_NOW);
    if (!library) check::fail(dlerror());
    auto load = reinterpret_cast<const char* (*)()>(dlsym(library, "load_what_lies_beside"));
    const char* error = load();
    if (error) check::fail(error);
    check::require(!dlopen("/nonexistent.so", RTLD_NOW), "a library that is not there");
    check::require(strstr(dlerror(), "/nonexistent.so"), "dlerror says which");
    check::require(dlopen(nullptr, RTLD_NOW), "the program itself");
    return 0;
}
