// SPDX-License-Identifier: MIT
// What a pool consists of. A local is found by its owner's thread pointer, and stays until the pool is
// destroyed. A thread pointer is in use again only after its thread ended: glibc gives a stack to a new
// thread when the kernel has cleared the old one's id. So a local has one user at a time, and the new one
// finds it as the old one left it: all that a thread does to its local comes before a store-release of
// `state`, all that it reads comes after a load-acquire.
//
// Locals whose thread pointers have the same hash are in one list, of which the inline functions see the
// first. Lists are read without the lock; a local is never taken out, only moved to the front, by its own
// thread.
//
// A checked pool has no locals in `locals`, so that every call goes to the cold end, and one stack for all
// threads. Locks: Pool::checks before Pool::lock before those of the layers below.
#pragma once
#include <atomic>

#include "api/pool/chunks.h"
#include "api/pool/depot.h"
#include "api/pool/sizes.h"
#include "base/published.h"
#include "os/lock.h"
#include "stats/meters.h"
#include "tarn/pool.h"

namespace tarn::pool {

inline constexpr size_t kLine = 64;
inline constexpr size_t kLists = sizeof(tarn_pool::locals) / sizeof(tarn_pool_local*);
static_assert(kLists == size_t{1} << (64 - 58), "tarn_pool_list_of takes as many bits as there are lists");

struct Local : tarn_pool_local {
    Local* next;      // with the same hash
    uint32_t slots;   // all of them; one more holds NULL
    uint32_t misses;  // calls in which it was not the first of its list
    uint64_t unused[TARN_POOL_FLOOR / 8 - 4];

    void** floor() { return tarn_pool_slot(this, TARN_POOL_FLOOR); }
    void** end() { return floor() + slots; }
    void** top() { return tarn_pool_slot(this, now()); }
    size_t held() { return static_cast<size_t>(end() - top()); }
    uint64_t allocations() const { return now() >> 16; }
    void set_top(void** top) { set(now() >> 16 << 16 | place(top)); }
    // The one use of a local that neither takes nor leaves anything, so its order does not matter.
    uint32_t count_miss() {
        const uint32_t count = __atomic_load_n(&misses, __ATOMIC_RELAXED) + 1;
        return __atomic_store_n(&misses, count, __ATOMIC_RELAXED), count;
    }
    void count_allocation() { set(now() + (1u << 16)); }

  private:
    uint64_t now() const { return __atomic_load_n(&state, __ATOMIC_ACQUIRE); }
    void set(uint64_t value) { __atomic_store_n(&state, value, __ATOMIC_RELEASE); }
    uint64_t place(void** slot) {
        return static_cast<uint64_t>(reinterpret_cast<char*>(slot) - reinterpret_cast<char*>(this));
    }
};
static_assert(sizeof(Local) == TARN_POOL_FLOOR);
static_assert(TARN_POOL_FLOOR + (kMostSlots + 1) * sizeof(void*) < 1 << 16, "a place has 16 bits");

// First in every list at the beginning; nobody's thread pointer is 0. Its stack is empty and full: its one
// slot, which holds NULL, is the floor. Never written, so that it lies among constants.
struct Nobody {
    Local local;
    void* slot;
};
extern const Nobody nobody;
inline Local* nobodys() {
    return const_cast<Local*>(&nobody.local);
}

struct Pool : tarn_pool, Meter {
    Pool(size_t stride, size_t alignment, Checks checked, size_t slots)
        : Meter(read),
          checking(checked),
          half(slots / 2),
          chunks(stride, alignment, checked),
          depot(slots / 2) {
        for (tarn_pool_local*& local : locals)
            local = nobodys();
    }
    const Checks checking;
    const size_t half;        // of a stack's slots
    Local* common = nullptr;  // the one stack of a checked pool, guarded by `checks`
    Lock checks;
    alignas(kLine) Lock lock;  // guards what follows, and writing `locals`
    Chunks chunks;
    Depot depot;
    uint32_t local_count = 0;
    Published lone_allocations;      // by threads for whose stack there was no memory
    std::atomic<uint32_t> moves{0};  // odd while a local is moved to the front

    // For the reports.
    static void read(const Meter& meter, MeterCounts& counts);
};

inline Local* first_of(const Pool& pool, size_t list) {
    return static_cast<Local*>(__atomic_load_n(&pool.locals[list], __ATOMIC_ACQUIRE));
}
inline Local* next_of(const Local& local) {
    return __atomic_load_n(&local.next, __ATOMIC_ACQUIRE);
}

template <class Act>
void for_each_local(const Pool& pool, Act&& act) {
    if (pool.common) act(pool.common);
    for (size_t list = 0; list < kLists; ++list) {
        for (Local *local = first_of(pool, list), *next; local; local = next) {
            next = next_of(*local);
            if (local != &nobody.local) act(local);
        }
    }
}

// From now on free() says of a pool's object whose it is.
void claim_objects();

inline Pool& of(tarn_pool* pool) {
    return *static_cast<Pool*>(pool);
}

}  // namespace tarn::pool
