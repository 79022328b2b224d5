// SPDX-License-Identifier: MIT
// What is derived, and that readings taken while others ran never give a negative number.
#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <random>

#include "stats/stats.h"
#include "stats_sample.h"

using tarn::complete;
using tarn::Snapshot;

namespace {

void expect_equations(const Snapshot& s) {
    uint64_t allocations = 0, frees = 0, live_bytes = 0, fresh = 0, reused = 0, remote = 0, slabs = 0;
    ASSERT_LE(s.classes, TARN_SIZE_CLASSES_MAX);
    for (uint32_t i = 0; i < s.classes; ++i) {
        const tarn_class_stats& c = s.class_stats[i];
        EXPECT_LE(c.frees, c.allocations);
        EXPECT_LE(c.remote_frees, c.frees);
        EXPECT_EQ(c.fresh + c.reused, c.allocations);
        EXPECT_EQ(c.live_objects, c.allocations - c.frees);
        EXPECT_EQ(c.live_bytes, c.live_objects * c.object_size);
        allocations += c.allocations, frees += c.frees, live_bytes += c.live_bytes, slabs += c.slabs;
        fresh += c.fresh, reused += c.reused, remote += c.remote_frees;
    }
    EXPECT_EQ(s.small_allocations, allocations);
    EXPECT_EQ(s.small_frees, frees);
    EXPECT_EQ(s.small_live_bytes, live_bytes);
    EXPECT_EQ(s.fresh, fresh);
    EXPECT_EQ(s.reused, reused);
    EXPECT_EQ(s.remote_frees, remote);
    EXPECT_EQ(s.slabs, slabs);
    EXPECT_LE(s.large_frees, s.large_allocations);
    EXPECT_EQ(s.large_live_objects, s.large_allocations - s.large_frees);
    EXPECT_LE(s.large_live_bytes, s.large_peak_bytes);
    EXPECT_EQ(s.allocations, s.small_allocations + s.large_allocations);
    EXPECT_EQ(s.frees, s.small_frees + s.large_frees);
    EXPECT_EQ(s.live_objects, s.allocations - s.frees);
    EXPECT_EQ(s.live_bytes, s.small_live_bytes + s.large_live_bytes);
    EXPECT_LE(s.resident, s.peak_resident);
    EXPECT_LE(s.small_live_bytes, s.small_peak_bytes);
    for (uint64_t least : {s.live_bytes, s.small_peak_bytes, s.large_peak_bytes})
        EXPECT_LE(least, s.peak_live_bytes);
    EXPECT_LE(s.object_pool_fresh, s.object_pool_allocations);
    EXPECT_LE(s.object_pool_live_objects, s.object_pool_allocations);
    for (double share : {s.pool_share, s.pool_hit_rate, s.object_pool_hit_rate})
        EXPECT_TRUE(share >= 0 && share <= 1) << share;
    EXPECT_TRUE(std::isfinite(s.fragmentation_ratio) && s.fragmentation_ratio >= 0);
}

}  // namespace

TEST(Complete, DerivesTotalsSharesAndRatios) {
    Snapshot s = sample();
    complete(s);
    expect_equations(s);
    EXPECT_EQ(s.version, TARN_STATS_VERSION);
    EXPECT_EQ(s.allocations, 1234567u + 1000 + 7 + 90 + 1200);
    EXPECT_EQ(s.frees, 1200000u + 1000 + 60 + 1100);
    EXPECT_EQ(s.live_bytes, 34567u * 16 + 7 * 64 + 30 * 32768 + (123 << 20));
    EXPECT_EQ(s.class_stats[2].reused, 999u);
    EXPECT_EQ(s.remote_frees, 400u);
    EXPECT_EQ(s.slabs, 15u);
    EXPECT_DOUBLE_EQ(s.pool_share, 1235664.0 / 1236864);
    EXPECT_DOUBLE_EQ(s.pool_hit_rate, (1235664.0 - 40058) / 1235664);
    EXPECT_DOUBLE_EQ(s.object_pool_hit_rate, 0.9975);
    EXPECT_DOUBLE_EQ(s.fragmentation_ratio,
                     static_cast<double>(150 << 20) / static_cast<double>(s.live_bytes));
}

TEST(Complete, KeepsWhatWasCounted) {
    const Snapshot before = sample();
    Snapshot s = before;
    complete(s);
    EXPECT_EQ(s.foreign_frees, before.foreign_frees);
    EXPECT_EQ(s.threads, before.threads);
    EXPECT_EQ(s.threads_ended, before.threads_ended);
    EXPECT_EQ(s.orphan_slabs, before.orphan_slabs);
    EXPECT_EQ(
        memcmp(&s.reserved, &before.reserved, offsetof(Snapshot, pool_share) - offsetof(Snapshot, reserved)),
        0);
    EXPECT_EQ(memcmp(&s.arenas, &before.arenas,
                     offsetof(Snapshot, object_pool_hit_rate) - offsetof(Snapshot, arenas)),
              0);
    EXPECT_STREQ(s.backend, "mimalloc");
    EXPECT_EQ(s.large_grown_in_place, 44u);
    EXPECT_EQ(s.large_peak_bytes, before.large_peak_bytes);
}

