// SPDX-License-Identifier: MIT
// What the C++ library has, found by name when it is needed.
#include "preload/cpp_runtime.h"

#include "base/message.h"

namespace tarn {

NewHandler new_handler() {
    using Get = NewHandler (*)();
    const Get get = reinterpret_cast<Get>(find_in_cpp_library("_ZSt15get_new_handlerv"));
    return get ? get() : nullptr;
}

void throw_bad_alloc() {
    using Throw = void (*)();
    const Throw thrower = reinterpret_cast<Throw>(find_in_cpp_library("_ZSt17__throw_bad_allocv"));
    if (thrower) thrower();
    die(Fault::kInternal, nullptr, "out of memory in operator new, and no C++ library to throw bad_alloc");
}

}  // namespace tarn
