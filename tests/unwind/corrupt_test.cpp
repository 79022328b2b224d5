// SPDX-License-Identifier: MIT
// Walks over stacks and registers that hold anything: none of them may fault, or go on for ever. Seeds are fixed.
#include <dlfcn.h>
#include <gtest/gtest.h>
#include <stdlib.h>
#include <sys/mman.h>

#include <memory>
#include <random>
#include <string>
#include <vector>

#include "chain.h"
#include "unwind/walk.h"

namespace {

using namespace tarn::unwind;

constexpr size_t kBytes = 64 << 10, kPage = 4096;

// Between two pages that cannot be read.
struct Stack {
    char* begin;
    Stack()
        : begin(static_cast<char*>(mmap(nullptr, kBytes + 2 * kPage, PROT_READ | PROT_WRITE,
                                        MAP_PRIVATE | MAP_ANONYMOUS, -1, 0)) +
                kPage) {
        mprotect(begin - kPage, kPage, PROT_NONE);
        mprotect(begin + kBytes, kPage, PROT_NONE);
    }
    ~Stack() { munmap(begin - kPage, kBytes + 2 * kPage); }
    uintptr_t* words() const { return reinterpret_cast<uintptr_t*>(begin); }
};

// Values as a stack has them: code, places in it, numbers, nothing that makes sense.
class Values {
  public:
    Values(unsigned seed, const Stack& stack) : random_(seed), stack_(stack) {}
    uintptr_t next() {
        switch (random_() % 8) {
            case 0:
            case 1:
                return reinterpret_cast<uintptr_t>(stack_.begin) + random_() % (kBytes / 8) * 8;
            case 2:
                return reinterpret_cast<uintptr_t>(&qsort) + random_() % (256 << 10) - (128 << 10);
            case 3:
                return reinterpret_cast<uintptr_t>(&chain_plain) + random_() % 4096;
            case 4:
                return reinterpret_cast<uintptr_t>(&chain_bare) + random_() % 4096;
            case 5:
                return random_() % 5000;
            case 6:
                return reinterpret_cast<uintptr_t>(stack_.begin) + kBytes + random_() % 64 - 32;
            default:
                return random_();
        }
    }
    uintptr_t code() {
        static const uintptr_t bases[] = {reinterpret_cast<uintptr_t>(&qsort),
                                          reinterpret_cast<uintptr_t>(&chain_plain),
                                          reinterpret_cast<uintptr_t>(&chain_bare),
                                          reinterpret_cast<uintptr_t>(dlsym(RTLD_DEFAULT, "malloc")),
                                          reinterpret_cast<uintptr_t>(dlsym(RTLD_DEFAULT, "dlopen"))};
        return bases[random_() % std::size(bases)] + random_() % (64 << 10);
    }

  private:
    std::mt19937_64 random_;
    const Stack& stack_;
};

TEST(Corrupt, RegistersAndStacksNeitherFaultNorGoOnForEver) {
    const auto room = std::make_unique<WalkRoom>();
    Memory::Range own;
    const auto rows = std::make_unique<RowTable>();
    room->rows = rows.get();
    const Stack stack;
    Values values(1, stack);
    uint64_t frames[kFramesMost];
    note_objects();
    size_t found = 0, long_ones = 0;
    for (int round = 0; round < 200'000; ++round) {
        if (round % 100 == 0)
            for (size_t i = 0; i < kBytes / 8; ++i)
                stack.words()[i] = values.next();
        Registers registers{};
        for (unsigned i = 0; i < kRegisters; ++i)
            registers.set(i, values.next());
        registers.set(kStackPointer,
                      reinterpret_cast<uintptr_t>(stack.begin) + static_cast<size_t>(round) * 8 % kBytes);
        registers.pc = round % 2 ? values.code() : values.next();
        const Walked walked = walk(*room, own, registers, 0, frames, nullptr, kFramesMost);
        ASSERT_LE(walked.frames, kFramesMost);
        found += walked.frames;
        long_ones += walked.frames > 2;
    }
    EXPECT_GT(found, 10'000u);  // it did walk
    EXPECT_GT(long_ones, 100u);
}

// Tables that are damaged: each of their bytes may be any.
TEST(Corrupt, TablesNeitherFaultNorGoOnForEver) {
    Memory memory;
    const Object object = object_at(reinterpret_cast<uintptr_t>(&chain_plain));
    Memory::Range own;
    memory.begin(reinterpret_cast<uintptr_t>(&object), own);
    ASSERT_NE(object.header, 0u);
    const Function whole = function_at(reinterpret_cast<uintptr_t>(&chain_plain) + 1, object, memory);
    ASSERT_NE(whole.end, 0u);
    std::mt19937_64 random(2);
    const auto room = std::make_unique<RulesRoom>();
    std::vector<uint8_t> code(whole.own_end - whole.own + 64);
    size_t understood = 0;
    for (int round = 0; round < 200'000; ++round) {
        memcpy(code.data(), reinterpret_cast<const void*>(whole.own), whole.own_end - whole.own);
        for (int i = 0; i < 4; ++i)
            code[random() % code.size()] = static_cast<uint8_t>(random());
        Function damaged = whole;
        damaged.own = reinterpret_cast<uintptr_t>(code.data());
        damaged.own_end = damaged.own + code.size();
        Registers registers{};
        for (unsigned i = 0; i < kRegisters; ++i)
            registers.set(i, reinterpret_cast<uintptr_t>(&code) + random() % 64);
        if (!find_rules(whole.end - 1, damaged, memory, *room)) continue;
        ++understood;
        const Registers before = registers;
        (void)apply(room->now, damaged, before, registers, memory);
        Row row;
        if (pack(room->now, damaged, memory, row)) (void)apply(row, registers, memory);
    }
    EXPECT_GT(understood, 1000u);
}

TEST(Corrupt, ExpressionsNeitherFaultNorGoOnForEver) {
    Memory memory;
    std::mt19937_64 random(3);
    Registers registers{};
    for (unsigned i = 0; i < kRegisters; ++i)
        registers.set(i, random());
    uint8_t code[64];
    Memory::Range own;
    memory.begin(reinterpret_cast<uintptr_t>(code), own);
    size_t understood = 0;
    for (int round = 0; round < 500'000; ++round) {
        for (uint8_t& byte : code)
            byte = static_cast<uint8_t>(random());
        code[0] = random() % sizeof code;
        uintptr_t result;
        understood +=
            evaluate(reinterpret_cast<uintptr_t>(code), registers, &registers.value[0], memory, result);
    }
    EXPECT_GT(understood, 1000u);
}

}  // namespace