TEST(Complete, NothingAllocatedDividesByNothing) {
    Snapshot s = idle();
    complete(s);
    expect_equations(s);
    EXPECT_EQ(s.pool_share, 0);
    EXPECT_EQ(s.pool_hit_rate, 0);
    EXPECT_EQ(s.fragmentation_ratio, 0);
    s.resident = s.peak_resident = 4096;
    complete(s);
    EXPECT_EQ(s.fragmentation_ratio, 0) << "nothing is live";
}

TEST(Complete, FreesSeenBeforeTheirAllocations) {
    Snapshot s{};
    s.classes = 1;
    s.class_stats[0] =
        Counted{.object_size = 64, .allocations = 10, .frees = 13, .fresh = 12, .remote_frees = 20};
    s.large_allocations = 4;
    s.large_frees = 5;
    s.large_live_bytes = 1000;
    s.object_pool_allocations = 7;
    s.object_pool_fresh = s.object_pool_live_objects = 9;
    complete(s);
    expect_equations(s);
    EXPECT_EQ(s.class_stats[0].allocations, 10u) << "allocations stay as read";
    EXPECT_EQ(s.class_stats[0].live_objects, 0u);
    EXPECT_EQ(s.class_stats[0].reused, 0u);
    EXPECT_EQ(s.large_live_objects, 0u);
    EXPECT_EQ(s.large_live_bytes, 0u);
    EXPECT_EQ(s.live_objects, 0u);
}

TEST(Complete, PeaksAreNotBelowWhatIs) {
    Snapshot s = sample();
    s.peak_resident = s.resident - 1;
    s.large_peak_bytes = s.large_live_bytes - 1;
    complete(s);
    EXPECT_EQ(s.peak_resident, s.resident);
    EXPECT_EQ(s.large_peak_bytes, s.large_live_bytes);
    s = sample();
    s.small_peak_bytes = s.peak_live_bytes = 0;
    complete(s);
    EXPECT_EQ(s.small_peak_bytes, s.small_live_bytes);
    EXPECT_EQ(s.peak_live_bytes, s.large_peak_bytes) << "larger than what is live";
    s = sample();
    s.small_peak_bytes = 200 << 20;
    complete(s);
    EXPECT_EQ(s.small_peak_bytes, uint64_t{200} << 20);
    EXPECT_EQ(s.peak_live_bytes, uint64_t{200} << 20);
    s.peak_live_bytes = 300 << 20;
    complete(s);
    EXPECT_EQ(s.peak_live_bytes, uint64_t{300} << 20) << "what was noted stays";
}

TEST(Complete, TooManyClassesAreCut) {
    Snapshot s{};
    s.classes = TARN_SIZE_CLASSES_MAX + 1;
    complete(s);
    EXPECT_EQ(s.classes, TARN_SIZE_CLASSES_MAX);
}

TEST(Complete, BackendNameIsTerminated) {
    Snapshot s = extreme();
    complete(s);
    EXPECT_EQ(strlen(s.backend), sizeof s.backend - 1);
}

TEST(Complete, TwiceIsOnce) {
    Snapshot once = sample();
    once.class_stats[0].frees = once.class_stats[0].allocations + 3;
    complete(once);
    Snapshot twice = once;
    complete(twice);
    EXPECT_EQ(memcmp(&once, &twice, sizeof once), 0);
}

TEST(Complete, EquationsHoldWhateverWasRead) {
    const unsigned seed = std::random_device{}();
    SCOPED_TRACE(seed);
    std::mt19937_64 random(seed);
    for (int round = 0; round < 2000; ++round) {
        Snapshot s{};
        const auto some = [&] { return random() % 100; };
        s.classes = static_cast<uint32_t>(random() % (TARN_SIZE_CLASSES_MAX + 1));
        for (uint32_t i = 0; i < s.classes; ++i)
            s.class_stats[i] = Counted{.object_size = 16 * (i + 1),
                                       .allocations = some(),
                                       .frees = some(),
                                       .fresh = some(),
                                       .remote_frees = some(),
                                       .slabs = some()};
        s.large_allocations = some(), s.large_frees = some(), s.large_live_bytes = some(),
        s.large_peak_bytes = some(), s.small_peak_bytes = some(), s.peak_live_bytes = some();
        s.resident = some(), s.peak_resident = some();
        complete(s);
        expect_equations(s);
        if (HasFailure()) return;
    }
}
