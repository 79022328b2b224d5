// SPDX-License-Identifier: MIT
// OwnedLock: a lock that knows who holds it, so that the child of a fork can tell a holder that is gone from
// itself (a fork in a signal handler over a call that holds the lock).
#pragma once
#include "base/lock.h"
#include "base/thread_pointer.h"

namespace tarn {

class OwnedLock {
  public:
    void lock() {
        lock_.lock();
        holder_.store(thread_pointer(), std::memory_order_relaxed);
        std::atomic_signal_fence(std::memory_order_seq_cst);
    }
    void unlock() {
        std::atomic_signal_fence(std::memory_order_seq_cst);
        holder_.store(0, std::memory_order_relaxed);
        lock_.unlock();
    }
    // Held by the thread that asks: it is in a signal handler over what the lock protects.
    bool is_mine() const { return holder_.load(std::memory_order_relaxed) == thread_pointer(); }
    // Only in the child of a fork: true when somebody held it who is gone; it is free then. Where the only
    // thread has just taken the lock, or is about to release it, that is taken for "gone", too: what the
    // lock protects is whole at these two moments, and mending it again does no harm.
    bool recover() {
        if (is_mine()) return false;
        const bool was_held = !lock_.try_lock();
        holder_.store(0, std::memory_order_relaxed);
        lock_.reset();
        return was_held;
    }

  private:
    Lock lock_;
    std::atomic<uintptr_t> holder_{0};
};

class [[nodiscard]] OwnedGuard {
  public:
    explicit OwnedGuard(OwnedLock& lock) : lock_(lock) { lock_.lock(); }
    ~OwnedGuard() { lock_.unlock(); }
    OwnedGuard(const OwnedGuard&) = delete;
    OwnedGuard& operator=(const OwnedGuard&) = delete;

  private:
    OwnedLock& lock_;
};

}  // namespace tarn
