// SPDX-License-Identifier: MIT
// A process with the backend `map`, and chunks that are glibc's own; for tests of the cold ends.
#pragma once
#include <gtest/gtest.h>

#include <cstring>

#include "base/options.h"
#include "entry/entry.h"
#include "process/start.h"
#include "settled.h"

// Past whatever has replaced malloc, a sanitizer included.
extern "C" void* __libc_malloc(size_t size);
extern "C" void __libc_free(void* chunk);

namespace tarn::sample {

struct StartMap {
    StartMap() {
        strcpy(options.backend, "map");
        options.region = size_t{512} << 20;
        libc_ready();
        tarn::start();
        settle_thread();
    }
};
inline const StartMap start_map;

// What glibc lets a program use of it: chunks are multiples of 16 bytes, 8 of which are its own.
inline size_t libc_usable(size_t size) {
    return size <= 24 ? 24 : (size + 8 + 15) / 16 * 16 - 8;
}

}  // namespace tarn::sample
