// SPDX-License-Identifier: MIT
// Fork. As in process/fork.cpp, nothing is locked before a fork: whoever holds a
// lock of libc's that fork waits for may be about to intern. The child finds the steps of the threads that
// are gone cut off somewhere, and goes on from there:
//   shard    when its lock was held: the strings are counted anew, and room that a thread was about to take
//            is given up, and what had lost its last reference leaves. A string has a tag or has none, which
//            is one word.
// A thread's steps are cut at one point: the kernel suspends it at its first write to a page that was copied
// already. A string or an array that had no place yet is lost.
#include "api/interner/table.h"
#include "process/fork.h"

namespace tarn {

namespace {

void recover_shard(tarn_interner& table, uint32_t index) {
    Shard& shard = table.shards()[index];
    if (!shard.lock.recover()) return;
    shard.room = shard.room_end = nullptr;
    const uintptr_t view = table.views[index].load(std::memory_order_relaxed);
    shard.count = 0;
    each_string(view, [&](const Interned* string, uint64_t) {
        const bool dropped = table.counted && references(string).load(std::memory_order_relaxed) == 0;
        if (dropped)
            take_out(view, string);
        else
            shard.count += 1;
    });
}

void after_fork_child() {
    recover_counter_slots();
    Meter::each(read_interner, [](Meter& meter) {
        auto& table = static_cast<tarn_interner&>(meter);
        for (uint32_t index = 0; index < table.shard_count(); ++index)
            recover_shard(table, index);
    });
}

constinit ForkStep fork_step{after_fork_child};

}  // namespace

void list_table(tarn_interner& table) {
    join_forks(fork_step);
    table.list();
}

}  // namespace tarn
