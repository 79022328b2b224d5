// SPDX-License-Identifier: MIT
// The slots of threads.
#include "api/interner/counters.h"

#include <pthread.h>

#include <bit>

namespace tarn {

thread_local constinit uint8_t counter_slot = 0;

namespace {

thread_local constinit bool past_slots __attribute__((tls_model("initial-exec"))) = false;

constexpr uint64_t bit(uint32_t slot) {
    return uint64_t{1} << slot;
}

struct Slots {
    std::atomic<uint64_t> taken{bit(0)};
    std::atomic<int64_t> key{-1};  // its destructor gives an ending thread's slot back
};
constinit Slots slots;

void leave_slot(void*) {
    const uint32_t slot = counter_slot;
    counter_slot = 0;
    past_slots = true;
    slots.taken.fetch_and(~bit(slot), std::memory_order_release);
}

// Nothing is locked here; of two keys made at the same time one is dropped.
bool have_key() {
    if (slots.key.load(std::memory_order_acquire) >= 0) return true;
    pthread_key_t made;
    if (pthread_key_create(&made, leave_slot) != 0) return false;
    int64_t expected = -1;
    if (!slots.key.compare_exchange_strong(expected, made, std::memory_order_acq_rel))
        pthread_key_delete(made);
    return true;
}

uint32_t first_free() {
    uint64_t taken = slots.taken.load(std::memory_order_relaxed);
    for (;;) {
        const uint32_t slot = static_cast<uint32_t>(std::countr_one(taken));
        if (slot >= kCounterSlots) return 0;
        if (slots.taken.compare_exchange_weak(taken, taken | bit(slot), std::memory_order_acquire,
                                              std::memory_order_relaxed))
            return slot;
    }
}

}  // namespace

uint32_t take_counter_slot() {
    if (past_slots || !have_key()) return 0;
    const uint32_t slot = first_free();
    if (slot == 0) return 0;
    // The value only has to be one that is not NULL.
    if (pthread_setspecific(static_cast<pthread_key_t>(slots.key.load(std::memory_order_acquire)), &slots)) {
        slots.taken.fetch_and(~bit(slot), std::memory_order_release);
        return 0;
    }
    return counter_slot = static_cast<uint8_t>(slot);
}

void recover_counter_slots() {
    slots.taken.store(bit(0) | bit(counter_slot), std::memory_order_relaxed);
}

}  // namespace tarn
