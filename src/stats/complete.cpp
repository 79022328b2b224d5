// SPDX-License-Identifier: MIT
// Derives what is not counted. Counters were read one by one while other threads ran: a free may have been
// seen whose allocation was not. Such a reading is brought down to what the other one allows.
#include <algorithm>

#include "stats/peak.h"
#include "stats/stats.h"

namespace tarn {

namespace {

void bound(uint64_t& value, uint64_t most) {
    if (value > most) value = most;
}

void raise(uint64_t& value, uint64_t least) {
    if (value < least) value = least;
}

double quotient(uint64_t part, uint64_t whole) {
    return whole ? static_cast<double>(part) / static_cast<double>(whole) : 0;
}

void complete_class(tarn_class_stats& c) {
    bound(c.frees, c.allocations);
    bound(c.fresh, c.allocations);
    bound(c.remote_frees, c.frees);
    c.live_objects = c.allocations - c.frees;
    c.live_bytes = c.live_objects * c.object_size;
    c.reused = c.allocations - c.fresh;
}

void sum_classes(Snapshot& s) {
    s.small_allocations = s.small_frees = s.small_live_bytes = 0;
    s.fresh = s.reused = s.remote_frees = s.slabs = 0;
    for (uint32_t i = 0; i < s.classes; ++i) {
        const tarn_class_stats& c = s.class_stats[i];
        s.small_allocations += c.allocations;
        s.small_frees += c.frees;
        s.small_live_bytes += c.live_bytes;
        s.fresh += c.fresh;
        s.reused += c.reused;
        s.remote_frees += c.remote_frees;
        s.slabs += c.slabs;
    }
}

void complete_large(Snapshot& s) {
    bound(s.large_frees, s.large_allocations);
    s.large_live_objects = s.large_allocations - s.large_frees;
    if (s.large_live_objects == 0) s.large_live_bytes = 0;
    raise(s.large_peak_bytes, s.large_live_bytes);
}

}  // namespace

void complete(Snapshot& s) {
    s.version = TARN_STATS_VERSION;
    if (s.classes > TARN_SIZE_CLASSES_MAX) s.classes = TARN_SIZE_CLASSES_MAX;
    for (uint32_t i = 0; i < s.classes; ++i)
        complete_class(s.class_stats[i]);
    sum_classes(s);
    complete_large(s);
    s.allocations = s.small_allocations + s.large_allocations;
    s.frees = s.small_frees + s.large_frees;
    s.live_objects = s.allocations - s.frees;
    s.live_bytes = s.small_live_bytes + s.large_live_bytes;
    raise(s.small_peak_bytes, s.small_live_bytes);
    raise(s.peak_live_bytes, std::max({s.live_bytes, s.small_peak_bytes, s.large_peak_bytes}));
    bound(s.object_pool_fresh, s.object_pool_allocations);
    bound(s.object_pool_live_objects, s.object_pool_allocations);
    s.object_pool_hit_rate =
        quotient(s.object_pool_allocations - s.object_pool_fresh, s.object_pool_allocations);
    bound(s.user_heap_live_objects, s.user_heap_allocations);
    bound(s.user_heap_live_bytes, s.user_heap_bytes);
    bound(s.guarded_live, s.guarded_allocations);
    raise(s.peak_resident, s.resident);
    s.kept_bytes = s.kept_in_bins + s.kept_in_slabs + s.dirty + s.backend_cached;
    const uint64_t mallocs = s.live_bytes + s.kept_bytes;
    s.other_bytes = s.resident > mallocs ? s.resident - mallocs : 0;
    s.pool_share = quotient(s.small_allocations, s.allocations);
    s.pool_hit_rate = quotient(s.reused, s.small_allocations);
    s.fragmentation_ratio = quotient(s.resident, s.live_bytes);
    s.backend[sizeof s.backend - 1] = 0;
}

void read_snapshot(Snapshot& snapshot) {
    take_snapshot(snapshot);
    complete(snapshot);
    raise_peak({snapshot.small_peak_bytes, snapshot.peak_live_bytes});
}

}  // namespace tarn
