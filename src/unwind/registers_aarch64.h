// SPDX-License-Identifier: MIT
// DWARF for the Arm 64-bit Architecture, "DWARF register names"; Procedure Call Standard, 6.1.1.
#pragma once
#include <cstddef>
#include <cstdint>

namespace tarn::unwind {

inline constexpr unsigned kRegisters = 32;  // x0 ... x30, sp
inline constexpr unsigned kFramePointer = 29, kStackPointer = 31, kReturnAddress = 30;
// The return address is the last.
inline constexpr unsigned kKeptRegisters[] = {19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30};
inline constexpr bool kCallPushes = false;

// Those of who calls this, where it goes on.
[[gnu::always_inline]] inline void capture(uintptr_t (&value)[kRegisters], uintptr_t& pc) {
    asm volatile(
        "stp x19, x20, [%1, #152]\n\tstp x21, x22, [%1, #168]\n\tstp x23, x24, [%1, #184]\n\t"
        "stp x25, x26, [%1, #200]\n\tstp x27, x28, [%1, #216]\n\tstp x29, x30, [%1, #232]\n\t"
        "mov %0, sp\n\tstr %0, [%1, #248]\n\tadr %0, 0f\n0:"
        : "=&r"(pc)
        : "r"(value)
        : "memory");
}

// Pointer authentication signs what lies above the address space.
inline uintptr_t plain_address(uintptr_t address) {
    return address & ((uintptr_t{1} << 48) - 1);
}

inline constexpr size_t kCallBytes = 4;
struct Call {
    bool is = false;
    uintptr_t target = 0;  // 0: in a register
};
inline Call call_before(uintptr_t at, const uint8_t (&bytes)[kCallBytes]) {
    const uint32_t code =
        bytes[0] | uint32_t{bytes[1]} << 8 | uint32_t{bytes[2]} << 16 | uint32_t{bytes[3]} << 24;
    if (code >> 26 == 0x25) {  // bl
        const int64_t distance = static_cast<int64_t>(static_cast<uint64_t>(code) << 38) >> 36;
        return {true, at - 4 + static_cast<uintptr_t>(distance)};
    }
    return {(code & 0xfffffc1f) == 0xd63f0000 || (code & 0xfffff800) == 0xd73f0800, 0};  // blr, blraa
}

}  // namespace tarn::unwind
