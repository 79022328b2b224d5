// SPDX-License-Identifier: MIT
// Shard: the slabs of some threads, and their quarantine, behind one lock. A slab stays with the shard that made it; who frees an object
// takes the lock of the object's. A signal handler over such a call finds that lock its own: it takes objects from another shard, and what it
// frees waits aside.
#pragma once
#include <atomic>

#include "base/message.h"
#include "base/published.h"
#include "hardened/guarded_slab.h"
#include "hardened/quarantine.h"
#include "os/lock.h"

namespace tarn::hardened {

inline constexpr size_t kShards = 16;
inline constexpr size_t kAside = 64;  // frees of signal handlers

// What is wrong, to be said when no lock is held any more; `at` NULL: nothing is.
struct Finding {
    Fault fault = Fault::kInternal;
    const void* at = nullptr;
    const char* detail = "";
    size_t number = 0;
    explicit operator bool() const { return at != nullptr; }
};
[[noreturn]] void die_of(const Finding& finding);

struct Shard {
    Lock lock{LockRank::kShard};
    uint8_t number = 0;
    uint64_t random_state = 0;
    GuardedSlab* partial[kSlotClasses] = {};  // slabs of which a slot can be taken, those that are empty among them
    uint32_t slabs[kSlotClasses] = {};
    uint32_t empty[kSlotClasses] = {};
    std::atomic<void*> aside[kAside] = {};
    std::atomic<bool> any_aside{false};
    Published checks;  // of seals and zeros
    Published waiting_bytes;
    struct {
        Published taken, freed, fresh, live, waiting;
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
size_t shards_in_use();
uint8_t own_shard();  // the number of this thread's; one that none has before it took anything

// All with the shard's lock held.
struct TakenSlot {
    char* object = nullptr;
    bool fresh = false, grew = false;
};
TakenSlot take_slot(Shard& shard, SlotClass c, size_t asked, Form form, Finding& finding);
// The object at p, whose slab is the shard's, begins to wait.
struct GivenSlot {
    size_t asked = 0;
};
GivenSlot give_slot(Shard& shard, void* p, Form form, size_t expected, Finding& finding);
// What leaves quarantine makes room for what the shard may hold in it.
void release_waiting(Shard& shard, size_t most_bytes);
// An object that was just taken, and not handed out.
void untake_slot(Shard& shard, void* p);
// What signal handlers freed meanwhile.
void* take_aside(Shard& shard);
// Slabs that hold nothing; how many.
size_t dissolve_empty(Shard& shard);
// What is broken about the objects of this slab that are live, or wait.
Finding check_slab(const GuardedSlab& slab);

// What is broken around a live object.
Finding check_slot(const GuardedSlab& slab, size_t index);
void link(Shard& shard, GuardedSlab& slab);

}  // namespace tarn::hardened
