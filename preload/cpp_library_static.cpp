// SPDX-License-Identifier: MIT
// Weak references: the linker has resolved them, or the program has no C++ library.
#include <string.h>

#include "preload/cpp_runtime.h"

// As libstdc++ and libc++abi name them.
extern "C" {
[[gnu::weak]] void handler_of_library() asm("_ZSt15get_new_handlerv");
[[gnu::weak]] void throw_of_library() asm("_ZSt17__throw_bad_allocv");
}

void* tarn::find_in_cpp_library(const char* name) {
    return reinterpret_cast<void*>(strcmp(name, "_ZSt15get_new_handlerv") == 0 ? handler_of_library
                                                                               : throw_of_library);
}
