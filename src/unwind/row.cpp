// SPDX-License-Identifier: MIT
#include "unwind/row.h"

#include <utility>

#include "unwind/cursor.h"

namespace tarn::unwind {

namespace {

constexpr int64_t kWord = sizeof(uintptr_t);

// "What is at register + offset": where the stack was aligned anew.
bool is_dereference(uintptr_t block, Memory& memory, Row& row) {
    constexpr uint8_t kRegisterBase = 0x70, kDereference = 0x06;
    Cursor cursor(memory, block, block + 16);
    const uint64_t length = cursor.take_unsigned();
    const uintptr_t begin = cursor.at();
    const unsigned number = cursor.take<uint8_t>() - unsigned{kRegisterBase};
    const int64_t offset = cursor.take_signed();
    if (number >= 32 || number >= kRegisters || offset != static_cast<int32_t>(offset)) return false;
    if (cursor.take<uint8_t>() != kDereference || cursor.bad() || cursor.at() != begin + length) return false;
    row.frame = Row::kDereferenced;
    row.frame_register = static_cast<uint8_t>(number);
    row.frame_offset = static_cast<int32_t>(offset);
    return true;
}

uint8_t reach_of(const Row& row) {
    int reach = 0;
    for (const int8_t saved : row.saved) {
        if (saved > 0 || saved == Row::kLost) return 0;
        if (-saved > reach) reach = -saved;
    }
    return static_cast<uint8_t>(reach);
}

bool pack_register(Rule rule, int32_t value, int8_t& saved) {
    switch (rule) {
        case Rule::kUnsaid:
        case Rule::kSame:
            saved = 0;
            return true;
        case Rule::kLost:
            saved = Row::kLost;
            return true;
        case Rule::kAt:
            saved = static_cast<int8_t>(value / kWord);
            return value % kWord == 0 && value != 0 && value / kWord > Row::kLost && value / kWord < 128;
        default:
            return false;
    }
}

}  // namespace

bool pack(const Rules& rules, const Function& function, Memory& memory, Row& row) {
    memset(&row, 0, sizeof row);
    if (rules.rule[kReturnAddress] == Rule::kLost) {
        row.frame = Row::kOutermost;
        return true;
    }
    if (rules.frame_expression) {
        const uintptr_t block = function.own + static_cast<uintptr_t>(rules.frame_offset);
        if (!is_dereference(block, memory, row)) return false;
    } else {
        if (rules.frame_register >= kRegisters ||
            rules.frame_offset != static_cast<int32_t>(rules.frame_offset))
            return false;
        row.frame = Row::kRegister;
        row.frame_register = static_cast<uint8_t>(rules.frame_register);
        row.frame_offset = static_cast<int32_t>(rules.frame_offset);
    }
    for (unsigned number = 0; number < kRegisters; ++number) {
        const bool plain = rules.rule[number] == Rule::kUnsaid || rules.rule[number] == Rule::kLost;
        if (!(kept_mask() >> number & 1) && !plain) return false;
    }
    for (size_t i = 0; i < kKept; ++i)
        if (!pack_register(rules.rule[kKeptRegisters[i]], rules.value[kKeptRegisters[i]], row.saved[i]))
            return false;
    row.reach = reach_of(row);
    return true;
}

namespace {

// All of them lie where the stack is known. Without a loop: it is most of what a walk does.
template <size_t... I>
[[gnu::always_inline]] inline void load_all(const Row& row, uintptr_t frame, Registers& registers,
                                            std::index_sequence<I...>) {
    const auto load = [&](int8_t saved, unsigned number) {
        if (saved == 0) return uint64_t{0};
        const uintptr_t at = frame + static_cast<uintptr_t>(saved * kWord);
        memcpy(&registers.value[number], reinterpret_cast<const void*>(at), sizeof(uintptr_t));
        return uint64_t{1} << number;
    };
    registers.known |= (load(row.saved[I], kKeptRegisters[I]) | ...);
}

void load_each(const Row& row, uintptr_t frame, Registers& registers, Memory& memory) {
    for (size_t i = 0; i < kKept; ++i) {
        const unsigned number = kKeptRegisters[i];
        if (row.saved[i] == 0) continue;
        const uintptr_t at = frame + static_cast<uintptr_t>(row.saved[i] * kWord);
        if (row.saved[i] != Row::kLost && memory.read(at, registers.value[number]))
            registers.known |= uint64_t{1} << number;
        else
            registers.forget(number);
    }
}

}  // namespace

Step apply(const Row& row, Registers& registers, Memory& memory) {
    if (row.frame == Row::kOutermost) return Step::kOutermost;
    if (!registers.knows(row.frame_register)) return Step::kUnknown;
    uintptr_t frame =
        registers.value[row.frame_register] + static_cast<uintptr_t>(intptr_t{row.frame_offset});
    if (row.frame == Row::kDereferenced && !memory.read(frame, frame)) return Step::kUnknown;
    registers.known &= kept_mask();
    const size_t bytes = row.reach * sizeof(uintptr_t);
    if (row.reach && memory.on_stack(frame - bytes, bytes)) [[likely]]
        load_all(row, frame, registers, std::make_index_sequence<kKept>());
    else
        load_each(row, frame, registers, memory);
    registers.set(kStackPointer, frame);
    if (!registers.knows(kReturnAddress)) return Step::kUnknown;
    registers.pc = plain_address(registers.value[kReturnAddress]);
    return Step::kCaller;
}

namespace {

uint64_t all_of(const uint64_t (&words)[kRowWords]) {
    uint64_t all = 0;
    for (size_t i = 0; i < kRowWords; ++i)
        all ^= words[i] << i | (i ? words[i] >> (64 - i) : 0);
    return all;
}

}  // namespace

bool RowTable::find(uint64_t key, Row& row) const {
    const Entry& entry = entries_[key % kEntries];
    const uint64_t check = entry.check.load(std::memory_order_relaxed);
    uint64_t words[kRowWords];
    for (size_t i = 0; i < kRowWords; ++i)
        words[i] = entry.words[i].load(std::memory_order_relaxed);
    if ((check ^ all_of(words)) != key) return false;
    memcpy(&row, words, sizeof row);
    return true;
}

void RowTable::keep(uint64_t key, const Row& row) {
    Entry& entry = entries_[key % kEntries];
    uint64_t words[kRowWords] = {};
    memcpy(words, &row, sizeof row);
    for (size_t i = 0; i < kRowWords; ++i)
        entry.words[i].store(words[i], std::memory_order_relaxed);
    entry.check.store(key ^ all_of(words), std::memory_order_relaxed);
}

}  // namespace tarn::unwind
