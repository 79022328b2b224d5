// SPDX-License-Identifier: MIT
// Loader: which backend serves besides `map`. It is loaded by the library's constructor or never: dlopen
// waits for the dynamic linker's lock, allocates and needs more stack than a thread may have, so that no
// allocation function may come near it. Until the table is published, and when there is none, `map` serves;
// it never changes again.
#pragma once
#include "base/at_start.h"
#include "tarn/backend.h"

namespace tarn {

TARN_AT_START void choose_backend();
// The table in force; NULL: `map` serves.
const tarn_backend* chosen_backend();
const char* backend_name();

// glibc's own allocator; NULL in a fully static program, where it is not linked in.
const tarn_backend* system_backend();

// The part that knows dlopen: loader_dynamic.cpp in libtarn.so, loader_static.cpp in libtarn.a.
// The table of a module ("mimalloc") or a plugin ("/path/to/plugin.so"). NULL after one line of warning,
// which the build's default is spared when it is not installed: nobody asked for it.
const tarn_backend* open_module(const char* name);
// A library of tarn's own, libtarn-NAME.so: beside libtarn.so, or where it is installed. `who` wants it, and `instead` is
// what happens without it: for the line of warning when there is none, which `asked` says whether to print when it is
// not installed. In libtarn.so only, and only in the constructor.
struct OwnLibrary {
    const char* name;
    const char* who;
    const char* instead;
    bool asked;
};
void* open_own_library(const OwnLibrary& library);
// The file that a table comes from, for a person; "" when it is built in.
const char* file_of(const tarn_backend* table);

}  // namespace tarn
