// SPDX-License-Identifier: MIT
// The processor's clock, for ratios of times: no call, of the system or of libc. Of no known unit; may differ between
// processors.
#pragma once
#include <cstdint>

namespace tarn::os {

inline uint64_t ticks() {
#if defined(__x86_64__)
    return __builtin_ia32_rdtsc();
#else
    uint64_t now;
    asm volatile("mrs %0, cntvct_el0" : "=r"(now));
    return now;
#endif
}

}  // namespace tarn::os
