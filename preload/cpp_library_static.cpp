// SPDX-License-Identifier: MIT
#include "preload/cpp_runtime.h"

void* tarn::find_in_cpp_library(const char*) {
    return nullptr;
}
