// SPDX-License-Identifier: MIT
// Lock: a futex mutex that knows who holds it, constant-initialised, usable before libc is ready. So the
// child of a fork can tell a holder that is gone from itself, and a report from a signal handler does not
// wait for the call that it interrupts. One word, so that it is held from the very step that names the
// holder: 0 free, else the holder's thread pointer, plus 1 when somebody may wait (Ulrich Drepper, "Futexes
// Are Tricky", 2011).
#pragma once
#include <atomic>
#include <cstdint>

#include "os/thread_pointer.h"

namespace tarn {

class Lock {
  public:
    constexpr Lock() = default;
    Lock(const Lock&) = delete;
    Lock& operator=(const Lock&) = delete;

    void lock() {
        if (!try_lock()) lock_contended();
        std::atomic_signal_fence(std::memory_order_seq_cst);
    }
    bool try_lock() {
        uintptr_t expected = 0;
        return word_.compare_exchange_strong(expected, thread_pointer(), std::memory_order_acquire,
                                             std::memory_order_relaxed);
    }
    void unlock() {
        std::atomic_signal_fence(std::memory_order_seq_cst);
        if (word_.exchange(0, std::memory_order_release) & kWaited) wake_one();
    }
    // Held by the thread that asks: it is in a signal handler over what the lock protects.
    bool is_mine() const { return (word_.load(std::memory_order_relaxed) & ~kWaited) == thread_pointer(); }
    // The same as unlock() where those who wait never sleep: they wait by lock_within().
    void unlock_unwaited() {
        std::atomic_signal_fence(std::memory_order_seq_cst);
        word_.store(0, std::memory_order_release);
    }
    // False: somebody else held it all that time.
    [[nodiscard]] bool lock_within(uint64_t nanoseconds);

    // Only for the child of a fork: it is free then, no matter which thread held it. True when that was another
    // one, which may have left half done what the lock protects. What this thread itself was doing, under the
    // signal handler that forks, it goes on with.
    bool recover() {
        const bool mine = is_mine();
        return word_.exchange(0, std::memory_order_relaxed) != 0 && !mine;
    }
    void reset() { word_.store(0, std::memory_order_relaxed); }

  private:
    static constexpr uintptr_t kWaited = 1;
    void lock_contended();
    void wake_one();
    std::atomic<uintptr_t> word_{0};
};

class [[nodiscard]] Guard {
  public:
    explicit Guard(Lock& lock) : lock_(lock) { lock_.lock(); }
    ~Guard() { lock_.unlock(); }
    Guard(const Guard&) = delete;
    Guard& operator=(const Guard&) = delete;

  private:
    Lock& lock_;
};

// To read numbers for a report: as they are when this thread is about to change them.
class [[nodiscard]] ReportGuard {
  public:
    explicit ReportGuard(Lock& lock) : lock_(lock.is_mine() ? nullptr : &lock) {
        if (lock_) lock_->lock();
    }
    ~ReportGuard() {
        if (lock_) lock_->unlock();
    }
    ReportGuard(const ReportGuard&) = delete;
    ReportGuard& operator=(const ReportGuard&) = delete;

  private:
    Lock* const lock_;
};

}  // namespace tarn
