// SPDX-License-Identifier: MIT
// Two counters, ordered like Dekker's algorithm: each side announces itself before it looks at the other.
#include "backend/visits.h"

#include <cerrno>

#include <atomic>

#include "backend/modules/loader.h"
#include "os/os.h"

namespace tarn {

namespace {

constexpr uint64_t kWaitMost = 1'000'000'000;  // ns; see visits_before_fork

struct Deferred {  // lies in the freed block itself
    Deferred* next;
    size_t size;
};

struct Visits {
    std::atomic<int> inside{0};
    std::atomic<int> forks{0};  // in progress
    std::atomic<Deferred*> deferred{nullptr};
};
constinit Visits visits;
thread_local constinit uint8_t own_visits = 0;  // 1 while this thread is inside

void defer(Deferred* block) {
    block->next = visits.deferred.load(std::memory_order_relaxed);
    while (!visits.deferred.compare_exchange_weak(block->next, block, std::memory_order_release,
                                                  std::memory_order_relaxed)) {
    }
}

// Frees what waited. A thread that takes the list owns it; what a new fork keeps out goes back.
void free_deferred() {
    Deferred* block = visits.deferred.exchange(nullptr, std::memory_order_acquire);
    while (block) {
        Deferred* const next = block->next;
        give_to_backend(block, block->size);
        block = next;
    }
}

}  // namespace

Visit::Visit() : errno_(errno) {
    if (own_visits > 0) return;
    if (const tarn_backend* backend = chosen_backend();
        backend && backend->flags & TARN_BACKEND_LOCKS_AT_FORK) {
        signals_ = os::block_signals();
        signals_blocked_ = true;
    }
    own_visits = 1;  // first, and taken back last: a handler in between must not wait for its own thread
    std::atomic_signal_fence(std::memory_order_seq_cst);
    visits.inside.fetch_add(1, std::memory_order_seq_cst);
    inside_ = visits.forks.load(std::memory_order_seq_cst) == 0;
    if (!inside_) leave();
}

Visit::~Visit() {
    if (!inside_) return;
    leave();
    errno = errno_;
}

void Visit::leave() {
    visits.inside.fetch_sub(1, std::memory_order_release);
    std::atomic_signal_fence(std::memory_order_seq_cst);
    own_visits = 0;
    if (signals_blocked_) os::restore_signals(signals_);
}

void give_to_backend(void* block, size_t size) {
    bool freed = false;
    {
        const Visit visit;
        if (visit) {
            chosen_backend()->free(block, size);
            freed = true;
        }
    }
    if (!freed) {
        auto* waiting = static_cast<Deferred*>(block);
        waiting->size = size;
        defer(waiting);
    }
    // Blocks that waited because of a signal handler go now, and so do those that met the end of a fork.
    if (visits.deferred.load(std::memory_order_relaxed) && own_visits == 0 &&
        visits.forks.load(std::memory_order_seq_cst) == 0)
        free_deferred();
}

// Visits are short, and nobody inside waits for libc. Visits of this very thread do not end while it is here:
// a signal handler that interrupted one may call fork. The bound is for a backend that breaks its rules.
void visits_before_fork() {
    const tarn_backend* backend = chosen_backend();
    if (!backend) return;
    visits.forks.fetch_add(1, std::memory_order_seq_cst);
    if (visits.inside.load(std::memory_order_seq_cst) > own_visits) {
        const uint64_t start = os::nanoseconds();
        while (visits.inside.load(std::memory_order_seq_cst) > own_visits &&
               os::nanoseconds() - start < kWaitMost)
            os::yield();
    }
    if (backend->before_fork) backend->before_fork();
}

void visits_after_fork_parent() {
    const tarn_backend* backend = chosen_backend();
    if (!backend) return;
    if (backend->after_fork_parent) backend->after_fork_parent();
    if (visits.forks.fetch_sub(1, std::memory_order_seq_cst) == 1) free_deferred();
}

// Other threads, and forks of theirs in progress, do not exist here.
void visits_after_fork_child() {
    const tarn_backend* backend = chosen_backend();
    if (!backend) return;
    if (backend->after_fork_child) backend->after_fork_child();
    visits.inside.store(own_visits, std::memory_order_relaxed);
    visits.forks.store(0, std::memory_order_seq_cst);
    free_deferred();
}

}  // namespace tarn
