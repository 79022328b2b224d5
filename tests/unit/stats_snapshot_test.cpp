// SPDX-License-Identifier: MIT
// The snapshot: each number follows what the process does, and those that nobody counted are zero.
#include <gtest/gtest.h>

#include <algorithm>
#include <thread>
#include <vector>

#include "backend/blocks.h"
#include "cache/bins.h"
#include "cache/caches.h"
#include "cache/collect.h"
#include "cache/totals.h"
#include "entry_sample.h"
#include "pages/runs.h"
#include "process/reclaim.h"
#include "process/thread.h"
#include "stats/meters.h"
#include "stats/peak.h"
#include "stats/stats.h"

namespace tarn {
namespace {

Snapshot taken() {
    Snapshot snapshot;
    memset(&snapshot, 0xff, sizeof snapshot);
    take_snapshot(snapshot);
    return snapshot;
}

TEST(Snapshot, SaysWhatItIs) {
    const Snapshot now = taken();
    EXPECT_EQ(now.version, TARN_STATS_VERSION);
    EXPECT_EQ(now.classes, kClasses);
    EXPECT_STREQ(now.backend, "map");
    for (SizeClass c = 0; c < kClasses; ++c)
        EXPECT_EQ(now.class_stats[c].object_size, kSizeClasses[c].size);
}

TEST(Snapshot, WhatFollowsFromOtherNumbersIsLeftForLater) {
    void* const object = allocate(100);
    const Snapshot now = taken();
    EXPECT_EQ(now.allocations, 0u);
    EXPECT_EQ(now.live_bytes, 0u);
    EXPECT_EQ(now.fragmentation_ratio, 0);
    for (const tarn_class_stats& of_class : now.class_stats) {
        EXPECT_EQ(of_class.live_objects, 0u);
        EXPECT_EQ(of_class.live_bytes, 0u);
    }
    Snapshot read;
    read_snapshot(read);
    EXPECT_GE(read.live_bytes, 112u);
    EXPECT_GE(read.allocations, 1u);
    release(object);
}

TEST(Snapshot, ClassesThatThereAreNotAreZero) {
    const Snapshot now = taken();
    for (uint32_t c = kClasses; c < TARN_SIZE_CLASSES_MAX; ++c) {
        EXPECT_EQ(now.class_stats[c].object_size, 0u);
        EXPECT_EQ(now.class_stats[c].slabs, 0u);
    }
}

TEST(Snapshot, ObjectsAreCountedByTheirClass) {
    constexpr SizeClass c = 17;
    const Snapshot before = taken();
    std::vector<void*> objects;
    for (int i = 0; i < 500; ++i)
        objects.push_back(allocate(kSizeClasses[c].size));
    for (int i = 0; i < 200; ++i)
        release(objects[static_cast<size_t>(i)]);
    const Snapshot after = taken();
    const tarn_class_stats& now = after.class_stats[c];
    EXPECT_EQ(now.allocations - before.class_stats[c].allocations, 500u);
    EXPECT_EQ(now.frees - before.class_stats[c].frees, 200u);
    EXPECT_GE(now.fresh, 500u);
    EXPECT_GE(now.slabs * kSizeClasses[c].objects, 300u);
    EXPECT_EQ(now.slab_bytes, now.slabs * kSizeClasses[c].units.bytes());
    EXPECT_EQ(after.class_stats[c + 1].allocations, before.class_stats[c + 1].allocations);
    EXPECT_GE(after.in_use, now.slab_bytes);
    for (size_t i = 200; i < objects.size(); ++i)
        release(objects[i]);
}

TEST(Snapshot, BlocksWithTheirBytes) {
    const Snapshot before = taken();
    void* const block = allocate(size_t{5} << 20);
    const Snapshot during = taken();
    EXPECT_EQ(during.large_allocations, before.large_allocations + 1);
    EXPECT_EQ(during.large_live_bytes, before.large_live_bytes + block_size(block));
    EXPECT_GE(during.large_peak_bytes, during.large_live_bytes);
    EXPECT_GE(during.backend_committed, before.backend_committed + (size_t{5} << 20));
    release(block);
    const Snapshot after = taken();
    EXPECT_EQ(after.large_frees, before.large_frees + 1);
    EXPECT_EQ(after.large_live_bytes, before.large_live_bytes);
    EXPECT_EQ(after.large_peak_bytes, during.large_peak_bytes);
}

// Of all caches, mixed slabs and orphans: what one walk finds is what the classes add up to.
TEST(Snapshot, LiveBytesInOneWalkAreThoseOfAllClasses) {
    enter_thread();
    std::vector<void*> objects;
    std::thread([&] {
        for (size_t size = 1; size < kSmallMax; size += size / 3 + 1)
            for (int i = 0; i < 20; ++i)
                objects.push_back(allocate(size));
    }).join();
    for (size_t i = 0; i < objects.size(); i += 2)
        release(objects[i]);
    Snapshot now;
    read_snapshot(now);
    uint64_t bytes = 0;
    ASSERT_TRUE(try_live_bytes(bytes));
    EXPECT_EQ(bytes, now.small_live_bytes);
    for (size_t i = 1; i < objects.size(); i += 2)
        release(objects[i]);
    EXPECT_TRUE(try_live_bytes(bytes));
    EXPECT_LT(bytes, now.small_live_bytes);
    const Guard guard(caches.lock);
    EXPECT_FALSE(try_live_bytes(bytes)) << "waits for nobody";
}

TEST(Snapshot, WhatWasLiveBetweenTwoIsInThePeaks) {
    constexpr size_t kCount = 60000, kSize = 512, kBytes = kCount * kSize;
    Snapshot before, after;
    read_snapshot(before);
    std::vector<void*> objects;
    for (size_t i = 0; i < kCount; ++i)
        objects.push_back(allocate(kSize));
    for (void* object : objects)
        release(object);
    read_snapshot(after);
    const uint64_t known = before.small_live_bytes + kBytes,
                   tolerance = known / kPeakStepShare + heap_count() * kPeakStepOfCache + (768 << 10);
    EXPECT_LE(after.small_peak_bytes, std::max(before.small_peak_bytes, known));
    EXPECT_GE(after.small_peak_bytes + tolerance, known);
    EXPECT_GE(after.peak_live_bytes, after.small_peak_bytes);
    raise_peak({after.small_peak_bytes - 1, after.peak_live_bytes - 1});
    EXPECT_EQ(peak_live().small, after.small_peak_bytes) << "never lower";
    EXPECT_EQ(peak_live().all, after.peak_live_bytes);
}

TEST(Snapshot, ThreadsAndWhatTheyLeaveBehind) {
    enter_thread();
    const Snapshot before = taken();
    Snapshot during;
    void* left = nullptr;
    std::thread([&] {
        left = allocate(3000);
        during = taken();
    }).join();
    const Snapshot after = taken();
    EXPECT_EQ(during.threads, before.threads + 1);
    EXPECT_EQ(after.threads, before.threads);
    EXPECT_EQ(after.threads_ended, before.threads_ended + 1);
    EXPECT_EQ(after.orphan_slabs, before.orphan_slabs + 1);
    const SizeClass c = class_of_size(3000);
    release(left);
    EXPECT_EQ(taken().class_stats[c].remote_frees, before.class_stats[c].remote_frees + 1);
    EXPECT_EQ(taken().orphan_slabs, before.orphan_slabs) << "who frees into it takes it over";
}

TEST(Snapshot, WhatGoesBackIsReturned) {
    std::vector<void*> objects;
    for (int i = 0; i < 1000; ++i)
        objects.push_back(memset(allocate(8192), 1, 8192));
    const Snapshot full = taken();
    EXPECT_GE(full.in_use, 1000 * 8192u);
    EXPECT_GE(full.committed, full.in_use);
    EXPECT_GE(full.reserved, full.committed);
    EXPECT_GE(full.resident, 1000 * 8192u);
    EXPECT_GE(full.peak_resident, full.resident / 2);
    for (void* object : objects)
        release(object);
    trim();
    const Snapshot after = taken();
    EXPECT_LE(after.in_use, full.in_use - 900 * 8192u);
    EXPECT_EQ(after.dirty, 0u);
    EXPECT_GE(after.returned - full.returned, 900 * 8192u);
}

TEST(Snapshot, PointersOfOthers) {
    const Snapshot before = taken();
    count_foreign_free();
    count_foreign_free();
    EXPECT_EQ(taken().foreign_frees, before.foreign_frees + 2);
}

TEST(Snapshot, TalliesEachInItsOwnPlace) {
    const Snapshot before = taken();
    const Tally all[] = {Tally::kArenas, Tally::kArenasMade, Tally::kArenaBytes, Tally::kArenaBytesTaken,
                         Tally::kUserHeapBytes};
    int64_t amount = 1;
    for (Tally which : all)
        tally(which, amount), amount *= 10;
    const Snapshot after = taken();
    EXPECT_EQ(after.arenas - before.arenas, 1u);
    EXPECT_EQ(after.arenas_made - before.arenas_made, 10u);
    EXPECT_EQ(after.arena_bytes - before.arena_bytes, 100u);
    EXPECT_EQ(after.arena_bytes_taken - before.arena_bytes_taken, 1000u);
    EXPECT_EQ(after.user_heap_bytes - before.user_heap_bytes, 10000u);
}

TEST(Snapshot, PartsEachInItsOwnPlace) {
    Meter meter([](const Meter&, MeterCounts& counts) {
        counts.pools += 1, counts.pools_made += 2, counts.pool_bytes += 3, counts.pool_allocations += 4;
        counts.pool_fresh += 5, counts.pool_live_objects += 6, counts.interners += 7;
        counts.interners_made += 8, counts.interned_strings += 9, counts.intern_requests += 10;
        counts.interner_bytes += 11, counts.heaps += 12, counts.heaps_made += 13;
        counts.heap_allocations += 14, counts.heap_live_objects += 15, counts.heap_live_bytes += 16;
    });
    meter.list();
    const Snapshot now = taken();
    meter.unlist();
    EXPECT_EQ(now.object_pools, 1u);
    EXPECT_EQ(now.object_pools_made, 2u);
    EXPECT_EQ(now.object_pool_bytes, 3u);
    EXPECT_EQ(now.object_pool_allocations, 4u);
    EXPECT_EQ(now.object_pool_fresh, 5u);
    EXPECT_EQ(now.object_pool_live_objects, 6u);
    EXPECT_EQ(now.interners, 7u);
    EXPECT_EQ(now.interners_made, 8u);
    EXPECT_EQ(now.interned_strings, 9u);
    EXPECT_EQ(now.intern_requests, 10u);
    EXPECT_EQ(now.interner_bytes, 11u);
    EXPECT_EQ(now.user_heaps, 12u);
    EXPECT_EQ(now.user_heaps_made, 13u);
    EXPECT_EQ(now.user_heap_allocations, 14u);
    EXPECT_EQ(now.user_heap_live_objects, 15u);
    EXPECT_EQ(now.user_heap_live_bytes, 16u);
    EXPECT_EQ(taken().object_pools, 0u);
    EXPECT_EQ(taken().intern_requests, 10u);
    EXPECT_EQ(taken().user_heaps, 0u);
    EXPECT_EQ(taken().user_heap_allocations, 14u);
}

TEST(Snapshot, WhatIsKeptFree) {
    constexpr size_t kSize = 512, kObjects = 900;
    ThreadCache& cache = sample::settle_thread();
    trim();
    const Snapshot before = taken();
    EXPECT_EQ(before.kept_in_bins, 0u);
    std::vector<void*> objects;
    for (size_t i = 0; i < kObjects; ++i)
        objects.push_back(allocate(kSize));
    const SizeClass c = class_of_size(kSize);
    const auto kept = [&] { return taken().kept_in_bins + taken().kept_in_slabs; };
    // Carved by as many pages as get memory at a time: one ahead of sixteen.
    EXPECT_LT(kept() - before.kept_in_slabs, os::kPageSize + kObjects * kSize / 16);
    for (void* object : objects)
        release(object);
    EXPECT_EQ(taken().kept_in_bins, objects_in(cache.bins[c]) * kSize);
    EXPECT_GE(kept() - before.kept_in_slabs, kObjects * kSize);
    flush(cache);
    EXPECT_EQ(kept(), before.kept_in_slabs) << "empty slabs went back to the runs";
    EXPECT_GE(taken().dirty, before.dirty + kObjects * kSize);

    // Pages that go back are kept no more.
    for (void*& object : objects)
        object = allocate(kSize);
    for (size_t i = 0; i < kObjects; ++i)
        if (i % 64) release(objects[i]);
    const uint64_t full = kept();
    const size_t punched = punch_holes(cache);
    EXPECT_GT(punched, kObjects * kSize / 3);
    EXPECT_LE(kept(), full - punched + kObjects / 64 * 2 * kSize);
    for (size_t i = 0; i < kObjects; i += 64)
        release(objects[i]);
    flush(cache);
}

TEST(Snapshot, ResidentMemoryIsLiveOrKeptOrSomethingElse) {
    Snapshot s = taken();
    s.large_live_bytes = 100, s.large_allocations = 1;
    s.kept_in_bins = 1, s.kept_in_slabs = 2, s.dirty = 3, s.backend_cached = 4;
    complete(s);
    EXPECT_EQ(s.kept_bytes, 10u);
    EXPECT_EQ(s.other_bytes, s.resident - s.live_bytes - 10);
    s.resident = 5;
    complete(s);
    EXPECT_EQ(s.other_bytes, 0u);
}

}  // namespace
}  // namespace tarn
