// SPDX-License-Identifier: MIT
// Lock: a futex mutex of four bytes, constant-initialised, usable before libc is ready.
// States after Ulrich Drepper, "Futexes Are Tricky" (2011): 0 free, 1 held, 2 held and somebody may wait.
#pragma once
#include <atomic>
#include <cstdint>

namespace tarn {

class Lock {
  public:
    constexpr Lock() = default;
    Lock(const Lock&) = delete;
    Lock& operator=(const Lock&) = delete;

    void lock() {
        uint32_t expected = 0;
        if (!state_.compare_exchange_strong(expected, 1, std::memory_order_acquire,
                                            std::memory_order_relaxed))
            lock_contended();
    }
    bool try_lock() {
        uint32_t expected = 0;
        return state_.compare_exchange_strong(expected, 1, std::memory_order_acquire,
                                              std::memory_order_relaxed);
    }
    void unlock() {
        if (state_.exchange(0, std::memory_order_release) == 2) wake_one();
    }
    // Only for the child of a fork, where whoever held it is gone.
    void reset() { state_.store(0, std::memory_order_relaxed); }

  private:
    void lock_contended();
    void wake_one();
    std::atomic<uint32_t> state_{0};
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

}  // namespace tarn
