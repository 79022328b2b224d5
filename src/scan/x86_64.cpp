// SPDX-License-Identifier: MIT
// Which version an x86-64 can run. Asked of the processor itself: the compiler's __builtin_cpu_supports
// brings a constructor that would run at every start. Bits: Intel 64 and IA-32 Architectures Software
// Developer's Manual, volume 2A, CPUID.
#include "scan/x86_64.h"

#include <cpuid.h>

namespace tarn::scan {

namespace {

constexpr unsigned kSsse3 = 1u << 9, kSse42 = 1u << 20, kPopcount = 1u << 23, kOsxsave = 1u << 27;  // 1, ecx
constexpr unsigned kBmi1 = 1u << 3, kAvx2 = 1u << 5;                                                // 7, ebx
constexpr unsigned kWideRegisters = 6;                                                              // XCR0

// Does the system keep the wide registers of a thread? To be asked only with kOsxsave.
bool wide_registers_are_kept() {
    unsigned low, high;
    asm volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
    return (low & kWideRegisters) == kWideRegisters;
}

bool all(unsigned word, unsigned bits) {
    return (word & bits) == bits;
}

}  // namespace

Version best_version() {
    unsigned eax, ebx, ecx, edx;
    if (!__get_cpuid(1, &eax, &ebx, &ecx, &edx) || !all(ecx, kSsse3 | kSse42 | kPopcount))
        return Version::kScalar;
    if (!all(ecx, kOsxsave) || !wide_registers_are_kept()) return Version::kSse42;
    if (!__get_cpuid_count(7, 0, &eax, &ebx, &ecx, &edx) || !all(ebx, kBmi1 | kAvx2)) return Version::kSse42;
    return Version::kAvx2;
}

}  // namespace tarn::scan
