// SPDX-License-Identifier: MIT
#include "chain.h"

#include <alloca.h>
#include <stdint.h>
#include <string.h>

#ifndef CHAIN
#define CHAIN chain_plain
#endif

#define NOTE(calls) ((calls)->returns[(calls)->count++] = __builtin_return_address(0))
#define NEVER_INLINED __attribute__((noinline, noclone))

static volatile int one = 1;
static void use(void* memory) {
    __asm__ volatile("" : : "r"(memory) : "memory");
}

chain_function CHAIN;

NEVER_INLINED static int simple(struct calls* calls, int depth) {
    NOTE(calls);
    return CHAIN(calls, depth - 1) + one;
}

// Keeps values in all the registers that it has to save.
NEVER_INLINED static int busy(struct calls* calls, int depth) {
    NOTE(calls);
    int a = one, b = one + 1, c = one + 2, d = one + 3, e = one + 4, f = one + 5;
    const int inner = CHAIN(calls, depth - 1);
    return inner + a * b + c * d + e * f + (a ^ f);
}

NEVER_INLINED static int variable(struct calls* calls, int depth) {
    NOTE(calls);
    char* const memory = alloca((size_t)(one * 100 * depth));
    use(memory);
    memory[0] = 1;
    const int inner = CHAIN(calls, depth - 1);
    return inner + memory[0];
}

// The stack is aligned anew, and the frame address is in memory.
NEVER_INLINED static int aligned(struct calls* calls, int depth) {
    NOTE(calls);
    _Alignas(64) char memory[256];
    char* const more = alloca((size_t)(one * 64));
    use(memory);
    use(more);
    memory[0] = 1;
    const int inner = CHAIN(calls, depth - 1);
    return inner + memory[0] + (int)((uintptr_t)memory % 64);
}

NEVER_INLINED static int large(struct calls* calls, int depth) {
    NOTE(calls);
    char memory[20000];
    use(memory);
    memory[0] = 1;
    const int inner = CHAIN(calls, depth - 1);
    use(memory);
    return inner + memory[0];
}

NEVER_INLINED static int many_arguments(struct calls* calls, int depth, int a, int b, int c, int d, int e,
                                        int f, int g) {
    NOTE(calls);
    const int inner = CHAIN(calls, depth - 1);
    return inner + a + b + c + d + e + f + g;
}

NEVER_INLINED static int passes_many(struct calls* calls, int depth) {
    NOTE(calls);
    return many_arguments(calls, depth, one, one, one, one, one, one, one) + one;
}

NEVER_INLINED int CHAIN(struct calls* calls, int depth) {
    NOTE(calls);
    if (depth <= 0) {
        calls->look(calls);
        return one;
    }
    switch (depth % 6) {
        case 0:
            return simple(calls, depth) + one;
        case 1:
            return busy(calls, depth) + one;
        case 2:
            return variable(calls, depth) + one;
        case 3:
            return aligned(calls, depth) + one;
        case 4:
            return passes_many(calls, depth) + one;
        default:
            return large(calls, depth) + one;
    }
}
