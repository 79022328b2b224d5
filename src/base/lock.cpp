// SPDX-License-Identifier: MIT
// The contended half of Lock.
#include "base/lock.h"

#include <linux/futex.h>

#include "base/syscall.h"

namespace tarn {

void Lock::lock_contended() {
    // A short spin covers the common case: critical sections are a few hundred instructions.
    for (int i = 0; i < 100; ++i) {
        if (state_.load(std::memory_order_relaxed) == 0 && try_lock()) return;
        os::cpu_pause();
    }
    while (state_.exchange(2, std::memory_order_acquire) != 0)
        os::raw_syscall(__NR_futex, reinterpret_cast<long>(&state_), FUTEX_WAIT_PRIVATE, 2);
}

void Lock::wake_one() {
    os::raw_syscall(__NR_futex, reinterpret_cast<long>(&state_), FUTEX_WAKE_PRIVATE, 1);
}

}  // namespace tarn
