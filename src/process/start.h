// SPDX-License-Identifier: MIT
// Start and end of the process. What needs nothing but system calls is done at the first call of anything, which
// may be before libc's own constructors have run; what needs libc (a key for the ends of threads, the handlers of
// fork, the backend's module) is done in the library's constructor and never again.
#pragma once
#include "base/at_start.h"

namespace tarn {

// Idempotent, and one load once done.
void start();

// In the child of a fork.
void start_after_fork_child();

// The library's constructor.
TARN_AT_START void libc_ready();

// fork.cpp: registers the handlers.
TARN_AT_START void register_fork_handlers();

}  // namespace tarn
