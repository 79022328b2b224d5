// SPDX-License-Identifier: MIT
// System V ABI, AMD64 supplement, figures 3.4 and 3.36.
#pragma once
#include <cstddef>
#include <cstdint>

namespace tarn::unwind {

inline constexpr unsigned kRegisters = 17;  // rax rdx rcx rbx rsi rdi rbp rsp r8 ... r15, return address
inline constexpr unsigned kFramePointer = 6, kStackPointer = 7, kReturnAddress = 16;
// The return address is the last: where a call leaves it.
inline constexpr unsigned kKeptRegisters[] = {3, 6, 12, 13, 14, 15, 16};
inline constexpr bool kCallPushes = true;  // so the stack pointer of a caller is always higher

// Those of who calls this, where it goes on.
[[gnu::always_inline]] inline void capture(uintptr_t (&value)[kRegisters], uintptr_t& pc) {
    asm volatile(
        "movq %%rbx, 24(%1)\n\tmovq %%rbp, 48(%1)\n\tmovq %%rsp, 56(%1)\n\tmovq %%r12, 96(%1)\n\t"
        "movq %%r13, 104(%1)\n\tmovq %%r14, 112(%1)\n\tmovq %%r15, 120(%1)\n\tleaq 0f(%%rip), %0\n0:"
        : "=&r"(pc)
        : "r"(value)
        : "memory");
}

// As a return address is in memory, without what the machine adds to it.
inline uintptr_t plain_address(uintptr_t address) {
    return address;
}

// What may stand before a return address. Instructions of a call, read from memory that ends there.
inline constexpr size_t kCallBytes = 7;
struct Call {
    bool is = false;
    uintptr_t target = 0;  // 0: in a register or memory
};
inline Call call_before(uintptr_t at, const uint8_t (&bytes)[kCallBytes]) {
    if (bytes[2] == 0xe8) {
        const uint32_t distance =
            bytes[3] | uint32_t{bytes[4]} << 8 | uint32_t{bytes[5]} << 16 | uint32_t{bytes[6]} << 24;
        return {true, at + static_cast<uintptr_t>(static_cast<intptr_t>(static_cast<int32_t>(distance)))};
    }
    // ff /2, by the length that its second byte gives it.
    for (size_t length = 2; length <= kCallBytes; ++length) {
        const uint8_t* const code = bytes + kCallBytes - length;
        if (code[0] != 0xff || (code[1] >> 3 & 7) != 2) continue;
        const unsigned mode = code[1] >> 6, base = code[1] & 7;
        size_t needs = 2;
        if (mode != 3 && base == 4) ++needs;
        if (mode == 1) needs += 1;
        if (mode == 2 || (mode == 0 && (base == 5 || (base == 4 && length > 2 && (code[2] & 7) == 5))))
            needs += 4;
        if (needs == length) return {true, 0};
    }
    return {};
}

}  // namespace tarn::unwind
