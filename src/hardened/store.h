// SPDX-License-Identifier: MIT
// Store: where hardened slabs and what is known of them come from: runs at places picked at random, and metadata between guard pages of
// its own. One lock, below those of the shards and above that of the runs.
#pragma once
#include "hardened/guarded_slab.h"

namespace tarn::hardened {

// A slab with no slot in use, for this shard; NULL: no memory, or this thread is a signal handler over such a call.
GuardedSlab* make_slab(SlotClass c, uint8_t shard, uint64_t random);
// None of its slots is in use.
void dissolve(GuardedSlab& slab);

// Runs that lie ready go back.
void give_ready();
// Nothing is at p now, but a hardened slab was.
bool was_here(const void* p);

// Bytes that lie between guard pages; NULL: no memory. Never given back.
void* guarded_memory(size_t bytes);

// In the child of a fork, when others lived: what lay ready is given up.
void store_after_fork_child(bool others);
// Slabs there are, and how many have no guard page behind them.
struct SlabCounts {
    size_t slabs, unguarded;
};
SlabCounts count_slabs();

}  // namespace tarn::hardened
