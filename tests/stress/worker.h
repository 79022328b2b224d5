// SPDX-License-Identifier: MIT
// One thread's random operations, on blocks of its own and of an exchange that all threads share.
#pragma once
#include "block.h"

namespace stress {

constexpr unsigned kThreadsMax = 64;
constexpr size_t kSlots = 4096;  // blocks a thread holds at most
constexpr size_t kShared = 512;

// Not of the allocator under test: it must not disturb what is compared.
extern Block held[kThreadsMax][kSlots];

// How long: so many operations, or until a moment of the monotonic clock.
struct Until {
    unsigned long long operations = ~0ull;
    double moment = 0;  // 0: not by time
};
double now();

// What every thread did, to be shown at the end.
struct Deeds {
    std::atomic<unsigned long> operations, copies, locks, forks, lowered;
};
extern Deeds deeds;

void work(unsigned thread, uint64_t seed, Until until, bool others);
void swap_with_shared(Block& mine, Random& random);
void release_all(Block* blocks, Random& random);
void release_shared(Random& random);

}  // namespace stress
