// SPDX-License-Identifier: MIT
// A process in which threads have caches, as in a program; for tests of the cache layer.
#pragma once
#include "entry/entry.h"
#include "heap_sample.h"
#include "process/start.h"
#include "settled.h"

namespace tarn::sample {

struct StartAll {
    StartAll() {
        options.region = size_t{512} << 20;
        libc_ready();
        tarn::start();
        settle_thread();
    }
};
inline const StartAll start_all;

}  // namespace tarn::sample
