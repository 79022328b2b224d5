// SPDX-License-Identifier: MIT
// The registers of a frame, by their numbers in DWARF. Which of them a function keeps for its caller is the machine's
// calling convention.
#pragma once
#include <cstddef>
#include <cstdint>
#include <iterator>

#if defined(__x86_64__)
#include "unwind/registers_x86_64.h"
#elif defined(__aarch64__)
#include "unwind/registers_aarch64.h"
#endif

namespace tarn::unwind {

inline constexpr size_t kKept = std::size(kKeptRegisters);

struct Registers {
    uintptr_t value[kRegisters];
    uint64_t known;  // a bit for each that has its value here
    uintptr_t pc;

    bool knows(unsigned number) const { return number < kRegisters && (known >> number & 1); }
    void set(unsigned number, uintptr_t to) {
        value[number] = to;
        known |= uint64_t{1} << number;
    }
    void forget(unsigned number) { known &= ~(uint64_t{1} << number); }
    uintptr_t sp() const { return value[kStackPointer]; }
};

constexpr uint64_t kept_mask() {
    uint64_t mask = 0;
    for (const unsigned number : kKeptRegisters)
        mask |= uint64_t{1} << number;
    return mask;
}

}  // namespace tarn::unwind
