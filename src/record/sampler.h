// SPDX-License-Identifier: MIT
// Sampler: what the record asks of src/profile, which lies above it and joins by this table.
#pragma once
#include <cstddef>
#include <cstdint>

#include "cache/observer.h"
#include "tarn/frames.h"
#include "tarn/record.h"

namespace tarn::record {

struct Sampler {
    // A record was begun, in a child of fork anew: its sections are empty. Samples where TARN_PROFILE says so, and in a
    // child where its parent did.
    void (*begun)();
    // In the child of a fork, before that: nothing may be written until then. The live samples are the parent's.
    void (*after_fork_child)();
    // It ends, or its file cannot grow: nothing is written from now on.
    void (*ended)();

    // Samples, every so many bytes in the mean; in each thread from its next cold end on, when `news` comes to it.
    void (*start)(size_t interval);
    void (*stop)();
    // The thread has just got this cache, which nobody else observes, or something has changed since.
    void (*news)(ThreadCache&);
    bool (*sees_all)();
    // A sampled object of mixed slabs is about to be freed.
    void (*freed)(const void* object);

    // The caller's stack, its number in STACKS + 1; 0: none.
    uint64_t (*stack_here)();

    tarn_scope (*begin_scope)(const char* name);
    void (*end_scope)(tarn_scope scope);

    // tarn/frames.h
    int (*register_frames)(const tarn_frames_provider& provider);
};

// By the module's entry, before the record is begun.
void join_sampler(const Sampler& sampler);
const Sampler* sampler();  // NULL: none

// Every thread's next cold end calls `news`.
void tell_all_threads();

}  // namespace tarn::record
