// SPDX-License-Identifier: MIT
// The walk over a stack: the return addresses of this thread's functions, the innermost first. By call frame information
// where there is some, else by frame pointers as far as they hold. What it finds is right, or cut short; it never faults,
// locks, allocates or calls what does. It may be done anywhere: in a signal handler, on any stack, in a constructor under
// dlopen.
#pragma once
#include "unwind/row.h"

namespace tarn::unwind {

inline constexpr size_t kFramesMost = 128;
// Of an address that was not called from, but interrupted by a signal (TARN_RECORD_FRAME_EXACT).
inline constexpr uint64_t kExact = uint64_t{1} << 62;

// What one walk needs, too large for a small stack. For one walk at a time: not for a signal handler over another one.
struct WalkRoom {
    RowTable* rows;  // NULL: none are kept
    Memory memory;
    RulesRoom rules;
    Registers registers, before;  // of the frame that it has come to, and of the one before
    struct Known {
        Object object;
        uint64_t signature;
        uint64_t walk;     // in which it was looked up last
        uint64_t time_ns;  // when the signature was made
    } known[8];
    size_t next_known;
    uint64_t walks;
};

struct Walked {
    size_t frames = 0;
    bool cut = false;  // there were more, or it could not go on
};
// From `registers` on, of which the stack pointer and the pc are known; the pc itself is not a frame. At most `most`.
// `now`: any clock in ns. A library that another one replaces at the same place, with tables of the same size, may be taken
// for it for kTrusted.
inline constexpr uint64_t kTrusted = 100'000'000;
// `own`: kept by who keeps something for each thread, empty at first. `places`, if not NULL: the stack pointer in each frame.
Walked walk(WalkRoom& room, Memory::Range& own, const Registers& registers, uint64_t now, uint64_t* frames,
            uintptr_t* places, size_t most);

// The registers of the function that this is called in.
[[gnu::always_inline]] inline void capture(Registers& registers) {
    capture(registers.value, registers.pc);
    registers.known =
        (kept_mask() | uint64_t{1} << kStackPointer) & ~(kCallPushes ? uint64_t{1} << kReturnAddress : 0);
}

}  // namespace tarn::unwind
