// SPDX-License-Identifier: MIT
// Start and end of the process and of threads.
#include "entry/lifecycle.h"

#include <pthread.h>

#include "backend/blocks.h"
#include "base/lock.h"
#include "base/options.h"
#include "base/text.h"
#include "stats/stats.h"
#include "stats/watch.h"

namespace tarn {

namespace {

// A thread's key destructor runs again while others' destructors allocate, PTHREAD_DESTRUCTOR_ITERATIONS
// times at most (4 in glibc). In its last round nobody would give a new cache back.
constexpr uint8_t kRoundsWithCache = 3;

struct Process {
    Lock lock;
    std::atomic<bool> started{false};
    bool options_read = false;
    bool key_made = false;
    pthread_key_t key = 0;
};
// Written by every process, needed by few functions: in the page of the options, which every process has.
[[gnu::section(".data")]] constinit Process process;

thread_local constinit uint8_t rounds __attribute__((tls_model("initial-exec"))) = 0;

// With the lock held. The environment may not be there yet.
void know_options() {
    if (!process.options_read) process.options_read = read_options();
}

void leave_thread(void* cache) {
    current_cache = const_cast<ThreadCache*>(&empty_cache);
    ++rounds;
    forget_watch(*static_cast<ThreadCache*>(cache));
    close_cache(*static_cast<ThreadCache*>(cache));
}

}  // namespace

void start() {
    if (process.started.load(std::memory_order_acquire)) return;
    Guard guard(process.lock);
    if (process.started.load(std::memory_order_relaxed)) return;
    know_options();
    start_pages();
    start_heaps();
    process.key_made = pthread_key_create(&process.key, leave_thread) == 0;
    process.started.store(true, std::memory_order_release);
}

ThreadCache* enter_thread() {
    ThreadCache* cache = current_cache;
    if (has_cache(cache)) [[likely]]
        return cache;
    if (rounds >= kRoundsWithCache) return nullptr;
    start();
    cache = open_cache();
    if (!cache) return nullptr;
    forget_watch(*cache);
    // Current first: pthread_setspecific allocates when the key is a late one.
    current_cache = cache;
    if (process.key_made) pthread_setspecific(process.key, cache);
    return cache;
}

void reset_start_lock() {
    process.lock.reset();
}

void libc_ready() {
    {
        Guard guard(process.lock);
        know_options();
    }
    load_backend();
    watch_forks();
    if (options.verbose) {
        Text text(2);
        print_options(text);
    }
    if (options.stats == StatsFormat::kNone) return;
    start();  // the report tells of the region, used or not
    prepare_report();
}

void process_ends() {
    if (options.stats != StatsFormat::kNone) report_at_exit();
}

}  // namespace tarn
