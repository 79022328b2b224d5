// SPDX-License-Identifier: MIT
// Weak references to the C++ library: present at start, found later by name, or absent.
#include "preload/cpp_runtime.h"

#include "base/message.h"

// As libstdc++ and libc++abi name them.
extern "C" {
[[gnu::weak]] tarn::NewHandler get_new_handler() asm("_ZSt15get_new_handlerv");
[[gnu::weak]] void throw_of_library() asm("_ZSt17__throw_bad_allocv");
}

namespace tarn {

NewHandler new_handler() {
    using Get = NewHandler (*)();
    const Get get = get_new_handler ? get_new_handler
                                    : reinterpret_cast<Get>(find_in_cpp_library("_ZSt15get_new_handlerv"));
    return get ? get() : nullptr;
}

void throw_bad_alloc() {
    using Throw = void (*)();
    const Throw thrower = throw_of_library
                              ? throw_of_library
                              : reinterpret_cast<Throw>(find_in_cpp_library("_ZSt17__throw_bad_allocv"));
    if (thrower) thrower();
    die(Fault::kInternal, nullptr, "out of memory in operator new, and no C++ library to throw bad_alloc");
}

}  // namespace tarn
