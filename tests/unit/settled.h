// SPDX-License-Identifier: MIT
// A thread that has taken so much already that all it takes comes from slabs of its own; for tests of what those do.
#pragma once
#include "process/thread.h"

namespace tarn::sample {

inline ThreadCache& settle_thread() {
    ThreadCache& cache = *enter_thread();
    for (BinTop& top : cache.tops)
        top.few = 0;
    return cache;
}

}  // namespace tarn::sample
