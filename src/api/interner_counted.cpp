// SPDX-License-Identifier: MIT
// Counted tables: strings leave (interner_table.h has the invariants).
#include <errno.h>

#include "api/interner_table.h"
#include "entry/entry.h"

namespace tarn {

namespace {

// The slot of a string that is in the table.
size_t place_of(uintptr_t view, const Interned* string) {
    const size_t mask = capacity_of(view) - 1;
    size_t at = home_of(view, string->hash_bits);
    while (string_in(slots_of(view)[at].load(std::memory_order_relaxed)) != string)
        at = (at + 1) & mask;
    return at;
}

// Knuth's deletion from linear probing (The Art of Computer Programming 3, 6.4, algorithm R): whatever may
// move into the hole does. A fork between two steps leaves one string in two slots, and loses none.
void empty_slot(uintptr_t view, size_t hole) {
    Slot* const slots = slots_of(view);
    const size_t mask = capacity_of(view) - 1;
    for (size_t at = (hole + 1) & mask;; at = (at + 1) & mask) {
        const uint64_t slot = slots[at].load(std::memory_order_relaxed);
        if (slot == 0) break;
        const size_t home = home_of(view, string_in(slot)->hash_bits);
        if (((at - home) & mask) < ((at - hole) & mask)) continue;  // its home lies behind the hole
        slots[hole].store(slot, std::memory_order_relaxed);
        hole = at;
    }
    slots[hole].store(0, std::memory_order_relaxed);
}

// Half the slots when at most an eighth is taken.
unsigned fitting_log2(const Shard& shard, uintptr_t view) {
    const unsigned log2 = log2_of(view);
    return log2 > kLog2First && shard.count <= capacity_of(view) / 8 ? log2 - 1 : log2;
}

// A smaller array, if there is memory for it.
void shrink(tarn_interner& table, uint32_t index, unsigned log2) {
    Array* array = new_array(log2);
    if (!array) return;
    {
        Shard& shard = table.shards()[index];
        OwnedGuard guard(shard.lock);
        if (fitting_log2(shard, table.views[index].load(std::memory_order_relaxed)) == log2)
            array = replace_array(table, index, array);
    }
    free_array(array);
}

// Whether a slot further on, in the same row of taken ones, holds the same string.
bool stands_again(uintptr_t view, size_t first) {
    const Slot* const slots = slots_of(view);
    const size_t mask = capacity_of(view) - 1;
    const uint64_t wanted = slots[first].load(std::memory_order_relaxed);
    for (size_t at = (first + 1) & mask; at != first; at = (at + 1) & mask) {
        const uint64_t slot = slots[at].load(std::memory_order_relaxed);
        if (slot == wanted) return true;
        if (slot == 0) return false;
    }
    return false;
}

}  // namespace

void drop(tarn_interner& table, const Interned* string) {
    const int error = errno;
    const uint32_t index = shard_of(table, string->hash_bits);
    Shard& shard = table.shards()[index];
    unsigned log2, now;
    {
        OwnedGuard guard(shard.lock);
        // Somebody may have found it since, or added a reference of his own.
        if (references(string).fetch_sub(1, std::memory_order_acq_rel) != 1) return;
        const uintptr_t view = table.views[index].load(std::memory_order_relaxed);
        empty_slot(view, place_of(view, string));
        --shard.count;
        now = log2_of(view);
        log2 = fitting_log2(shard, view);
    }
    release(&references(string));
    if (log2 != now) shrink(table, index, log2);
    errno = error;
}

void recover_slots(tarn_interner& table, uint32_t index) {
    Shard& shard = table.shards()[index];
    const uintptr_t view = table.views[index].load(std::memory_order_relaxed);
    Slot* const slots = slots_of(view);
    shard.count = 0;
    for (size_t at = 0, end = capacity_of(view); at < end; ++at) {
        // What moves into an emptied slot is looked at in its turn.
        for (;;) {
            const uint64_t slot = slots[at].load(std::memory_order_relaxed);
            if (slot == 0) break;
            const bool dropped = table.counted && references(string_in(slot)).load() == 0;
            if (!dropped && !(table.counted && stands_again(view, at))) break;
            empty_slot(view, at);
        }
        shard.count += slots[at].load(std::memory_order_relaxed) != 0;
    }
}

}  // namespace tarn
