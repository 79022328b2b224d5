// SPDX-License-Identifier: MIT
#include "patterns.h"

#include <sched.h>

#include <atomic>
#include <cstdint>
#include <cstdlib>

#include "check.h"
#include "counted.h"
#include "process.h"

namespace patterns {

namespace {

constexpr size_t kThreadsMost = 64;

void* take(size_t size) {
    void* const object = malloc(size);
    check::require(object, "there is memory");
    ++counted::counts.operations;
    return object;
}
void give(void* object) {
    free(object);
    ++counted::counts.operations;
}

}  // namespace

void pairs(size_t thread, size_t) {
    constexpr size_t kOut = 16, kTurns = 100000;
    process::Random random{thread + 1};
    void* out[kOut] = {};
    for (size_t turn = 0; turn < kTurns; ++turn) {
        void*& object = out[random.below(kOut)];
        if (object) give(object);
        object = take(16 + random.below(1009));
    }
    for (void* object : out)
        if (object) give(object);
}

void waves(size_t, size_t) {
    constexpr size_t kBytes = 2 << 20, kLeast = 512, kWaves = 4;
    static thread_local void* objects[kBytes / kLeast];
    for (size_t wave = 0; wave < kWaves; ++wave) {
        for (size_t size = kLeast; size <= 2 * kLeast; size += kLeast / 2) {
            for (size_t i = 0; i < kBytes / size; ++i)
                objects[i] = take(size);
            for (size_t i = 0; i < kBytes / size; ++i)
                give(objects[i]);
        }
    }
}

void pipes(size_t thread, size_t) {
    constexpr size_t kObjects = 50000, kRoom = 1024;
    struct alignas(64) Pipe {
        alignas(64) std::atomic<size_t> put{0};
        alignas(64) std::atomic<size_t> got{0};
        alignas(64) void* objects[kRoom];
    };
    static Pipe pipes[kThreadsMost / 2];
    Pipe& pipe = pipes[thread / 2];
    process::Random random{thread + 1};
    for (size_t i = 0; i < kObjects; ++i) {
        if (thread % 2 == 0) {
            const size_t at = pipe.put.load(std::memory_order_relaxed);
            while (at - pipe.got.load(std::memory_order_acquire) == kRoom)
                sched_yield();
            pipe.objects[at % kRoom] = take(16 + random.below(497));
            pipe.put.store(at + 1, std::memory_order_release);
        } else {
            const size_t at = pipe.got.load(std::memory_order_relaxed);
            while (at == pipe.put.load(std::memory_order_acquire))
                sched_yield();
            give(pipe.objects[at % kRoom]);
            pipe.got.store(at + 1, std::memory_order_release);
        }
    }
}

void growing(size_t thread, size_t) {
    process::Random random{thread + 1};
    for (size_t bytes = 0; bytes < size_t{4} << 20;) {
        const size_t size = 16 + random.below(1009);
        check::opaque(take(size));
        bytes += size;
    }
}

}  // namespace patterns
