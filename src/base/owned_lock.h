// SPDX-License-Identifier: MIT
// OwnedLock: a lock that knows who holds it, so that the child of a fork can tell a holder that is gone from
// itself (a fork in a signal handler over a call that holds the lock). One word, so that it is held from the
// very step that names the holder: 0 free, else the holder's thread pointer, plus 1 when somebody may wait.
#pragma once
#include <atomic>
#include <cstdint>

#include "base/thread_pointer.h"

namespace tarn {

class OwnedLock {
  public:
    void lock() {
        uintptr_t expected = 0;
        if (!word_.compare_exchange_strong(expected, thread_pointer(), std::memory_order_acquire,
                                           std::memory_order_relaxed))
            lock_contended();
        std::atomic_signal_fence(std::memory_order_seq_cst);
    }
    void unlock() {
        std::atomic_signal_fence(std::memory_order_seq_cst);
        if (word_.exchange(0, std::memory_order_release) & kWaited) wake_one();
    }
    // Held by the thread that asks: it is in a signal handler over what the lock protects.
    bool is_mine() const { return (word_.load(std::memory_order_relaxed) & ~kWaited) == thread_pointer(); }
    // Only in the child of a fork: true when somebody held it who is gone; it is free then.
    bool recover() { return !is_mine() && word_.exchange(0, std::memory_order_relaxed) != 0; }

  private:
    static constexpr uintptr_t kWaited = 1;
    void lock_contended();
    void wake_one();
    std::atomic<uintptr_t> word_{0};
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
