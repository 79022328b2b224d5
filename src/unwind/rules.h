// SPDX-License-Identifier: MIT
// How the registers of a caller follow from those of the function that it called, at one address of that: what the
// instructions of call frame information come to (DWARF 5, 6.4).
#pragma once
#include "unwind/registers.h"
#include "unwind/tables.h"

namespace tarn::unwind {

enum class Rule : uint8_t {
    kUnsaid,        // the calling convention says whether it is kept
    kLost,          // undefined; of the return address: this is the outermost frame
    kSame,          //
    kAt,            // in memory, so far from the canonical frame address
    kIs,            // so far from it
    kIn,            // what another register has
    kAtExpression,  // in memory, where an expression says
    kIsExpression,
};

struct Rules {
    int64_t frame_offset;  // of the canonical frame address: from this register,
    uint16_t frame_register;
    bool frame_expression;  // or an expression
    Rule rule[kRegisters];
    int32_t value[kRegisters];  // the distance; the register; where the expression is, from function.own
};

// Room for those that are put aside meanwhile.
struct RulesRoom {
    static constexpr size_t kDepth = 4;
    Rules now, initial, aside[kDepth];
};

// False where the instructions do not make sense, or are not known here: nothing is known of that frame then.
bool find_rules(uintptr_t pc, const Function& function, Memory& memory, RulesRoom& room);

// What an expression (DWARF 5, 2.5) at `block`, whose first number is its length, comes to. `top`: on its stack when it
// begins; NULL: nothing is.
bool evaluate(uintptr_t block, const Registers& registers, const uintptr_t* top, Memory& memory,
              uintptr_t& result);

// The registers, which are as `before`, become those of the caller. kUnknown: some of what is needed is not known or cannot be
// read, and they are anything.
enum class Step : uint8_t { kCaller, kOutermost, kUnknown, kNoInformation };
Step apply(const Rules& rules, const Function& function, const Registers& before, Registers& registers,
           Memory& memory);

}  // namespace tarn::unwind
