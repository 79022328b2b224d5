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

// From the ground up (docs/layers.md, "Locks"): while one is held, only those of lower rank may be waited for. Those
// of the explicit interface are above all others, in no order among themselves. Builds with assertions look.
enum class LockRank : uint8_t { kApi, kRuns, kMap, kStore, kMixed, kShard, kOrphans, kDoor, kCaches };

class Lock {
  public:
    constexpr Lock() = default;
#ifdef NDEBUG
    constexpr explicit Lock(LockRank) {}
#else
    constexpr explicit Lock(LockRank rank) : rank_(rank) {}
#endif
    Lock(const Lock&) = delete;
    Lock& operator=(const Lock&) = delete;

    void lock() {
        require_order();
        if (!try_lock()) lock_contended();
        std::atomic_signal_fence(std::memory_order_seq_cst);
    }
    bool try_lock() {
        uintptr_t expected = 0;
        if (!word_.compare_exchange_strong(expected, thread_pointer(), std::memory_order_acquire,
                                           std::memory_order_relaxed))
            return false;
        note_taken();
        return true;
    }
    void unlock() {
        note_left();
        std::atomic_signal_fence(std::memory_order_seq_cst);
        if (word_.exchange(0, std::memory_order_release) & kWaited) wake_one();
    }
    // Held by the thread that asks: it is in a signal handler over what the lock protects.
    bool is_mine() const {
        return (word_.load(std::memory_order_relaxed) & ~kWaited) == thread_pointer();
    }
    // The same as unlock() where those who wait never sleep: they wait by lock_within().
    void unlock_unwaited() {
        note_left();
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
        if (mine) note_left();
        return word_.exchange(0, std::memory_order_relaxed) != 0 && !mine;
    }
    void reset() {
        if (is_mine()) note_left();
        word_.store(0, std::memory_order_relaxed);
    }
    // Before it is waited for. By lock() itself; where try_lock() comes first, by who calls that.
    void require_order() const;

  private:
    static constexpr uintptr_t kWaited = 1;
    void lock_contended();
    void wake_one();
    void note_taken();
    void note_left();
    std::atomic<uintptr_t> word_{0};
#ifndef NDEBUG
    LockRank rank_ = LockRank::kApi;
#endif
};

#ifdef NDEBUG
inline void Lock::require_order() const {}
inline void Lock::note_taken() {}
inline void Lock::note_left() {}
#else
namespace detail {

// A bit for each rank that this thread holds. A signal handler leaves it as it found it, and what it finds lacks at
// most the lock that was taken just now; a lock that a forked child resets leaves it there.
extern thread_local constinit unsigned held_ranks __attribute__((tls_model("initial-exec")));
[[noreturn]] void die_of_order();

}  // namespace detail

inline void Lock::require_order() const {
    const unsigned rank = static_cast<unsigned>(rank_);
    const unsigned below = rank_ == LockRank::kApi ? ~0u : (2u << rank) - 1;
    if (detail::held_ranks & below) detail::die_of_order();
}
inline void Lock::note_taken() {
    if (rank_ != LockRank::kApi) detail::held_ranks |= 1u << static_cast<unsigned>(rank_);
}
inline void Lock::note_left() {
    detail::held_ranks &= ~(1u << static_cast<unsigned>(rank_));
}
#endif

#ifdef NDEBUG
static_assert(sizeof(Lock) == sizeof(uintptr_t));
#endif

class [[nodiscard]] Guard {
  public:
    explicit Guard(Lock& lock) : lock_(lock) { lock_.lock(); }
    ~Guard() { lock_.unlock(); }
    Guard(const Guard&) = delete;
    Guard& operator=(const Guard&) = delete;

  private:
    Lock& lock_;
};

// To read numbers for a report. They are read as they are when this thread is about to change them, and when the lock
// stays taken: a report at _exit, in a signal handler, may hold what its holder waits for.
class [[nodiscard]] ReportGuard {
  public:
    explicit ReportGuard(Lock& lock) : lock_(lock), mine_(!lock.is_mine() && lock.lock_within(kWaitMost)) {}
    ~ReportGuard() {
        if (mine_) lock_.unlock();
    }
    ReportGuard(const ReportGuard&) = delete;
    ReportGuard& operator=(const ReportGuard&) = delete;

  private:
    static constexpr uint64_t kWaitMost = 100'000'000;  // ns
    Lock& lock_;
    const bool mine_;
};

}  // namespace tarn
