// SPDX-License-Identifier: MIT
// Start and end of the process and of threads.
#include "entry/lifecycle.h"

#include <errno.h>
#include <pthread.h>
#include <string.h>

#include "backend/blocks.h"
#include "base/lock.h"
#include "base/message.h"
#include "base/options.h"
#include "base/output.h"
#include "base/text.h"
#include "stats/stats.h"
#include "stats/watch.h"

namespace tarn {

namespace {

// A thread's key destructor runs again while others' destructors allocate, PTHREAD_DESTRUCTOR_ITERATIONS
// times at most (4 in glibc). In its last round nobody would give a new cache back.
constexpr uint8_t kRoundsWithCache = 3;
constexpr uint8_t kFreesWithoutCache = 100;

struct Process {
    Lock lock;
    std::atomic<bool> started{false};
    bool options_read = false;
    bool key_made = false;
    pthread_key_t key = 0;
};
TARN_WRITTEN_AT_START constinit Process process;

// A thread's caches that ended; and what it freed while it had none.
struct Past {
    uint8_t rounds, frees;
};
thread_local constinit Past past __attribute__((tls_model("initial-exec"))) = {};

// With the lock held. The environment may not be there yet.
void know_options() {
    if (!process.options_read) process.options_read = read_options();
}

// A thread may get the value that another one left behind with its stack.
void leave_thread(void* cache) {
    if (cache != current_cache) return;
    current_cache = const_cast<ThreadCache*>(&empty_cache);
    ++past.rounds;
    forget_watch(*static_cast<ThreadCache*>(cache));
    close_cache(*static_cast<ThreadCache*>(cache));
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

namespace {

// Current first: pthread_setspecific allocates when the key is a late one. Without the key (before the
// constructor, or since there was none to be had) the thread will end without a word.
void make_current(ThreadCache& cache) {
    forget_watch(cache);
    current_cache = &cache;
    if (process.key_made && past.rounds < kRoundsWithCache) pthread_setspecific(process.key, &cache);
}

}  // namespace

ThreadCache* enter_thread() {
    ThreadCache* cache = current_cache;
    if (has_cache(cache)) [[likely]]
        return cache;
    if (past.rounds >= kRoundsWithCache) return nullptr;
    start();
    cache = open_cache();
    if (cache) make_current(*cache);
    return cache;
}

ThreadCache* enter_thread_to_free() {
    if (has_cache(current_cache)) [[likely]]
        return current_cache;
    if (past.rounds > 0 || past.frees < kFreesWithoutCache) {
        if (past.frees < kFreesWithoutCache) ++past.frees;
        return nullptr;
    }
    return enter_thread();
}

ThreadCache& cache_with(const Bin& bin) {
    if (has_bin(*current_cache, bin)) [[likely]]
        return *current_cache;
    // Left behind by a thread that had the same pointer.
    ThreadCache* const cache = has_cache(current_cache) ? nullptr : stale_cache();
    if (!cache || !has_bin(*cache, bin))
        die(Fault::kInternal, &bin, "a bin of this thread that is not its own");
    make_current(*cache);
    return *cache;
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

}  // namespace

void libc_ready() {
    bind_early();
    {
        Guard guard(process.lock);
        know_options();
        process.key_made = pthread_key_create(&process.key, leave_thread) == 0;
    }
    if (has_cache(current_cache)) make_current(*current_cache);
    load_backend();
    watch_forks();
    if (options.verbose) {
        Output output(2);
        Text text(output);
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
