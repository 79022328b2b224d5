// SPDX-License-Identifier: MIT
// The loader's part in libtarn.a: no reference to dlopen, so that fully static programs link. What is built
// in can be chosen; modules and plugins need libtarn.so.
#include "backend/modules/loader.h"
#include "base/message.h"
#include "base/options.h"

namespace tarn {

const tarn_backend* open_module(const char* name) {
    if (*options.backend || options.verbose)
        warn("backend ", name, ": libtarn.a loads no modules; map serves");
    return nullptr;
}

const char* file_of(const tarn_backend*) {
    return "(built in)";
}

}  // namespace tarn
