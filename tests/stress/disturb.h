// SPDX-License-Identifier: MIT
// What happens besides: limits that change, locked pages, handlers that fork, another thread that trims.
#pragma once
#include "block.h"

namespace stress {

// While one lives, a handler may interrupt this thread and fork.
class Interruptible {
  public:
    Interruptible();
    ~Interruptible();
    Interruptible(const Interruptible&) = delete;
};

// A timer's signal from now on; handlers of interruptible threads fork, and wait for the child.
void start_forking();
void stop_forking();

// True in such a child, as soon as its handler has returned; it ends with end_child.
bool in_child();
[[noreturn]] void end_child();

// Locks some pages in a block, as far as that is allowed; they are freed while locked.
void lock_part(const Block& block, Random& random);

// A thread that trims, and lowers and raises the limit on address space.
void start_disturber(uint64_t seed);
void stop_disturber();

// The limit is not low while one lives: threads can be created.
class Unlimited {
  public:
    Unlimited();
    ~Unlimited();
    Unlimited(const Unlimited&) = delete;
};

// In a program of one thread: low for a few of many operations.
void limit_now_and_then(unsigned long long operation);
void lift_limit();

}  // namespace stress
