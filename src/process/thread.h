// SPDX-License-Identifier: MIT
// Threads: how each gets its cache, and gives it back when it ends. A thread's end is told by a key, which is made in
// the library's constructor; a thread that had a cache before, or got its key too late, ends without a word.
#pragma once
#include "base/at_start.h"
#include "cache/thread_cache.h"

namespace tarn {

// This thread's cache, made if need be. NULL: out of memory, or the thread is past its last destructor.
ThreadCache* enter_thread();
// Whether the next object that the thread takes is one of its first few, which come from mixed slabs, so that it needs no
// cache yet.
bool takes_first_few();
// The same for a thread that frees: it may be past its last destructor without our knowing, and then nobody
// would take back what it is given. So it gets a cache only when it has freed much. NULL is the rule.
ThreadCache* enter_thread_to_free();
// The cache of this bin, which names this thread's pointer.
ThreadCache& cache_with(const Bin& bin);

// The library's constructor: makes the key.
TARN_AT_START void make_thread_key();

}  // namespace tarn
