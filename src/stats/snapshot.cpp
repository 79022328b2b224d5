// SPDX-License-Identifier: MIT
// Reads the counters of the layers below.
#include <algorithm>

#include "backend/blocks.h"
#include "cache/caches.h"
#include "cache/hardened.h"
#include "cache/totals.h"
#include "hardened/hardened.h"
#include "heap/orphans.h"
#include "os/os.h"
#include "pages/runs.h"
#include "seam/guard_counts.h"
#include "stats/meters.h"
#include "stats/peak.h"
#include "stats/stats.h"

namespace tarn {

namespace {

constinit std::atomic<uint64_t> foreign_frees{0};

static_assert(kClasses <= TARN_SIZE_CLASSES_MAX);

void read_classes(Snapshot& snapshot) {
    snapshot.classes = kClasses;
    snapshot.kept_in_bins = snapshot.kept_in_slabs = 0;
    for (SizeClass c = 0; c < kClasses; ++c) {
        const ClassTotals totals = class_totals(c);
        tarn_class_stats& stats = snapshot.class_stats[c];
        stats.object_size = kSizeClasses[c].size;
        stats.allocations = totals.allocations;
        stats.frees = totals.frees;
        stats.fresh = totals.fresh;
        stats.remote_frees = totals.remote_frees;
        stats.slabs = totals.slabs;
        stats.slab_bytes = totals.slabs * kSizeClasses[c].units.bytes() + totals.mixed * kSizeClasses[c].size;
        // Read one after another while others run: what is missing in one is in another.
        const uint64_t there = totals.touched + totals.mixed;
        const uint64_t taken =
            totals.allocations - std::min(totals.allocations, totals.frees) + totals.in_bins;
        snapshot.kept_in_bins += totals.in_bins * kSizeClasses[c].size;
        snapshot.kept_in_slabs += (there - std::min(there, taken)) * kSizeClasses[c].size;
    }
}

void read_blocks(Snapshot& snapshot) {
    const BlockStats blocks = block_stats();
    snapshot.large_allocations = blocks.allocations;
    snapshot.large_frees = blocks.frees;
    snapshot.large_live_bytes = blocks.live_bytes;
    snapshot.large_peak_bytes = blocks.peak_bytes;
    snapshot.large_grown_in_place = blocks.grown_in_place;
    snapshot.backend_committed = blocks.backend_committed;
    snapshot.backend_cached = blocks.backend_cached;
    const char* name = backend_name();
    for (size_t i = 0; name[i] && i + 1 < sizeof snapshot.backend; ++i)
        snapshot.backend[i] = name[i];
}

void read_interface(Snapshot& snapshot) {
    snapshot.arenas = tally_total(Tally::kArenas);
    snapshot.arenas_made = tally_total(Tally::kArenasMade);
    snapshot.arena_bytes = tally_total(Tally::kArenaBytes);
    snapshot.arena_bytes_taken = tally_total(Tally::kArenaBytesTaken);
    snapshot.user_heap_bytes = tally_total(Tally::kUserHeapBytes);
    const MeterCounts counts = meter_counts();
    snapshot.object_pools = counts.pools;
    snapshot.object_pools_made = counts.pools_made;
    snapshot.object_pool_bytes = counts.pool_bytes;
    snapshot.object_pool_allocations = counts.pool_allocations;
    snapshot.object_pool_fresh = counts.pool_fresh;
    snapshot.object_pool_live_objects = counts.pool_live_objects;
    snapshot.interners = counts.interners;
    snapshot.interners_made = counts.interners_made;
    snapshot.interned_strings = counts.interned_strings;
    snapshot.intern_requests = counts.intern_requests;
    snapshot.interner_bytes = counts.interner_bytes;
    snapshot.user_heaps = counts.heaps;
    snapshot.user_heaps_made = counts.heaps_made;
    snapshot.user_heap_allocations = counts.heap_allocations;
    snapshot.user_heap_live_objects = counts.heap_live_objects;
    snapshot.user_heap_live_bytes = counts.heap_live_bytes;
}

}  // namespace

void count_foreign_free() {
    foreign_frees.fetch_add(1, std::memory_order_relaxed);
}

void take_snapshot(Snapshot& snapshot) {
    snapshot = {};
    snapshot.version = TARN_STATS_VERSION;
    read_classes(snapshot);
    read_blocks(snapshot);
    const Peak peak = peak_live();
    snapshot.small_peak_bytes = peak.small;
    snapshot.peak_live_bytes = peak.all;
    snapshot.foreign_frees = foreign_frees.load(std::memory_order_relaxed);
    const CacheCount count = count_caches();
    snapshot.threads = count.living;
    snapshot.threads_ended = count.ended;
    snapshot.orphan_slabs = orphans.slabs();
    const RunStats runs = run_stats();
    snapshot.reserved = runs.reserved;
    snapshot.committed = runs.committed;
    snapshot.in_use = runs.in_use;
    snapshot.dirty = runs.dirty;
    snapshot.returned = runs.returned;
    read_interface(snapshot);
    snapshot.guarded_allocations = guard_counts.samples.load(std::memory_order_relaxed);
    snapshot.guarded_live = guard_counts.live.load(std::memory_order_relaxed);
    snapshot.guard_faults = guard_counts.faults.load(std::memory_order_relaxed);
    if (hardened::serves()) {
        snapshot.hardened_checks = hardened::checks_made();
        snapshot.quarantine_bytes = hardened::waiting_bytes();
    }
    const os::Memory memory = os::memory();
    snapshot.resident = memory.resident;
    snapshot.peak_resident = memory.peak_resident;
}

}  // namespace tarn
