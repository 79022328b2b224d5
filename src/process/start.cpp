// SPDX-License-Identifier: MIT
#include "process/start.h"

#include <errno.h>
#include <pthread.h>
#include <string.h>

#include "backend/blocks.h"
#include "base/message.h"
#include "base/options.h"
#include "base/output.h"
#include "base/seal.h"
#include "base/text.h"
#include "cache/bins.h"
#include "cache/hardened.h"
#include "export/process_end.h"
#include "hardened/hardened.h"
#include "heap/heap.h"
#include "heap/orphans.h"
#include "os/lock.h"
#include "pages/page_map.h"
#include "process/thread.h"

namespace tarn {

namespace {

struct Process {
    Lock lock;
    std::atomic<bool> started{false};
    bool options_read = false;
};
TARN_WRITTEN_AT_START constinit Process process;

// With the lock held. The environment may not be there yet.
void know_options() {
    if (!process.options_read) process.options_read = read_options();
    if (!options.hardened) return;
    make_seal_secret();
    name_threads();
}

}  // namespace

void start() {
    if (process.started.load(std::memory_order_acquire)) return;
    Guard guard(process.lock);
    if (process.started.load(std::memory_order_relaxed)) return;
    know_options();
    start_page_map();
    start_heaps();
    process.started.store(true, std::memory_order_release);
}

void start_after_fork_child() {
    process.lock.reset();
}

namespace {

// What an allocation function calls of libc; none of it locks or allocates. A function whose address is taken
// is bound when the library is loaded, for every caller in it. Else the first call would enter the dynamic
// linker, which takes more stack than tarn does.
void bind_early() {
    asm volatile(""
                 :
                 : "r"(static_cast<void* (*)(void*, const void*, size_t)>(memcpy)), "r"(memset),
                   "r"(__errno_location), "r"(pthread_setspecific));
}

void look_at_last() {
    if (hardened::serves()) hardened::check_all();
}

}  // namespace

void libc_ready() {
    bind_early();
    {
        Guard guard(process.lock);
        know_options();
    }
    if (options.hardened && has_cache(current_cache)) keep_bins_empty(*current_cache);
    make_thread_key();
    load_backend();
    register_fork_handlers();
    if (options.verbose) {
        Output output(2);
        Text text(output);
        print_options(text);
    }
    if (options.stats == StatsFormat::kNone && !options.records() && !options.hardened) return;
    start();  // the report tells of address space, used or not
    prepare_end(look_at_last);
}

}  // namespace tarn
