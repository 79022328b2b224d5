// SPDX-License-Identifier: MIT
// The loader's part in libtarn.a: no reference to dlopen, so that fully static programs link. What is built
// in can be chosen; modules and plugins need libtarn.so.
#include "backend/loader.h"
#include "base/message.h"
#include "base/options.h"
#include "base/os.h"

namespace tarn::loader {

bool can_load() {
    return os::environment() != nullptr;
}

const tarn_backend* open_module(const char* name) {
    // Silent for the build's default: nobody asked this program for it.
    if (*options.backend) warn("backend ", name, ": libtarn.a loads no modules; map serves");
    return nullptr;
}

const char* file_of(const tarn_backend*) {
    return "(built in)";
}

bool watch_forks() {
    return true;
}  // only modules need it

}  // namespace tarn::loader
