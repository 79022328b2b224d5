// SPDX-License-Identifier: MIT
// What operator new needs of the program's C++ library, which may not be there.
#pragma once

// What the compiler refers to where an exception may pass or is caught; a program that can throw has them.
asm(".weak __gxx_personality_v0\n.weak __cxa_begin_catch\n.weak __cxa_end_catch\n.weak _Unwind_Resume\n"
    ".weak _ZSt9terminatev");

namespace tarn {

using NewHandler = void (*)();

// NULL when none is set, or the process has no C++ library.
NewHandler new_handler();
// Throws std::bad_alloc; without a C++ library that could, one line of message and abort.
[[noreturn]] void throw_bad_alloc();

// One of those two functions of the C++ library that is in the process, wherever; NULL when there is none. In
// a dynamic program it may have been loaded after libtarn.
void* find_in_cpp_library(const char* name);

}  // namespace tarn
