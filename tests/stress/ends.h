// SPDX-License-Identifier: MIT
// How threads end: by return, with destructors of thread-local objects that allocate, with something that
// libc frees after the last destructor, or by the system call, of which nobody hears.
#pragma once
#include "block.h"

namespace stress {

// jemalloc, as a backend, keeps lists that go through its threads' own memory: a thread that ends unheard of
// leaves it with a list that leads nowhere.
enum class Ends { kAll, kHeardOf };

// Called by a thread as its last act; it may not return.
void end_thread(Random& random, Ends ends);

}  // namespace stress
