// SPDX-License-Identifier: MIT
// Synthetic counters, as take_snapshot would leave them.
#pragma once
#include <cstring>

#include "stats/stats.h"

// The counted fields of a size class.
struct Counted {
    uint64_t object_size = 0, allocations = 0, frees = 0, fresh = 0, remote_frees = 0, slabs = 0,
             slab_bytes = 0;

    operator tarn_class_stats() const {
        return {object_size, allocations, frees, 0, 0, fresh, 0, remote_frees, slabs, slab_bytes};
    }
};

// A program of middling size: classes used, unused, used up, and one with slabs only.
inline tarn::Snapshot sample() {
    tarn::Snapshot s{};
    s.classes = 6;
    s.class_stats[0] = Counted{.object_size = 16,
                               .allocations = 1234567,
                               .frees = 1200000,
                               .fresh = 40000,
                               .slabs = 3,
                               .slab_bytes = 49152};
    s.class_stats[1] = Counted{.object_size = 32};
    s.class_stats[2] =
        Counted{.object_size = 48, .allocations = 1000, .frees = 1000, .fresh = 1, .remote_frees = 400};
    s.class_stats[3] =
        Counted{.object_size = 64, .allocations = 7, .fresh = 7, .slabs = 1, .slab_bytes = 16384};
    s.class_stats[4] = Counted{.object_size = 80, .slabs = 1, .slab_bytes = 16384};
    s.class_stats[5] = Counted{.object_size = 32768,
                               .allocations = 90,
                               .frees = 60,
                               .fresh = 50,
                               .slabs = 10,
                               .slab_bytes = 2621440};
    s.large_allocations = 1200;
    s.large_frees = 1100;
    s.large_live_objects = 100;
    s.large_live_bytes = 123 << 20;
    s.large_peak_bytes = 130 << 20;
    s.large_grown_in_place = 44;
    s.small_peak_bytes = 3 << 20;
    s.peak_live_bytes = 132 << 20;
    s.foreign_frees = 2;
    s.threads = 3;
    s.threads_ended = 5;
    s.orphan_slabs = 1;
    s.reserved = uint64_t{64} << 30;
    s.committed = 6 << 20;
    s.in_use = 4 << 20;
    s.dirty = 1 << 20;
    s.kept_in_bins = 320 << 10;
    s.kept_in_slabs = 6 << 20;
    s.returned = 90 << 20;
    s.backend_committed = 140 << 20;
    s.backend_cached = 17 << 20;
    s.arenas = 4;
    s.arenas_made = 1000;
    s.arena_bytes = 3 << 20;
    s.arena_bytes_taken = 40 << 20;
    s.object_pools = 2;
    s.object_pools_made = 3;
    s.object_pool_allocations = 1000000;
    s.object_pool_fresh = 2500;
    s.object_pool_live_objects = 1200;
    s.object_pool_bytes = 256 << 10;
    s.interners = 1;
    s.interners_made = 5;
    s.interned_strings = 500;
    s.intern_requests = 80000;
    s.interner_bytes = 40 << 10;
    s.user_heaps = 3;
    s.user_heaps_made = 30;
    s.user_heap_allocations = 70000;
    s.user_heap_live_objects = 9000;
    s.user_heap_live_bytes = 1800 << 10;
    s.user_heap_bytes = 2 << 20;
    s.guarded_allocations = 4711;
    s.guarded_live = 99;
    s.guard_faults = 1;
    s.hardened_checks = 123456;
    s.quarantine_bytes = 262144;
    s.resident = 150 << 20;
    s.peak_resident = 160 << 20;
    strcpy(s.backend, "mimalloc");
    return s;
}

// Nothing has happened yet.
inline tarn::Snapshot idle() {
    tarn::Snapshot s{};
    strcpy(s.backend, "map");
    return s;
}

// Every number as large as it can be, in all classes that there can be.
inline tarn::Snapshot extreme() {
    tarn::Snapshot s;
    memset(&s, 0xff, sizeof s);
    for (uint32_t i = 0; i < TARN_SIZE_CLASSES_MAX; ++i)
        s.class_stats[i].object_size = UINT64_MAX - i;
    memset(s.backend, 'b', sizeof s.backend);
    return s;
}
