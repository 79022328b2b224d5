// SPDX-License-Identifier: MIT
// The books of the profile: stacks, and the samples of live objects, in the record's sections (tarn/record.h). One lock, that
// is held for some hundred instructions and over which nothing is called but system calls for memory. A signal handler
// over it does not wait: what it frees is struck off afterwards.
#pragma once
#include "os/lock.h"
#include "profile/chance.h"
#include "tarn/record.h"

namespace tarn::profile {

// A record was begun: its sections are empty. True: it has those of profiles.
bool open_books();
// Nothing is written from now on; in a child of fork, all that was known is forgotten.
void close_books();
void forget_books();
// Something may be written here: there are books, and this is the process whose they are.
bool books_open();

inline constexpr uint32_t kNoStack = UINT32_MAX;
struct Stack {
    const uint64_t* frames;
    size_t depth;
    bool cut;
};
// Its number; kNoStack: there is no room, or the books are closed. Its frames' modules are made known.
uint32_t number_of(const Stack& stack, uint64_t now);

struct Sample {
    uintptr_t address;
    uint64_t size;
    Weight weight;
    uint64_t time_ns;
    uint32_t stack, thread;
};
// An object was allocated.
void add_sample(const Sample& sample);
// The sample at this address is struck off, and counts no more. False: there is none.
bool strike_sample(uintptr_t address, Sample& struck);
inline bool strike_sample(uintptr_t address) {
    Sample struck;
    return strike_sample(address, struck);
}
// A block was resized: it is as `sample` says now; `before` was struck off. What is new of it counts as allocated.
void add_resized(const Sample& sample, const Weight& before);
// How many live samples there are, at a moment.
size_t live_samples();

}  // namespace tarn::profile
