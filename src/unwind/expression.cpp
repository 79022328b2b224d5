// SPDX-License-Identifier: MIT
// Expressions (DWARF 5, 2.5.1 and 7.7.1), those operations of which that call frame information may have.
#include "unwind/cursor.h"
#include "unwind/rules.h"

namespace tarn::unwind {

namespace {

enum : uint8_t {
    kAddress = 0x03,
    kDereference = 0x06,
    kConst1u = 0x08,
    kConst1s,
    kConst2u,
    kConst2s,
    kConst4u,
    kConst4s,
    kConst8u,
    kConst8s,
    kConstU,
    kConstS,
    kDuplicate,
    kDrop,
    kOver,
    kPick,
    kSwap,
    kAnd = 0x1a,
    kMinus = 0x1c,
    kMultiply = 0x1e,
    kNegate = 0x1f,
    kNot = 0x20,
    kOr,
    kPlus,
    kPlusConst,
    kShiftLeft,
    kShiftRight,
    kShiftArithmetic,
    kXor,
    kBranch = 0x28,
    kEqual,
    kNotLess,
    kGreater,
    kNotGreater,
    kLess,
    kNotEqual,
    kSkip = 0x2f,
    kLiteral = 0x30,
    kRegisterBase = 0x70,
    kRegisterBaseX = 0x92,
    kNoOperation = 0x96,
};

class Evaluation {
  public:
    Evaluation(const Registers& registers, Memory& memory) : registers_(registers), memory_(memory) {}

    void push(uintptr_t value) {
        if (depth_ == kDepth)
            bad_ = true;
        else
            stack_[depth_++] = value;
    }
    bool run(Cursor& cursor) {
        constexpr unsigned kStepsMost = 256;  // there are branches
        for (unsigned step = 0; cursor.more() && !bad_; ++step)
            if (step == kStepsMost || !obey(cursor)) return false;
        return !cursor.bad() && !bad_;
    }
    uintptr_t pop() {
        if (depth_ == 0) {
            bad_ = true;
            return 0;
        }
        return stack_[--depth_];
    }
    bool bad() const { return bad_; }

  private:
    static constexpr size_t kDepth = 8;

    bool obey(Cursor& cursor) {
        const uint8_t code = cursor.take<uint8_t>();
        if (code >= kLiteral && code < kLiteral + 32) return push(code - kLiteral), true;
        if (code >= kRegisterBase && code < kRegisterBase + 32)
            return push_base(code - kRegisterBase, cursor);
        return obey_constant(code, cursor) || obey_stack(code, cursor) || obey_unary(code, cursor) ||
               obey_jump(code, cursor) || obey_binary(code);
    }
    bool push_base(uint64_t number, Cursor& cursor) {
        const int64_t offset = cursor.take_signed();
        if (number >= kRegisters || !registers_.knows(static_cast<unsigned>(number))) return false;
        push(registers_.value[number] + static_cast<uintptr_t>(offset));
        return true;
    }
    bool obey_constant(uint8_t code, Cursor& cursor) {
        switch (code) {
            case kAddress:
            case kConst8u:
            case kConst8s:
                return push(cursor.take<uint64_t>()), true;
            case kConst1u:
                return push(cursor.take<uint8_t>()), true;
            case kConst1s:
                return push(static_cast<uintptr_t>(intptr_t{cursor.take<int8_t>()})), true;
            case kConst2u:
                return push(cursor.take<uint16_t>()), true;
            case kConst2s:
                return push(static_cast<uintptr_t>(intptr_t{cursor.take<int16_t>()})), true;
            case kConst4u:
                return push(cursor.take<uint32_t>()), true;
            case kConst4s:
                return push(static_cast<uintptr_t>(intptr_t{cursor.take<int32_t>()})), true;
            case kConstU:
                return push(cursor.take_unsigned()), true;
            case kConstS:
                return push(static_cast<uintptr_t>(cursor.take_signed())), true;
            case kRegisterBaseX: {
                const uint64_t number = cursor.take_unsigned();
                return push_base(number, cursor);
            }
            default:
                return false;
        }
    }
    bool obey_stack(uint8_t code, Cursor& cursor) {
        switch (code) {
            case kNoOperation:
                return true;
            case kDuplicate:
                return pick(0);
            case kOver:
                return pick(1);
            case kPick:
                return pick(cursor.take<uint8_t>());
            case kDrop:
                (void)pop();
                return true;
            case kSwap: {
                const uintptr_t first = pop(), second = pop();
                push(first);
                push(second);
                return true;
            }
            default:
                return false;
        }
    }
    bool pick(size_t below) {
        if (below >= depth_) return false;
        push(stack_[depth_ - 1 - below]);
        return true;
    }
    bool obey_unary(uint8_t code, Cursor& cursor) {
        switch (code) {
            case kDereference: {
                uintptr_t value = 0;
                if (!memory_.read(pop(), value)) return false;
                push(value);
                return true;
            }
            case kPlusConst: {
                const uintptr_t value = pop();
                push(value + cursor.take_unsigned());
                return true;
            }
            case kNegate:
                push(0 - pop());
                return true;
            case kNot:
                push(~pop());
                return true;
            default:
                return false;
        }
    }
    bool obey_jump(uint8_t code, Cursor& cursor) {
        if (code != kSkip && code != kBranch) return false;
        const int16_t distance = cursor.take<int16_t>();
        if (code == kBranch && pop() == 0) return true;
        if (distance < 0) return false;  // no table has loops
        cursor.skip(static_cast<uintptr_t>(distance));
        return true;
    }
    bool obey_binary(uint8_t code) {
        const uintptr_t right = pop(), left = pop();
        const intptr_t signed_right = static_cast<intptr_t>(right), signed_left = static_cast<intptr_t>(left);
        switch (code) {
            case kAnd:
                return push(left & right), true;
            case kMinus:
                return push(left - right), true;
            case kMultiply:
                return push(left * right), true;
            case kOr:
                return push(left | right), true;
            case kPlus:
                return push(left + right), true;
            case kShiftLeft:
                return push(right < 64 ? left << right : 0), true;
            case kShiftRight:
                return push(right < 64 ? left >> right : 0), true;
            case kShiftArithmetic:
                return push(static_cast<uintptr_t>(signed_left >> (right < 64 ? right : 63))), true;
            case kXor:
                return push(left ^ right), true;
            case kEqual:
                return push(left == right), true;
            case kNotLess:
                return push(signed_left >= signed_right), true;
            case kGreater:
                return push(signed_left > signed_right), true;
            case kNotGreater:
                return push(signed_left <= signed_right), true;
            case kLess:
                return push(signed_left < signed_right), true;
            case kNotEqual:
                return push(left != right), true;
            default:
                return false;
        }
    }

    const Registers& registers_;
    Memory& memory_;
    uintptr_t stack_[kDepth];
    size_t depth_ = 0;
    bool bad_ = false;
};

}  // namespace

bool evaluate(uintptr_t block, const Registers& registers, const uintptr_t* top, Memory& memory,
              uintptr_t& result) {
    constexpr uintptr_t kLengthMost = 1024;
    Cursor length(memory, block, block + 16);
    const uint64_t bytes = length.take_unsigned();
    if (length.bad() || bytes > kLengthMost) return false;
    Cursor cursor(memory, length.at(), length.at() + bytes);
    Evaluation evaluation(registers, memory);
    if (top) evaluation.push(*top);
    if (!evaluation.run(cursor)) return false;
    result = evaluation.pop();
    return !evaluation.bad();
}

}  // namespace tarn::unwind
