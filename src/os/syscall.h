// SPDX-License-Identifier: MIT
// Chooses the raw system call of this machine. Only os.cpp, facts.cpp, files.cpp, guard.cpp and lock.cpp include it.
#pragma once
#if defined(__x86_64__)
#include "os/syscall_x86_64.h"
#elif defined(__aarch64__)
#include "os/syscall_aarch64.h"
#else
#error "tarn supports x86-64 and aarch64 Linux"
#endif

namespace tarn::os {

inline bool failed(long result) {
    return static_cast<unsigned long>(result) > -4096UL;
}
inline long address(const void* at) {
    return reinterpret_cast<long>(at);
}

}  // namespace tarn::os
