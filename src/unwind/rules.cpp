// SPDX-License-Identifier: MIT
#include "unwind/rules.h"

#include "unwind/cursor.h"

namespace tarn::unwind {

namespace {

// DWARF 5, 7.24, and the extensions that GCC writes.
enum : uint8_t {
    kAdvance = 0x40,
    kOffset = 0x80,
    kRestore = 0xc0,
    kNop = 0x00,
    kSetLocation,
    kAdvance1,
    kAdvance2,
    kAdvance4,
    kOffsetExtended,
    kRestoreExtended,
    kUndefined,
    kSameValue,
    kRegister,
    kRemember,
    kRecall,
    kFrame,
    kFrameRegister,
    kFrameOffset,
    kFrameExpression,
    kExpression,
    kOffsetSigned,
    kFrameSigned,
    kFrameOffsetSigned,
    kValueOffset,
    kValueOffsetSigned,
    kValueExpression,
    kSignedReturn = 0x2d,  // of aarch64: return addresses are plain by then
    kArgumentsSize = 0x2e,
};

class Program {
  public:
    Program(uintptr_t pc, const Function& function, Memory& memory, RulesRoom& room)
        : pc_(pc), location_(function.begin), function_(function), memory_(memory), room_(room) {}

    bool run() {
        memset(&room_.now, 0, sizeof(Rules));
        if (!run(function_.common, function_.common_end)) return false;
        room_.initial = room_.now;
        return run(function_.own, function_.own_end);
    }

  private:
    bool run(uintptr_t begin, uintptr_t end) {
        Cursor cursor(memory_, begin, end);
        while (cursor.more() && location_ <= pc_)
            if (!obey(cursor)) return false;
        return !cursor.bad();
    }

    void set(uint64_t number, Rule rule, int64_t value = 0) {
        if (number >= kRegisters) return;  // none that a walk needs
        room_.now.rule[number] = rule;
        room_.now.value[number] = static_cast<int32_t>(value);
    }
    void restore(uint64_t number) {
        if (number < kRegisters) set(number, room_.initial.rule[number], room_.initial.value[number]);
    }
    // Behind an expression; where it was.
    int64_t pass_expression(Cursor& cursor) {
        const uintptr_t at = cursor.at();
        const uint64_t length = cursor.take_unsigned();
        cursor.skip(length);
        return static_cast<int64_t>(at - function_.own);
    }
    int64_t scaled(uint64_t distance) { return static_cast<int64_t>(distance) * function_.data_factor; }
    void set_frame(uint64_t number, int64_t offset) {
        room_.now.frame_expression = false;
        room_.now.frame_register = static_cast<uint16_t>(number < kRegisters ? number : kRegisters);
        room_.now.frame_offset = offset;
    }

    bool obey(Cursor& cursor) {
        const uint8_t code = cursor.take<uint8_t>();
        const uint8_t low = code & 0x3f;
        switch (code & 0xc0) {
            case kAdvance:
                location_ += low * function_.code_factor;
                return true;
            case kOffset:
                set(low, Rule::kAt, scaled(cursor.take_unsigned()));
                return true;
            case kRestore:
                restore(low);
                return true;
            default:
                return obey_location(code, cursor) || obey_frame(code, cursor) || obey_register(code, cursor);
        }
    }
    bool obey_location(uint8_t code, Cursor& cursor) {
        switch (code) {
            case kNop:
            case kSignedReturn:
                return true;
            case kSetLocation:
                location_ = cursor.take_pointer(function_.pointer_encoding, 0);
                return true;
            case kAdvance1:
                location_ += cursor.take<uint8_t>() * function_.code_factor;
                return true;
            case kAdvance2:
                location_ += cursor.take<uint16_t>() * function_.code_factor;
                return true;
            case kAdvance4:
                location_ += cursor.take<uint32_t>() * function_.code_factor;
                return true;
            case kArgumentsSize:
                (void)cursor.take_unsigned();
                return true;
            default:
                return false;
        }
    }
    bool obey_frame(uint8_t code, Cursor& cursor) {
        Rules& now = room_.now;
        switch (code) {
            case kFrame: {
                const uint64_t number = cursor.take_unsigned();
                set_frame(number, static_cast<int64_t>(cursor.take_unsigned()));
                return true;
            }
            case kFrameSigned: {
                const uint64_t number = cursor.take_unsigned();
                set_frame(number, cursor.take_signed() * function_.data_factor);
                return true;
            }
            case kFrameRegister:
                set_frame(cursor.take_unsigned(), now.frame_offset);
                return true;
            case kFrameOffset:
                now.frame_offset = static_cast<int64_t>(cursor.take_unsigned());
                return true;
            case kFrameOffsetSigned:
                now.frame_offset = cursor.take_signed() * function_.data_factor;
                return true;
            case kFrameExpression:
                now.frame_expression = true;
                now.frame_offset = pass_expression(cursor);
                return true;
            default:
                return false;
        }
    }
    bool obey_register(uint8_t code, Cursor& cursor) {
        switch (code) {
            case kRemember:
                if (remembered_ == RulesRoom::kDepth) return false;
                room_.aside[remembered_++] = room_.now;
                return true;
            case kRecall:
                if (remembered_ == 0) return false;
                room_.now = room_.aside[--remembered_];
                return true;
            default:
                break;
        }
        const bool known = (code >= kOffsetExtended && code <= kRegister) ||
                           (code >= kExpression && code <= kValueExpression);
        if (!known) return false;
        const uint64_t number = cursor.take_unsigned();
        switch (code) {
            case kOffsetExtended:
                set(number, Rule::kAt, scaled(cursor.take_unsigned()));
                return true;
            case kOffsetSigned:
                set(number, Rule::kAt, cursor.take_signed() * function_.data_factor);
                return true;
            case kRestoreExtended:
                restore(number);
                return true;
            case kUndefined:
                set(number, Rule::kLost);
                return true;
            case kSameValue:
                set(number, Rule::kSame);
                return true;
            case kRegister:
                set(number, Rule::kIn, static_cast<int64_t>(cursor.take_unsigned()));
                return true;
            case kExpression:
                set(number, Rule::kAtExpression, pass_expression(cursor));
                return true;
            case kValueOffset:
                set(number, Rule::kIs, scaled(cursor.take_unsigned()));
                return true;
            case kValueOffsetSigned:
                set(number, Rule::kIs, cursor.take_signed() * function_.data_factor);
                return true;
            case kValueExpression:
                set(number, Rule::kIsExpression, pass_expression(cursor));
                return true;
            default:
                return false;
        }
    }

