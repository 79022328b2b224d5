// SPDX-License-Identifier: MIT
// Fork. Nothing is locked before it but the thread's own heap, for which others wait a bounded time at most:
// libc waits for stdio's lock between our handler and the system call, so a thread that holds that lock and
// allocates must go on; and a signal handler may fork over an interrupted malloc. So the child takes nothing on
// trust: other threads may have been anywhere, and the kernel copies pages one after another while they run.
// Every lock is free in the child, whoever held it, and what was shared is rebuilt:
//   runs     from the page map;
//   slabs    of other threads become orphans, their lists checked link by link;
//   bins     of other threads are given up, since a link in them may be half written;
//   blocks   see backend/blocks.h.
// A process with one heap has nothing to rebuild.
#include <sys/single_threaded.h>

#include "process/fork.h"

#include "backend/blocks.h"
#include "cache/caches.h"
#include "export/process_end.h"
#include "hardened/hardened.h"
#include "mixed/mixed.h"
#include "os/os.h"
#include "pages/runs.h"
#include "process/start.h"
#include "seam/recorder.h"
#include "stats/meters.h"

// What libc's pthread_atfork calls. That one is linked into the library itself, far from what else is run at start.
extern "C" int __register_atfork(void (*)(), void (*)(), void (*)(), void*);
extern "C" [[gnu::visibility("hidden")]] void* __dso_handle;

namespace tarn {

namespace {

struct Forks {
    JoinList<ForkStep> steps;
    bool threads_lived = false;  // as the last one found it
};
constinit Forks forks;

// A thread may be in its very first call of anything, and not be counted yet.
bool others_live() {
    return others_lived() || !__libc_single_threaded;
}

void before_fork() {
    forks.threads_lived = others_live();
    blocks_before_fork();
    hold_own_heap();
}

void after_fork_parent() {
    let_go_own_heap();
    blocks_after_fork_parent();
}

// The lowest layer first. Whoever else may be interested comes last (join_forks).
void after_fork_child() {
    const Others others = forks.threads_lived || others_live() ? Others::kLived : Others::kNone;
    let_go_own_heap();
    os::forget_unlisted_calls();
    start_after_fork_child();
    runs_after_fork_child(others, in_cold_end() || mixed::is_mine() || hardened::is_mine()
                                      ? Transit::kPerhapsMine
                                      : Transit::kNobodys);
    blocks_after_fork_child();
    mixed::after_fork_child();
    hardened::after_fork_child(others == Others::kLived);
    caches_after_fork_child(others);
    meters_after_fork_child();
    end_in_child();
    for (ForkStep* step = forks.steps.first(); step; step = step->next)
        step->after_fork_child();
    if (const Recorder* const record = recorder()) record->after_fork_child();
}

}  // namespace

void register_fork_handlers() {
    // Out of memory: a fork of a process with several threads is then as unsafe as under any allocator
    // without handlers, and there is nobody to tell.
    (void)__register_atfork(before_fork, after_fork_parent, after_fork_child, __dso_handle);
}

void join_forks(ForkStep& step) {
    forks.steps.join(step);
}

}  // namespace tarn
