// SPDX-License-Identifier: MIT
#include "process/thread.h"

#include <pthread.h>

#include "base/at_start.h"
#include "base/message.h"
#include "cache/caches.h"
#include "cache/hardened.h"
#include "hardened/hardened.h"
#include "process/start.h"
#include "seam/recorder.h"

namespace tarn {

namespace {

// A thread's key destructor runs again while others' destructors allocate, PTHREAD_DESTRUCTOR_ITERATIONS
// times at most (4 in glibc). In its last round nobody would give a new cache back.
constexpr uint8_t kRoundsWithCache = 3;
constexpr uint8_t kFreesWithoutCache = 100;
// A cache and a page for each class cost more than these do at the cold ends.
constexpr uint8_t kTakenWithoutCache = 64;

struct Key {
    bool made = false;
    pthread_key_t id = 0;
};
TARN_WRITTEN_AT_START constinit Key key;  // written by the constructor alone

// A thread's caches that ended; and what it freed and took while it had none.
struct Past {
    uint8_t rounds, frees, taken;
};
thread_local constinit Past past __attribute__((tls_model("initial-exec"))) = {};

// A thread may get the value that another one left behind with its stack.
void leave_thread(void* cache) {
    if (cache != current_cache) return;
    if (hardened::keeps_bins_empty()) hardened::leave_thread();
    cache_departs(*current_cache);
    current_cache = const_cast<ThreadCache*>(&empty_cache);
    ++past.rounds;
    forget_observers(*static_cast<ThreadCache*>(cache));
    close_cache(*static_cast<ThreadCache*>(cache));
}

}  // namespace

namespace {

// Current first: pthread_setspecific allocates when the key is a late one. Without the key (before the
// constructor, or since there was none to be had) the thread will end without a word.
void make_current(ThreadCache& cache) {
    forget_observers(cache);
    current_cache = &cache;
    cache_arrived();
    if (const Recorder* const record = recorder()) [[unlikely]]
        record->thread_arrived(cache);
    if (key.made && past.rounds < kRoundsWithCache) pthread_setspecific(key.id, &cache);
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

bool takes_first_few() {
    if (has_cache(current_cache)) [[likely]]
        return false;
    if (past.taken >= kTakenWithoutCache || past.rounds > 0 || cache_at_hand()) return false;
    start();
    if (hardened::keeps_bins_empty()) return false;
    if (const Recorder* const record = recorder(); record && record->sees_all()) return false;
    ++past.taken;
    return true;
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

void make_thread_key() {
    key.made = pthread_key_create(&key.id, leave_thread) == 0;
    if (has_cache(current_cache)) make_current(*current_cache);
}

}  // namespace tarn