    const uintptr_t pc_;
    uintptr_t location_;
    const Function& function_;
    Memory& memory_;
    RulesRoom& room_;
    size_t remembered_ = 0;
};

}  // namespace

bool find_rules(uintptr_t pc, const Function& function, Memory& memory, RulesRoom& room) {
    return function.return_column == kReturnAddress && Program(pc, function, memory, room).run();
}

namespace {

// The value of one register in the caller. False: it has none, or cannot be had.
bool value_in_caller(unsigned number, const Rules& rules, uintptr_t own, uintptr_t frame,
                     const Registers& registers, Memory& memory, uintptr_t& value) {
    const intptr_t given = rules.value[number];
    const uintptr_t place = own + static_cast<uintptr_t>(given);
    switch (rules.rule[number]) {
        case Rule::kUnsaid:
            if (number == kStackPointer) {
                value = frame;
                return true;
            }
            if (!(kept_mask() >> number & 1)) return false;
            [[fallthrough]];
        case Rule::kSame:
            value = registers.value[number];
            return registers.knows(number);
        case Rule::kLost:
            return false;
        case Rule::kAt:
            return memory.read(frame + static_cast<uintptr_t>(given), value);
        case Rule::kIs:
            value = frame + static_cast<uintptr_t>(given);
            return true;
        case Rule::kIn:
            if (!registers.knows(static_cast<unsigned>(given))) return false;
            value = registers.value[given];
            return true;
        case Rule::kAtExpression: {
            uintptr_t at;
            return evaluate(place, registers, &frame, memory, at) && memory.read(at, value);
        }
        case Rule::kIsExpression:
            return evaluate(place, registers, &frame, memory, value);
    }
    return false;
}

}  // namespace

Step apply(const Rules& rules, const Function& function, const Registers& before, Registers& registers,
           Memory& memory) {
    if (rules.rule[kReturnAddress] == Rule::kLost) return Step::kOutermost;
    uintptr_t frame;
    if (rules.frame_expression) {
        const uintptr_t block = function.own + static_cast<uintptr_t>(rules.frame_offset);
        if (!evaluate(block, before, nullptr, memory, frame)) return Step::kUnknown;
    } else {
        if (!before.knows(rules.frame_register)) return Step::kUnknown;
        frame = before.value[rules.frame_register] + static_cast<uintptr_t>(rules.frame_offset);
    }
    for (unsigned number = 0; number < kRegisters; ++number) {
        uintptr_t value;
        if (value_in_caller(number, rules, function.own, frame, before, memory, value))
            registers.set(number, value);
        else
            registers.forget(number);
    }
    if (!registers.knows(kReturnAddress) || !registers.knows(kStackPointer)) return Step::kUnknown;
    registers.pc = plain_address(registers.value[kReturnAddress]);
    return Step::kCaller;
}

}  // namespace tarn::unwind
