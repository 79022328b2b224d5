/* SPDX-License-Identifier: MIT
 * The bytecode of a small interpreter as a batch: a pass that counts opcodes reads one byte per instruction,
 * and dead code is taken out of all columns at once. */
#include "tarn/batch.h"

#include <stdio.h>

enum { kPush, kAdd, kMultiply, kPrint, kNothing };
enum { kOp, kOperand, kLine };

static int emit(tarn_batch* code, uint8_t op, int64_t operand, uint32_t line) {
    const void* const row[] = {&op, &operand, &line};
    return tarn_batch_push(code, row);
}

static int of_use(const void* op, void* context) {
    (void)context;
    return *(const uint8_t*)op != kNothing;
}
static int later_line(const void* a, const void* b, void* context) {
    const uint32_t first = *(const uint32_t*)a, second = *(const uint32_t*)b;
    (void)context;
    return (first < second) - (first > second);
}
static int same_line(const void* line, void* context) {
    return *(const uint32_t*)line == *(const uint32_t*)context;
}

static void run(const tarn_batch* code) {
    const uint8_t* const ops = tarn_batch_column(code, kOp);
    const int64_t* const operands = tarn_batch_column(code, kOperand);
    const uint32_t* const lines = tarn_batch_column(code, kLine);
    int64_t stack[8];
    int top = 0;
    for (size_t i = 0; i < tarn_batch_length(code); ++i) {
        if (ops[i] == kPush) stack[top++] = operands[i];
        if (ops[i] == kAdd) --top, stack[top - 1] += stack[top];
        if (ops[i] == kMultiply) --top, stack[top - 1] *= stack[top];
        if (ops[i] == kPrint) printf("line %u prints %lld\n", lines[i], (long long)stack[--top]);
    }
}

int main(void) {
    const tarn_batch_field fields[] = {{sizeof(uint8_t), 0}, {sizeof(int64_t), 0}, {sizeof(uint32_t), 0}};
    tarn_batch* const code = tarn_batch_create(fields, 3);
    uint32_t selected[8], last;
    if (!code) return 1;
    const int failed = emit(code, kPush, 6, 1) | emit(code, kPush, 7, 1) | emit(code, kMultiply, 0, 1) |
                       emit(code, kNothing, 0, 2) | emit(code, kPush, 100, 3) | emit(code, kNothing, 0, 3) |
                       emit(code, kAdd, 0, 3) | emit(code, kPrint, 0, 4);
    if (failed) return 1;
    printf("%zu instructions\n", tarn_batch_length(code));
    printf("%zu of no use\n", tarn_batch_keep_if(code, kOp, of_use, NULL));
    run(code);
    if (tarn_batch_sort(code, kLine, later_line, NULL) != 0) return 1;
    last = *(uint32_t*)tarn_batch_column(code, kLine);
    printf("last line: %u, with %zu instructions\n", last,
           tarn_batch_select_if(code, kLine, same_line, &last, selected));
    tarn_batch_destroy(code);
    return 0;
}
