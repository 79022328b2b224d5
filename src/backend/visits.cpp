// SPDX-License-Identifier: MIT
// Two counters, ordered like Dekker's algorithm: each side announces itself before it looks at the other.
#include "backend/visits.h"

#include <cerrno>

#include <atomic>

#include "backend/modules/loader.h"
#include "os/os.h"

namespace tarn::visits {

namespace {

constexpr uint64_t kWaitMost = 1'000'000'000;  // ns; see before_fork

struct Deferred {  // lies in the freed block itself
    Deferred* next;
    size_t size;
};

constinit std::atomic<int> inside{0};
constinit thread_local int own_visits = 0;  // of `inside`, those of this thread
constinit std::atomic<int> forks{0};
constinit std::atomic<Deferred*> deferred{nullptr};

void defer(Deferred* block) {
    block->next = deferred.load(std::memory_order_relaxed);
    while (!deferred.compare_exchange_weak(block->next, block, std::memory_order_release,
                                           std::memory_order_relaxed)) {
    }
}

// Frees what waited. A thread that takes the list owns it; what a new fork keeps out goes back.
void free_deferred() {
    Deferred* block = deferred.exchange(nullptr, std::memory_order_acquire);
    while (block) {
        Deferred* const next = block->next;
        free(block, block->size);
        block = next;
    }
}

}  // namespace

Visit::Visit() : errno_(errno) {
    if (own_visits > 0) return;
    if (const tarn_backend* backend = loader::current();
        backend && backend->flags & TARN_BACKEND_LOCKS_AT_FORK) {
        signals_ = os::block_signals();
        signals_blocked_ = true;
    }
    own_visits = 1;  // first, and taken back last: a handler in between must not wait for its own thread
    std::atomic_signal_fence(std::memory_order_seq_cst);
    inside.fetch_add(1, std::memory_order_seq_cst);
    inside_ = forks.load(std::memory_order_seq_cst) == 0;
    if (!inside_) leave();
}

Visit::~Visit() {
    if (!inside_) return;
    leave();
    errno = errno_;
}

void Visit::leave() {
    inside.fetch_sub(1, std::memory_order_release);
    std::atomic_signal_fence(std::memory_order_seq_cst);
    own_visits = 0;
    if (signals_blocked_) os::restore_signals(signals_);
}

void free(void* block, size_t size) {
    bool freed = false;
    {
        const Visit visit;
        if (visit) {
            loader::current()->free(block, size);
            freed = true;
        }
    }
    if (!freed) {
        auto* waiting = static_cast<Deferred*>(block);
        waiting->size = size;
        defer(waiting);
    }
    // Blocks that waited because of a signal handler go now, and so do those that met the end of a fork.
    if (deferred.load(std::memory_order_relaxed) && own_visits == 0 &&
        forks.load(std::memory_order_seq_cst) == 0)
        free_deferred();
}

// Visits are short, and nobody inside waits for libc. Visits of this very thread do not end while it is here:
// a signal handler that interrupted one may call fork. The bound is for a backend that breaks its rules.
void before_fork() {
    const tarn_backend* backend = loader::current();
    if (!backend) return;
    forks.fetch_add(1, std::memory_order_seq_cst);
    if (inside.load(std::memory_order_seq_cst) > own_visits) {
        const uint64_t start = os::nanoseconds();
        while (inside.load(std::memory_order_seq_cst) > own_visits && os::nanoseconds() - start < kWaitMost)
            os::yield();
    }
    if (backend->before_fork) backend->before_fork();
}

void after_fork_parent() {
    const tarn_backend* backend = loader::current();
    if (!backend) return;
    if (backend->after_fork_parent) backend->after_fork_parent();
    if (forks.fetch_sub(1, std::memory_order_seq_cst) == 1) free_deferred();
}

// Other threads, and forks of theirs in progress, do not exist here.
void after_fork_child() {
    const tarn_backend* backend = loader::current();
    if (!backend) return;
    if (backend->after_fork_child) backend->after_fork_child();
    inside.store(own_visits, std::memory_order_relaxed);
    forks.store(0, std::memory_order_seq_cst);
    free_deferred();
}

}  // namespace tarn::visits
