// SPDX-License-Identifier: MIT
// What the start files would define, had libtarn.so any (meson.build): what libc knows a library by when it is
// unloaded, which this one never is.
extern "C" [[gnu::visibility("hidden")]] void* __dso_handle;
void* __dso_handle = &__dso_handle;
