// SPDX-License-Identifier: MIT
// What a thread has freed for other heaps, on its way: how much is gathered, and what becomes of it.
#include "heap/outgoing.h"

#include "heap/orphans.h"
#include "heap_sample.h"

namespace tarn {
namespace {

struct Start {
    Start() { sample::start(); }
} start;

class OutgoingTest : public sample::Owner {};

TEST_F(OutgoingTest, AQuarterOfABinIsGatheredInEachClass) {
    for (SizeClass c = 0; c < kClasses; ++c) {
        auto objects = whole_slab(c);
        Slab& slab = *slab_of(objects[0]);
        const size_t parcel = kSizeClasses[c].bin_limit / 4;
        Outgoing outgoing;
        for (size_t i = 0; i < objects.size(); ++i) {
            outgoing.add(slab, objects[i]);
            ASSERT_EQ(remote_count(slab), (i + 1) / parcel * parcel) << "class " << c << ", object " << i;
        }
        outgoing.send_all();
        EXPECT_EQ(remote_count(slab), objects.size());
        owner.drain_mail();
        EXPECT_EQ(slab.used, 0u);
    }
}

TEST_F(OutgoingTest, AnObjectNamesTheOneThatComesFourLater) {
    for (SizeClass c = 0; c < kClasses; ++c) {
        auto objects = whole_slab(c);
        Slab& slab = *slab_of(objects[0]);
        const size_t parcel = std::min<size_t>(kSizeClasses[c].bin_limit / 4, objects.size());
        EXPECT_FALSE(slab.far);
        Outgoing outgoing;
        for (size_t i = 0; i < parcel; ++i)
            outgoing.add(slab, objects[i]);
        outgoing.send_all();
        const bool says = kSizeClasses[c].size >= kAheadLeast;
        for (size_t i = kAhead; says && i < parcel; ++i)
            ASSERT_EQ(ahead_of(objects[i]), objects[i - kAhead]) << "class " << c << ", object " << i;
        owner.drain_mail();
        EXPECT_EQ(slab.far, says);
        const auto again = sample::take(owner, c, static_cast<uint32_t>(parcel)).objects;
        ASSERT_EQ(again.size(), parcel);
        EXPECT_EQ(again.front(), objects[parcel - 1]) << "in the order of the chain";
        EXPECT_FALSE(slab.far) << "none of them is left";
        sample::give_all(owner, objects);
    }
}

TEST_F(OutgoingTest, WhatWaitsCountsAsUsedAndItsSlabStays) {
    constexpr SizeClass c = 3;
    auto objects = whole_slab(c);
    Slab& slab = *slab_of(objects[0]);
    Outgoing outgoing;
    outgoing.add(slab, objects.back());
    objects.pop_back();
    sample::give_all(owner, objects);
    EXPECT_EQ(slab.used, 1u);
    owner.dissolve_empty();
    EXPECT_EQ(owner.counters(c).slabs, 1u);
    outgoing.send_all();
    owner.drain_mail();
    owner.dissolve_empty();
    EXPECT_EQ(owner.counters(c).slabs, 0u);
}

TEST_F(OutgoingTest, SlabsThatShareAPlaceSendEachOtherOff) {
    constexpr SizeClass c = 3;
    constexpr size_t kPlaces = Outgoing::kParcels;
    ASSERT_EQ(kSizeClasses[c].units, Units{1});
    std::vector<std::vector<Object*>> slabs;
    for (size_t i = 0; i <= kPlaces; ++i)
        slabs.push_back(whole_slab(c));
    Slab& first = *slab_of(slabs.front()[0]);
    Slab& last = *slab_of(slabs.back()[0]);
    ASSERT_EQ((unit_of(last.begin()) - unit_of(first.begin())) % kPlaces, 0u);
    Outgoing outgoing;
    outgoing.add(first, slabs.front()[0]);
    outgoing.add(first, slabs.front()[1]);
    EXPECT_EQ(remote_count(first), 0u);
    outgoing.add(last, slabs.back()[0]);
    EXPECT_EQ(remote_count(first), 2u);
    EXPECT_EQ(remote_count(last), 0u);
    outgoing.add(first, slabs.front()[2]);
    EXPECT_EQ(remote_count(last), 1u);
    outgoing.send_all();
    EXPECT_EQ(remote_count(first), 3u);
    owner.drain_mail();
    slabs.front().erase(slabs.front().begin(), slabs.front().begin() + 3);
    slabs.back().erase(slabs.back().begin());
    for (auto& objects : slabs)
        sample::give_all(owner, objects);
}

TEST_F(OutgoingTest, WhatIsForgottenIsNeverSent) {
    constexpr SizeClass c = 5;
    auto objects = whole_slab(c);
    Slab& slab = *slab_of(objects[0]);
    Outgoing outgoing;
    outgoing.add(slab, objects[0]);
    outgoing.forget();
    outgoing.send_all();
    EXPECT_EQ(remote_count(slab), 0u);
    EXPECT_FALSE(posted(slab));
    EXPECT_EQ(slab.used, objects.size());
    outgoing.add(slab, objects[1]);
    outgoing.send_all();
    EXPECT_EQ(remote_count(slab), 1u) << "it begins anew";
    owner.drain_mail();
    objects.erase(objects.begin() + 1);
    sample::give_all(owner, objects);
}

TEST_F(OutgoingTest, WhatIsOnTheWayWhenItsOwnerRetiresReachesTheOrphans) {
    constexpr SizeClass c = 6;
    auto objects = whole_slab(c);
    Slab& slab = *slab_of(objects[0]);
    Outgoing outgoing;
    outgoing.add(slab, objects[0]);
    owner.retire();
    ASSERT_EQ(slab.owner.load(), kOrphanHeap);
    outgoing.send_all();
    EXPECT_FALSE(posted(slab));
    EXPECT_EQ(slab.free_count(), 1u);
    objects.erase(objects.begin());
    {
        Guard guard(orphans.lock);
        sample::give_all(orphans.heap, objects);
    }
    owner.revive();
}

}  // namespace
}  // namespace tarn
