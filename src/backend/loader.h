// SPDX-License-Identifier: MIT
// Loader: which backend serves besides `map`, found once, at the first request that it would serve.
//
// States: none -> loading -> ready, one compare-exchange each, no lock. While one thread loads (dlopen
// allocates and may wait for the loader's lock), every other request, its own included, finds no table and
// goes to `map`. The table never changes again once it is published.
#pragma once
#include "tarn/backend.h"

namespace tarn::loader {

// The table in force, loaded by the first call that may; NULL: `map` serves.
const tarn_backend* chosen();
// The same, but never loads.
const tarn_backend* current();
// Before the first call of chosen() that could load: "none yet", or "map so far" for the default backend.
const char* name();

// glibc's own allocator; NULL in a fully static program, where it is not linked in.
const tarn_backend* system_backend();

// The part that knows dlopen: loader_dynamic.cpp in libtarn.so, loader_static.cpp in libtarn.a.
// False while the dynamic linker is at work or libc has not started: nothing can be loaded now.
bool can_load();
// The table of a module ("mimalloc") or a plugin ("/path/to/plugin.so"). NULL after one line of warning.
const tarn_backend* open_module(const char* name);
// Where a table lies, for a person; "" when it is built in.
const char* file_of(const tarn_backend* table);
// Registers visits.h's handlers, after those that the backend itself registered. False: out of memory.
bool watch_forks();

}  // namespace tarn::loader
