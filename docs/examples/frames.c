/* SPDX-License-Identifier: MIT
 * A small interpreter that tells the profile of its frames: with TARN_PROFILE set, samples say "shop.script:5 orders". All
 * that it takes stands between the two lines of dashes.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tarn/frames.h"

/* The script: a function is a name and the lines up to `end`. */
static const char* const script[] = {
    "main:",        /* 1 */
    "call orders",  /* 2 */
    "call orders",  /* 3 */
    "keep 1000000", /* 4 */
    "end",          /* 5 */
    "orders:",      /* 6 */
    "keep 3000000", /* 7 */
    "call lines",   /* 8 */
    "end",          /* 9 */
    "lines:",       /* 10 */
    "keep 500000",  /* 11 */
    "end",          /* 12 */
};

/* What the interpreter knows of a call that is under way. It lies in the stack frame of run(), which runs it. */
struct frame {
    const struct frame* caller;
    const char* name;
    size_t name_length;
    unsigned line;
};
static _Thread_local const struct frame* innermost;

/* ---------------------------------------------------------------------------------------------------------------- */
static void walk(tarn_frames* frames, void* data) {
    (void)data;
    for (const struct frame* at = innermost; at; at = at->caller) {
        tarn_frame one = {0};
        one.function = at->name;
        one.function_length = (uint32_t)at->name_length;
        one.file = "shop.script";
        one.file_length = 11;
        one.line = at->line;
        one.place = at;
        if (frames->add(frames, &one) != 0) return;
    }
}
static const tarn_frames_provider provider = {sizeof provider, "shop 1.0", NULL, walk, NULL, NULL, 0};
/* ---------------------------------------------------------------------------------------------------------------- */

static size_t kept;

/* In pieces, so that there is something to sample. */
static void keep(size_t bytes) {
    const size_t piece = 2000;
    for (size_t done = 0; done < bytes; done += piece) {
        char* const memory = malloc(piece);
        if (!memory) exit(1);
        memory[0] = 1;
        kept += piece;
    }
}

static void run(const char* name) {
    struct frame frame = {innermost, name, strlen(name), 0};
    size_t at = 0;
    while (strncmp(script[at], name, frame.name_length) != 0 || script[at][frame.name_length] != ':')
        ++at;
    innermost = &frame;
    for (++at; strcmp(script[at], "end") != 0; ++at) {
        frame.line = (unsigned)at + 1;
        if (strncmp(script[at], "call ", 5) == 0)
            run(script[at] + 5);
        else
            keep((size_t)atol(script[at] + 5));
    }
    innermost = frame.caller;
}

int main(void) {
    tarn_frames_register(&provider); /* -1 without a profile, which is no fault */
    run("main");
    printf("kept %zu bytes\n", kept);
    return 0;
}
