// SPDX-License-Identifier: MIT
// The contended half of Lock.
#include "os/lock.h"

#include <linux/futex.h>
#include <time.h>

#include <cstdlib>

#include "os/os.h"
#include "os/syscall.h"

namespace tarn {

#ifndef NDEBUG
thread_local constinit unsigned detail::held_ranks __attribute__((tls_model("initial-exec"))) = 0;

void detail::die_of_order() {
    constexpr char kText[] = "tarn: internal error: a lock taken while one of its rank or below is held\n";
    os::write(2, kText, sizeof kText - 1);
    abort();
}
#endif

void Lock::lock_contended() {
    // A short spin covers the common case: critical sections are a few hundred instructions. Who sleeps does
    // so on the lower half of the word, which has the mark.
    static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__);
    const uintptr_t self = thread_pointer();
    for (int i = 0; i < 100; ++i) {
        if (word_.load(std::memory_order_relaxed) == 0 && try_lock()) return;
        os::cpu_pause();
    }
    uintptr_t word = word_.load(std::memory_order_relaxed);
    for (;;) {
        // A thread that slept takes it with the mark: others may still sleep.
        const uintptr_t wanted = (word == 0 ? self : word) | kWaited;
        if (word != wanted && !word_.compare_exchange_strong(word, wanted, std::memory_order_acquire,
                                                             std::memory_order_relaxed))
            continue;
        if (word == 0) return note_taken();
        os::raw_syscall(__NR_futex, reinterpret_cast<long>(&word_), FUTEX_WAIT_PRIVATE,
                        static_cast<long>(static_cast<uint32_t>(wanted)));
        word = word_.load(std::memory_order_relaxed);
    }
}

bool Lock::lock_within(uint64_t nanoseconds) {
    constexpr long kNap = 100'000;
    for (int i = 0; i < 100; ++i) {
        if (try_lock()) return true;
        os::cpu_pause();
    }
    // It does not sleep on the word itself: there it would take the one wake-up from a thread that waits for it.
    uint32_t nobody_wakes = 0;
    for (uint64_t waited = 0; waited < nanoseconds; waited += kNap) {
        const struct timespec nap = {0, kNap};
        os::raw_syscall(__NR_futex, reinterpret_cast<long>(&nobody_wakes), FUTEX_WAIT_PRIVATE, 0,
                        reinterpret_cast<long>(&nap));
        if (try_lock()) return true;
    }
    return false;
}

void Lock::wake_one() {
    os::raw_syscall(__NR_futex, reinterpret_cast<long>(&word_), FUTEX_WAKE_PRIVATE, 1);
}

}  // namespace tarn
