// SPDX-License-Identifier: MIT
// A faulty allocator, to be preloaded: now and then it hands out the newest block a second time, while it is
// in use. Every workload that checks its blocks must find that.
#include <errno.h>
#include <malloc.h>
#include <stdint.h>
#include <string.h>

#include <atomic>

extern "C" {
void* __libc_memalign(size_t, size_t);
void* __libc_realloc(void*, size_t);
void __libc_free(void*);
}

namespace {

constexpr size_t kPeriod = 50;  // requests between two faults

std::atomic_flag busy = ATOMIC_FLAG_INIT;
void* newest;     // in use
void* twice[64];  // in use by two
size_t requests;

struct Hold {
    Hold() {
        while (busy.test_and_set(std::memory_order_acquire)) {
        }
    }
    ~Hold() { busy.clear(std::memory_order_release); }
};

void* hand_out(size_t size, size_t alignment) {
    Hold hold;
    ++requests;
    if (requests >= kPeriod && newest && malloc_usable_size(newest) >= size &&
        reinterpret_cast<uintptr_t>(newest) % alignment == 0) {
        for (void*& place : twice) {
            if (place) continue;
            requests = 0;
            place = newest;
            newest = nullptr;  // two users are enough
            return place;
        }
    }
    return newest = __libc_memalign(alignment, size);
}

// True when the block is still used by another.
bool leave(void* block) {
    for (void*& place : twice) {
        if (place != block) continue;
        place = nullptr;
        return true;
    }
    if (block == newest) newest = nullptr;
    return false;
}

}  // namespace

extern "C" {

void* malloc(size_t size) {
    return hand_out(size, 16);
}

void free(void* block) {
    Hold hold;
    if (block && !leave(block)) __libc_free(block);
}

void* calloc(size_t count, size_t size) {
    void* const block = hand_out(count * size, 16);
    return block ? memset(block, 0, count * size) : nullptr;
}

void* realloc(void* block, size_t size) {
    if (!block) return malloc(size);
    Hold hold;
    if (!leave(block)) return __libc_realloc(block, size);
    void* const copy = __libc_memalign(16, size);
    const size_t had = malloc_usable_size(block);
    return copy ? memcpy(copy, block, had < size ? had : size) : nullptr;
}

void* aligned_alloc(size_t alignment, size_t size) {
    return hand_out(size, alignment);
}

int posix_memalign(void** place, size_t alignment, size_t size) {
    *place = hand_out(size, alignment);
    return *place ? 0 : ENOMEM;
}
}
