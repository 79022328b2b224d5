/* SPDX-License-Identifier: MIT
 * A sandbox: each guest's interpreter has a heap with a quota. One that takes too much is stopped, has a
 * reserve to say so with, and is thrown away whole. */
#include <setjmp.h>
#include <stdio.h>
#include <string.h>

#include "tarn/heap.h"

typedef struct Value {
    struct Value* next;
    char text[48];
} Value;

typedef struct Guest {
    const char* name;
    tarn_heap* heap;
    Value* stack;
    int collect_soon; /* set by the heap, looked at between two instructions */
    jmp_buf out_of_memory;
} Guest;

static void limit_met(tarn_heap* heap, enum tarn_heap_event event, size_t wanted, void* user) {
    Guest* guest = user;
    (void)heap, (void)wanted;
    if (event == TARN_HEAP_SOFT_LIMIT) guest->collect_soon = 1;
}

static void push(Guest* guest, const char* text) {
    Value* value = tarn_heap_allocate(guest->heap, sizeof *value);
    if (!value) longjmp(guest->out_of_memory, 1);
    snprintf(value->text, sizeof value->text, "%s", text);
    value->next = guest->stack;
    guest->stack = value;
}

static void run(Guest* guest, int pushes) {
    tarn_heap_options options = TARN_HEAP_OPTIONS_INIT;
    options.quota = 64 << 10;
    options.reserve = 4 << 10;
    options.soft_limit = 48 << 10;
    options.callback = limit_met;
    options.user = guest;
    guest->heap = tarn_heap_create(&options, sizeof options);
    if (!guest->heap) return;
    if (setjmp(guest->out_of_memory)) {
        tarn_heap_release_reserve(guest->heap); /* for the message */
        char* message = tarn_heap_allocate(guest->heap, 100);
        if (message) {
            snprintf(message, 100, "%s stopped at %llu bytes", guest->name,
                     (unsigned long long)tarn_heap_live_bytes(guest->heap));
            puts(message);
        }
    } else {
        for (int i = 0; i < pushes; ++i) {
            push(guest, "a value");
            if (guest->collect_soon) printf("%s should collect, after %d values\n", guest->name, i + 1);
            guest->collect_soon = 0;
        }
        printf("%s done, %llu bytes\n", guest->name, (unsigned long long)tarn_heap_live_bytes(guest->heap));
    }
    tarn_heap_destroy(guest->heap); /* whatever there was */
}

int main(void) {
    static Guest modest = {.name = "modest"}, greedy = {.name = "greedy"};
    run(&modest, 500);
    run(&greedy, 1000000);
    return 0;
}
