// SPDX-License-Identifier: MIT
// Counted tables: strings leave (table.h has the invariants).
#include <errno.h>

#include "api/interner/table.h"
#include "entry/entry.h"
#include "entry/lookup.h"

namespace tarn {

namespace {

// The place of this string in a group; kGroupStrings when it is not there.
unsigned place_in(const Group& group, const Interned* string) {
    const uint64_t control = group.control.load(std::memory_order_relaxed);
    unsigned place = 0;
    while (place < kGroupStrings &&
           (tag_at(control, place) == 0 || group.strings[place].load(std::memory_order_relaxed) != string))
        ++place;
    return place;
}

void uncount_overflow(Group& group) {
    const uint64_t control = group.control.load(std::memory_order_relaxed);
    if (overflow_of(control) != kOverflowMost)
        group.control.store(control - (uint64_t{1} << kOverflowShift), std::memory_order_relaxed);
}

// Half the groups when at most one place in eight is taken.
unsigned fitting_log2(const Shard& shard, uintptr_t view) {
    const unsigned log2 = log2_of(view);
    return log2 > 0 && shard.count <= group_count(view) * kGroupStrings / 8 ? log2 - 1 : log2;
}

// A smaller array, if there is memory for it.
void shrink(tarn_interner& table, uint32_t index, unsigned log2) {
    Array* array = new_array(log2);
    if (!array) return;
    {
        Shard& shard = table.shards()[index];
        Guard guard(shard.lock);
        if (fitting_log2(shard, table.views[index].load(std::memory_order_relaxed)) == log2)
            array = replace_array(table, index, array);
    }
    free_array(array);
}

}  // namespace

// The tag goes first: a fork between two steps leaves overflow too high, which costs time only.
void take_out(uintptr_t view, const Interned* string) {
    Group* const groups = groups_of(view);
    const size_t mask = group_count(view) - 1, home = home_of(view, string->hash_bits);
    size_t at = home;
    unsigned place;
    while ((place = place_in(groups[at], string)) == kGroupStrings)
        at = (at + 1) & mask;
    const uint64_t control = groups[at].control.load(std::memory_order_relaxed);
    groups[at].control.store(control & ~(uint64_t{255} << (8 * place)), std::memory_order_relaxed);
    for (; at != home; at = (at - 1) & mask)
        uncount_overflow(groups[(at - 1) & mask]);
}

void drop(tarn_interner& table, const Interned* string) {
    const int error = errno;
    const uint32_t index = shard_of(table, string->hash_bits);
    Shard& shard = table.shards()[index];
    unsigned log2, now;
    {
        Guard guard(shard.lock);
        // Somebody may have found it since, or added a reference of his own.
        if (references(string).fetch_sub(1, std::memory_order_acq_rel) != 1) return;
        const uintptr_t view = table.views[index].load(std::memory_order_relaxed);
        take_out(view, string);
        shard.count -= 1;
        shard.string_bytes -= usable_size(&references(string));
        now = log2_of(view);
        log2 = fitting_log2(shard, view);
    }
    release(&references(string));
    if (log2 != now) shrink(table, index, log2);
    errno = error;
}

}  // namespace tarn
