// SPDX-License-Identifier: MIT
// Fork. Nothing is locked before it: libc waits for stdio's lock between our handler and the system call, so
// a thread that holds that lock and allocates must go on; and a signal handler may fork over an interrupted
// malloc. So the child takes nothing on trust: other threads may have been anywhere, and the kernel copies
// pages one after another while they run. Every lock is reset, and what was shared is rebuilt:
//   runs     from the page map;
//   slabs    of other threads become orphans, their lists checked link by link;
//   bins     of other threads are given up, since a link in them may be half written;
//   blocks   see backend/blocks.h.
// A process with one heap has nothing to rebuild.
#include <pthread.h>

#include "backend/blocks.h"
#include "cache/thread_cache.h"
#include "entry/lifecycle.h"
#include "pages/runs.h"
#include "stats/parts.h"

namespace tarn {

namespace {

void after_fork_child() {
    reset_start_lock();
    report_in_child();
    blocks_after_fork_child();
    reset_runs_lock();
    parts_after_fork_child();
    if (others_lived()) {
        rebuild_runs();
        salvage_caches();
    }
}

}  // namespace

void watch_forks() {
    // Out of memory: a fork of a process with several threads is then as unsafe as under any allocator
    // without handlers, and there is nobody to tell.
    (void)pthread_atfork(blocks_before_fork, blocks_after_fork_parent, after_fork_child);
}

}  // namespace tarn
