// SPDX-License-Identifier: MIT
// What a signal's context says on x86-64. Registers by their numbers in DWARF; the error code of a page fault as in the Intel SDM,
// volume 3, 4.7.
#pragma once
#include <ucontext.h>

#include "guard/access.h"
#include "unwind/registers.h"

namespace tarn::guard {

inline void registers_of(const ucontext_t& context, unwind::Registers& registers) {
    constexpr int kOrder[] = {REG_RAX, REG_RDX, REG_RCX, REG_RBX, REG_RSI, REG_RDI, REG_RBP, REG_RSP,
                              REG_R8,  REG_R9,  REG_R10, REG_R11, REG_R12, REG_R13, REG_R14, REG_R15};
    registers.known = 0;
    for (unsigned i = 0; i < sizeof kOrder / sizeof *kOrder; ++i)
        registers.set(i, static_cast<uintptr_t>(context.uc_mcontext.gregs[kOrder[i]]));
    registers.pc = static_cast<uintptr_t>(context.uc_mcontext.gregs[REG_RIP]);
}

inline Access access_of(const ucontext_t& context) {
    constexpr long long kWrite = 2, kFetch = 16;
    const long long code = context.uc_mcontext.gregs[REG_ERR];
    return code & kFetch ? Access::kCall : code & kWrite ? Access::kWrite : Access::kRead;
}

}  // namespace tarn::guard
