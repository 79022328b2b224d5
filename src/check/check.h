// SPDX-License-Identifier: MIT
// Walks over all that small objects have, from the bins down to the page map. A walk that finds two of them that do
// not agree dies with a message. Any thread may walk at any time, whatever others do: a walk takes the locks of what
// it looks at, in their order, and leaves out what this thread itself has locked, under a signal handler.
//
// For tests. Compiled in every build, so that the objects that are shipped can be looked at; nothing in them calls this,
// so the linker leaves it out of libtarn.so, and it is not in libtarn.a.
#pragma once
#include "cache/thread_cache.h"

namespace tarn {

// Lists, counts, free lists and page map entries of the heap's slabs, and its mail. A heap that is locked for long is
// left out, as is one that nobody holds.
void check_heap(Heap& heap);
void check_orphans();
// The bins of this thread's own cache.
void check_bins(const ThreadCache& cache);
// The units as well (check_runs).
void check_all();

}  // namespace tarn
