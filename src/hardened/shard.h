// SPDX-License-Identifier: MIT
// Shard: the slabs of some threads, and their quarantine, behind one lock. A slab stays with the shard that made it; who frees an object
// takes the lock of the object's. A signal handler over such a call finds that lock its own: it takes objects from another shard, and what it
// frees waits aside.
#pragma once
#include <atomic>

#include "base/published.h"
#include "hardened/checks.h"
#include "hardened/quarantine.h"
#include "os/lock.h"

namespace tarn::hardened {

inline constexpr size_t kShards = 16;
inline constexpr size_t kAside = 64;  // frees of signal handlers

struct Place {
    GuardedSlab* slab = nullptr;
    size_t index = 0;
};

struct Shard {
    Lock lock{LockRank::kShard};
    uint8_t number = 0;
    uint64_t random_state = 0;
    GuardedSlab* partial[kSlotClasses] =
        {};  // slabs of which a slot can be taken, those that are empty among them
    Place ahead[kSlotClasses] =
        {};  // the slot that is taken next, not in its slab's bits any more: on its way to the caches
    uint32_t empty[kSlotClasses] = {};  // slabs
    size_t slab_bytes = 0, empty_bytes = 0;
    Finding found{};  // to be said by who comes next, without the lock
    std::atomic<void*> aside[kAside] = {};
    std::atomic<bool> any_aside{false};
    Published waiting_bytes;
    Published checks;
    struct {
        Published taken, freed, fresh;  // by threads that have no heap to count it
        Published out;                  // live ones and those in quarantine
    } counts[kClasses];
    Quarantine quarantine;

    uint64_t random() {
        random_state ^= random_state << 13;
        random_state ^= random_state >> 7;
        random_state ^= random_state << 17;
        return random_state * 0x2545f4914f6cdd1d;  // Marsaglia's xorshift, Vigna's multiplier
    }
};

// This thread's, or another one when this thread is a signal handler over a call that holds it; NULL: no memory.
Shard* shard_to_take_from();
// NULL where there is none yet.
Shard* shard(size_t number);
// Whether there is any; most processes have none.
bool any_shards();
uint8_t own_shard();  // the number of this thread's; one that none has before it took anything

// This thread takes nothing more.
void leave_shard();
// Bytes that each shard may have in quarantine.
size_t waiting_most();

// With the shard's lock held, from here on. A slot, with the word and the memory as they were left.
Place take_slot(Shard& shard, SlotClass c, bool& grew);
// What is kWaiting, in a slot of so many bytes, joins the quarantine, and what has waited longest leaves it.
void add_waiting(Shard& shard, void* object, size_t bytes);
// What was never handed out can be taken at once.
void put_back(Shard& shard, GuardedSlab& slab, size_t index);
// What signal handlers freed meanwhile; NULL: nothing.
void* take_aside(Shard& shard);
// Slabs that hold nothing.
void dissolve_empty(Shard& shard);
// One that is not in its lists and counts yet.
void add_slab(Shard& shard, GuardedSlab& slab);
// In the child of a fork: all of them go through add_slab() again.
void forget_slabs(Shard& shard);

}  // namespace tarn::hardened
