// SPDX-License-Identifier: MIT
// The bytecode of a small interpreter as a batch: a pass that counts opcodes reads one byte per instruction,
// and dead code is taken out of all columns at once.
#include "tarn/batch.hpp"

#include <cstdint>
#include <cstdio>

enum class Op : std::uint8_t { push, add, multiply, jump, print, nothing };

struct Operand {
    using type = std::int64_t;
};
struct Line {
    using type = std::uint32_t;
};
using Code = tarn::Batch<Op, Operand, Line>;

static Code compile() {
    Code code;
    code.emplace_back(Op::push, 6, 1u);
    code.emplace_back(Op::push, 7, 1u);
    code.emplace_back(Op::multiply, 0, 1u);
    code.emplace_back(Op::nothing, 0, 2u);
    code.emplace_back(Op::push, 100, 3u);
    code.emplace_back(Op::nothing, 0, 3u);
    code.emplace_back(Op::add, 0, 3u);
    code.emplace_back(Op::print, 0, 4u);
    return code;
}

static void run(const Code& code) {
    std::int64_t stack[8];
    int top = 0;
    for (auto [op, operand, line] : code) {
        switch (op) {
            case Op::push:
                stack[top++] = operand;
                break;
            case Op::add:
                --top, stack[top - 1] += stack[top];
                break;
            case Op::multiply:
                --top, stack[top - 1] *= stack[top];
                break;
            case Op::print:
                std::printf("line %u prints %lld\n", line, static_cast<long long>(stack[--top]));
                break;
            case Op::jump:
            case Op::nothing:
                break;
        }
    }
}

int main() {
    Code code = compile();
    std::printf("%zu instructions\n", code.size());
    std::printf("%zu of no use\n", code.keep_if<Op>([](Op op) { return op != Op::nothing; }));
    run(code);
    code.stable_sort_by<Line>(std::greater{});
    std::printf("last line: %u, with %zu instructions\n", code[0].get<Line>(),
                code.select_if<Line>([&](unsigned line) { return line == code[0].get<Line>(); }).size());
}
