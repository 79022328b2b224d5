// SPDX-License-Identifier: MIT
// Process start, threads coming and going, process end. Start-up happens at the first call of anything, which
// may be before libc's own constructors have run: until then only system calls are made. A process that never
// allocates pays for the options and the handlers of fork alone.
#pragma once
#include "cache/thread_cache.h"

namespace tarn {

// Idempotent, and one load once done.
void start();

// This thread's cache, made if need be. NULL: out of memory, or the thread is past its last destructor.
ThreadCache* enter_thread();

// In the child of a fork.
void reset_start_lock();

// The library's constructor and destructor.
void libc_ready();
void process_ends();

// Returns what can be returned to the operating system; bytes.
size_t trim();

// fork.cpp: registers the handlers.
void watch_forks();

// exit_report.cpp: remembers where standard error is; writes the report, once per process.
void prepare_report();
void report_at_exit();
void report_in_child();  // after fork

}  // namespace tarn
