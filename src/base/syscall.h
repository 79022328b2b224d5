// SPDX-License-Identifier: MIT
// Chooses the raw system call of this machine. Only os.cpp, os_files.cpp and lock.cpp include it.
#pragma once
#if defined(__x86_64__)
#include "base/syscall_x86_64.h"
#elif defined(__aarch64__)
#include "base/syscall_aarch64.h"
#else
#error "tarn supports x86-64 and aarch64 Linux"
#endif
