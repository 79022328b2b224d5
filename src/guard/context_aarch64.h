// SPDX-License-Identifier: MIT
// What a signal's context says on aarch64. The syndrome (ESR_EL1) lies in a record of its own, as asm/sigcontext.h has it.
#pragma once
#include <asm/sigcontext.h>
#include <ucontext.h>

#include "guard/access.h"
#include "unwind/registers.h"

namespace tarn::guard {

inline void registers_of(const ucontext_t& context, unwind::Registers& registers) {
    registers.known = 0;
    for (unsigned i = 0; i < 31; ++i)
        registers.set(i, context.uc_mcontext.regs[i]);
    registers.set(unwind::kStackPointer, context.uc_mcontext.sp);
    registers.pc = context.uc_mcontext.pc;
}

inline Access access_of(const ucontext_t& context) {
    constexpr uint64_t kWrite = 1 << 6, kFetch = 0x20;
    const auto* at = reinterpret_cast<const unsigned char*>(context.uc_mcontext.__reserved);
    for (size_t i = 0; i < 4096 / sizeof(_aarch64_ctx); ++i) {
        const auto* const head = reinterpret_cast<const _aarch64_ctx*>(at);
        if (head->magic == 0 || head->size < sizeof *head) break;
        if (head->magic == ESR_MAGIC) {
            const uint64_t syndrome = reinterpret_cast<const esr_context*>(head)->esr;
            if (syndrome >> 26 == kFetch || syndrome >> 26 == kFetch + 1) return Access::kCall;
            return syndrome & kWrite ? Access::kWrite : Access::kRead;
        }
        at += head->size;
    }
    return Access::kUnknown;
}

}  // namespace tarn::guard
