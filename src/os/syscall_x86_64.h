// SPDX-License-Identifier: MIT
// Raw system calls on x86-64 Linux. No errno: failures come back as -errno.
#pragma once
#include <asm/unistd.h>

namespace tarn::os {

inline long raw_syscall(long number, long a = 0, long b = 0, long c = 0, long d = 0, long e = 0, long f = 0) {
    long result;
    register long r10 asm("r10") = d;
    register long r8 asm("r8") = e;
    register long r9 asm("r9") = f;
    asm volatile("syscall"
                 : "=a"(result)
                 : "a"(number), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8), "r"(r9)
                 : "rcx", "r11", "memory");
    return result;
}

inline void cpu_pause() {
    asm volatile("pause");
}

}  // namespace tarn::os
