// SPDX-License-Identifier: MIT
// The hardened mode's objects from inside: slots for every size, what is kept when slabs are empty, what goes back, and counts that agree.
#include "hardened/hardened.h"

#include <gtest/gtest.h>

#include <cstring>
#include <random>
#include <set>
#include <thread>
#include <vector>

#include "base/options.h"
#include "base/seal.h"
#include "hardened/store.h"
#include "pages/page_map.h"
#include "pages/runs.h"

namespace tarn::hardened {
namespace {

struct Hardened : testing::Test {
    static void SetUpTestSuite() {
        options.region = size_t{1} << 30;
        ASSERT_TRUE(start_page_map());
        make_seal_secret();
    }

    static char* take(size_t size, size_t alignment = kAlignment) {
        const Taken taken = hardened::take(size, alignment, Form::kMalloc, Count::kHere);
        EXPECT_NE(taken.object, nullptr) << size;
        return static_cast<char*>(taken.object);
    }
    static void give(void* p) { hardened::give(p, Form::kMalloc, kAnySize, Count::kHere); }
    static size_t slab_bytes() { return run_stats().in_use; }
};

TEST_F(Hardened, EverySizeHasASlotWithRoomForTheSealAtItsAlignment) {
    for (size_t alignment = kAlignment; alignment <= kFirstSlot; alignment *= 2)
        for (size_t size = 1; size <= kSmallMax; size += size < 2048 ? 1 : 61) {
            const SlotClass c = slot_for(size, alignment);
            if (c == kNoSlot) {
                ASSERT_GT(size + kSealLeast, kSlots[kClasses - 1].bytes) << "else the last class would do";
                continue;
            }
            ASSERT_GE(kSlots[c].bytes, size + kSealLeast) << size;
            ASSERT_EQ(kSlots[c].bytes % alignment, 0u) << size << " " << alignment;
        }
    EXPECT_EQ(slot_for(kSmallMax, kAlignment), kLargestSlot);
    EXPECT_EQ(slot_for(kSmallMax + 1, kAlignment), kNoSlot);
    EXPECT_EQ(slot_for(0, kAlignment), kUntouchable);
}

TEST_F(Hardened, AWordKeepsWhatItIsToldInEachState) {
    for (const SlotState state : {SlotState::kFresh, SlotState::kLive, SlotState::kWaiting})
        for (const Form form : {Form::kAny, Form::kMalloc, Form::kNew, Form::kNewArray})
            for (const size_t asked : {size_t{0}, size_t{1}, size_t{4711}, kSmallMax}) {
                const SlotWord word{state, form, asked};
                ASSERT_TRUE(word.state() == state && word.form() == form && word.asked() == asked);
                ASSERT_TRUE(word.in(SlotState::kFree).form() == form &&
                            word.in(SlotState::kFree).asked() == asked);
            }
}

TEST_F(Hardened, ObjectsAreZeroApartAndAsLongAsAskedFor) {
    std::mt19937_64 random(7);
    std::vector<std::pair<char*, size_t>> live;
    for (size_t i = 0; i < 20000; ++i) {
        if (live.size() < 500 || random() % 2) {
            const size_t size = random() % 10 ? 1 + random() % 600 : 1 + random() % kSmallMax;
            char* const p = take(size);
            ASSERT_TRUE(hardened::has(p));
            ASSERT_EQ(size_of(p), size);
            for (size_t k = 0; k < size; ++k)
                ASSERT_EQ(p[k], 0) << size << " " << k;
            memset(p, static_cast<int>(reinterpret_cast<uintptr_t>(p) >> 4 | 1), size);
            live.emplace_back(p, size);
        } else {
            std::swap(live[random() % live.size()], live.back());
            const auto [p, size] = live.back();
            live.pop_back();
            for (size_t k = 0; k < size; ++k)
                ASSERT_EQ(p[k], static_cast<char>(reinterpret_cast<uintptr_t>(p) >> 4 | 1));
            give(p);
        }
    }
    for (const auto& [p, size] : live)
        give(p);
    check_all();
}

TEST_F(Hardened, WhatIsFreedWaitsForTheQuarantinesBytes) {
    constexpr size_t kSize = 1000;
    const size_t slot = kSlots[slot_for(kSize, kAlignment)].bytes;
    for (size_t left = 8 * options.quarantine / slot; left > 0; --left)
        give(take(kSize));  // what waits from before, of other sizes, is gone then
    void* const first = take(kSize);
    give(first);
    size_t frees = 0;
    for (; frees < 100000; ++frees) {
        void* const p = take(kSize);
        if (p == first) break;
        give(p);
    }
    // Half of what waits at the least, less the one that comes; there is one thread, so it has all of the quarantine.
    EXPECT_GE(frees * slot, options.quarantine / 2 - slot);
    EXPECT_LE(waiting_bytes(), options.quarantine);
    EXPECT_GT(waiting_bytes(), options.quarantine / 2);
}

TEST_F(Hardened, EmptySlabsAreKeptByBytesAndTheRestGoesBack) {
    constexpr size_t kSize = 4000, kBytes = size_t{192} << 20;
    trim();
    const size_t before = slab_bytes();
    std::vector<void*> objects(kBytes / kSize);
    for (void*& p : objects)
        p = take(kSize);
    const size_t full = slab_bytes() - before;
    EXPECT_GE(full, kBytes);
    for (void*& p : objects)
        give(p);
    const size_t kept = slab_bytes() - before;
    EXPECT_LE(kept, size_t{32} << 20) << "two for each that becomes empty, down to some MiB";
    EXPECT_GE(kept, size_t{16} << 20) << "but not all: it may be wanted again";

    const size_t slabs = count_slabs().slabs;
    for (int round = 0; round < 10; ++round) {
        for (size_t i = 0; i < (size_t{4} << 20) / kSize; ++i)
            objects[i] = take(kSize);
        for (size_t i = 0; i < (size_t{4} << 20) / kSize; ++i)
            give(objects[i]);
    }
    EXPECT_GE(count_slabs().slabs, slabs * 9 / 10) << "a wave of 4 MiB lives on what is kept";
    EXPECT_LE(count_slabs().slabs, slabs * 11 / 10);
    trim();
    EXPECT_LE(slab_bytes(), before + (size_t{8} << 20)) << "but for those with objects in quarantine";
}

// What one class has kept is no use to others.
TEST_F(Hardened, AClassThatKeepsNothingMakesAnotherGiveBack) {
    std::vector<void*> objects;
    for (size_t i = 0; i < 20000; ++i)
        objects.push_back(take(700));
    for (void* p : objects)
        give(p);
    objects.clear();
    const size_t slabs = count_slabs().slabs;
    for (int round = 0; round < 20; ++round) {
        for (size_t i = 0; i < 3000; ++i)
            objects.push_back(take(2000));
        for (void* p : objects)
            give(p);
        objects.clear();
    }
    EXPECT_LE(count_slabs().slabs, slabs + 400) << "those of the other class went";
    trim();
}

TEST_F(Hardened, ItIsResizedInPlaceWithinItsClassAlone) {
    char* const p = take(950);
    memset(p, 7, 950);
    EXPECT_TRUE(resize(p, 940));
    EXPECT_EQ(size_of(p), 940u);
    EXPECT_TRUE(resize(p, 945));
    for (size_t i = 940; i < 945; ++i)
        EXPECT_EQ(p[i], 0) << "what comes anew is zero";
    for (size_t i = 0; i < 940; ++i)
        ASSERT_EQ(p[i], 7);
    EXPECT_FALSE(resize(p, 5000));
    EXPECT_FALSE(resize(p, 0));
    EXPECT_FALSE(resize(p, kSmallMax + 1));
    give(p);
}

TEST_F(Hardened, CountsAgreeWithWhatWasTakenAndGivenByManyThreads) {
    constexpr size_t kThreads = 20, kEach = 3000;
    const auto sum = [] {
        Counts all = {};
        for (SizeClass c = 0; c < kClasses; ++c) {
            const Counts one = counts(c);
            all.taken += one.taken;
            all.freed += one.freed;
            all.objects += one.objects;
        }
        return all;
    };
    const Counts before = sum();
    const uint64_t checks = checks_made(), waiting = before.objects;
    std::vector<std::thread> threads;
    for (size_t t = 0; t < kThreads; ++t)
        threads.emplace_back([t] {
            std::mt19937_64 random(t);
            void* mine[64] = {};
            for (size_t i = 0; i < kEach; ++i) {
                void*& p = mine[random() % 64];
                if (p) give(p);
                p = take(1 + random() % 2000);
            }
            for (void* p : mine)
                if (p) give(p);
            leave_thread();
        });
    for (std::thread& thread : threads)
        thread.join();
    const Counts after = sum();
    EXPECT_EQ(after.taken - before.taken, kThreads * kEach);
    EXPECT_EQ(after.freed - before.freed, kThreads * kEach) << "each by the thread that had taken it";
    EXPECT_EQ(checks_made() - checks, 2 * kThreads * kEach);
    // What is left is in quarantine: of 16 bytes at the least.
    EXPECT_LE(after.objects, waiting + options.quarantine / 16);
    check_all();
}

}  // namespace
}  // namespace tarn::hardened
