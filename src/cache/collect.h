// SPDX-License-Identifier: MIT
// Memory that lies free in heaps.
#pragma once
#include "cache/thread_cache.h"

namespace tarn {

// Of this thread's heap: pages of its slabs in use whose objects are all free; bytes.
size_t punch_holes(ThreadCache& cache);

// What lies free in the heaps of other threads goes back to the run supply: what was freed into them by others, and
// empty slabs. kMemory: what their bins hold besides (but for the last object), and whole pages of slabs in use,
// by system calls that are made for nothing else (membarrier, madvise); bytes of the pages. Waits for nobody for
// long.
enum class Collect : bool { kSlabs, kMemory };
size_t collect_others(Collect what);

// The same for a few heaps, others with each call, whose threads may be blocked for good; waits for nobody. By who makes
// the process larger. Bins stay as they are, but where there are many threads of which some rest.
void collect_some();
// So many have a heap that most of them rest.
bool has_many_threads();

}  // namespace tarn
