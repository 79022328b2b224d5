// SPDX-License-Identifier: MIT
// The address of a thread's control block tells living threads apart at the price of one register.
#pragma once
#include <cstdint>

namespace tarn {

inline uintptr_t thread_pointer() {
    return reinterpret_cast<uintptr_t>(__builtin_thread_pointer());
}

}  // namespace tarn
