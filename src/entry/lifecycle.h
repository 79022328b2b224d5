// SPDX-License-Identifier: MIT
// Process start, threads coming and going, process end. What needs nothing but system calls is done at the
// first call of anything, which may be before libc's own constructors have run; what needs libc (a key for
// the ends of threads, the handlers of fork, the backend's module) is done in the library's constructor and
// never again.
#pragma once
#include "base/at_start.h"
#include "cache/thread_cache.h"

namespace tarn {

// Idempotent, and one load once done.
void start();

// This thread's cache, made if need be. NULL: out of memory, or the thread is past its last destructor.
ThreadCache* enter_thread();
// The same for a thread that frees: it may be past its last destructor without our knowing, and then nobody
// would take back what it is given. So it gets a cache only when it has freed much. NULL is the rule.
ThreadCache* enter_thread_to_free();
// The cache of this bin, which names this thread's pointer.
ThreadCache& cache_with(const Bin& bin);

// In the child of a fork.
void start_after_fork_child();

// The library's constructor and destructor.
TARN_AT_START void libc_ready();
TARN_AT_START void process_ends();

// fork.cpp: registers the handlers.
TARN_AT_START void watch_forks();

// exit_report.cpp: remembers where standard error is; writes the report, once per process.
void prepare_report();
void report_at_exit();
void report_in_child();  // after fork

}  // namespace tarn
