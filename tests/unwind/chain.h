// SPDX-License-Identifier: MIT
// Functions that call each other to a given depth, each of another shape, and note where they will return to: what a walk
// over the stack must find. Compiled several times, with other options and another name.
#ifndef CHAIN_H
#define CHAIN_H
#include <stddef.h>
#ifdef __cplusplus
extern "C" {
#endif

#define CALLS_MOST 256
struct calls {
    void (*look)(struct calls*);  // at the innermost call
    void* returns[CALLS_MOST];    // the outermost first
    size_t count;
    void* data;
};

typedef int chain_function(struct calls* calls, int depth);
chain_function chain_plain;   // with .eh_frame, without frame pointers
chain_function chain_framed;  // with frame pointers, without .eh_frame
chain_function chain_bare;    // with neither
chain_function chain_both;    // with both
chain_function chain_unoptimized;

#ifdef __cplusplus
}
#endif
#endif
