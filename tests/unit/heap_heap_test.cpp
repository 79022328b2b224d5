// SPDX-License-Identifier: MIT
// One heap and its slabs, without other threads: every object once, the lists, and the return of what is
// empty.
#include "heap/heap.h"

#include <algorithm>
#include <cstring>
#include <random>

#include "check/check.h"
#include "heap_sample.h"

namespace tarn {
namespace {

struct Start {
    Start() { sample::start(); }
} start;

class HeapTest : public testing::Test {
  protected:
    void TearDown() override {
        os::fail_none();
        heap.dissolve_empty();
        EXPECT_EQ(sample::slabs_of(heap), 0u);
        EXPECT_EQ(run_stats().in_use, 0u);
    }
    void take(SizeClass c, size_t at_least) {
        while (objects.size() < at_least) {
            const sample::Taken batch = sample::take(heap, c);
            ASSERT_FALSE(batch.objects.empty());
            sample::add(objects, batch);
        }
    }
    Heap& heap = *sample::new_heap();
    std::vector<Object*> objects;
};

TEST_F(HeapTest, EveryObjectOfEveryClassIsHandedOutOnce) {
    for (SizeClass c = 0; c < kClasses; ++c) {
        take(c, 3 * kSizeClasses[c].objects);
        sample::expect_distinct(objects, c);
        // Each holds a pattern of its own from its first to its last byte: none overlaps another.
        for (size_t i = 0; i < objects.size(); ++i)
            memset(static_cast<void*>(objects[i]), static_cast<int>(i % 251), kSizeClasses[c].size);
        for (size_t i = 0; i < objects.size(); ++i) {
            const auto* bytes = reinterpret_cast<unsigned char*>(objects[i]);
            ASSERT_EQ(bytes[0], i % 251);
            ASSERT_EQ(memcmp(bytes, bytes + 1, kSizeClasses[c].size - 1), 0);
        }
        sample::give_all(heap, objects);
    }
}

TEST_F(HeapTest, SingleObjectsComeFromTheSameSlabs) {
    for (SizeClass c : {0u, 7u, kClasses - 1}) {
        for (uint32_t i = 0; i < kSizeClasses[c].objects; ++i) {
            const sample::Taken batch = sample::take_one(heap, c);
            ASSERT_EQ(batch.objects.size(), 1u);
            sample::add(objects, batch);
        }
        sample::expect_distinct(objects, c);
        EXPECT_EQ(heap.counters(c).slabs, 1u);
        sample::give_all(heap, objects);
    }
}

TEST_F(HeapTest, ExhaustedSlabsAreFullAndBecomePartialWithTheFirstObjectBack) {
    const SizeClass c = kClasses - 1;
    take(c, 2 * kSizeClasses[c].objects);
    Slab& slab = *slab_of(objects[0]);
    EXPECT_TRUE(slab.exhausted());
    EXPECT_EQ(slab.state, SlabState::kFull);
    heap.give(slab, objects[0]);
    EXPECT_EQ(slab.state, SlabState::kPartial);
    sample::expect_sound(slab);
    const sample::Taken again = sample::take(heap, c);
    EXPECT_EQ(again.objects, std::vector{objects[0]});
    EXPECT_EQ(slab.state, SlabState::kFull);
    sample::give_all(heap, objects);
}

TEST_F(HeapTest, EmptySlabsAreKeptUpToABoundAndReused) {
    const SizeClass c = 3;
    const size_t slab_bytes = kSizeClasses[c].units.bytes();
    const uint32_t before = orphans.holders;
    for (const auto& [holders, kept] : {std::pair<uint32_t, size_t>{1, 2 << 20},
                                        {2, 1 << 20},
                                        {4, 512 << 10},
                                        {8, 256 << 10},
                                        {1000, 256 << 10}}) {
        orphans.holders = holders;
        take(c, (kept / slab_bytes + 5) * kSizeClasses[c].objects);
        sample::give_all(heap, objects);
        // They go back several at a time.
        EXPECT_LE(run_stats().in_use, kept) << holders;
        EXPECT_GE(run_stats().in_use, kept - std::min(kept / 2, size_t{256} << 10)) << holders;
        const size_t in_use = run_stats().in_use;
        const uint64_t fresh = heap.counters(c).fresh;
        take(c, heap.begun(c) * kSizeClasses[c].objects);
        EXPECT_EQ(heap.counters(c).fresh, fresh);
        EXPECT_EQ(run_stats().in_use, in_use);
        sample::give_all(heap, objects);
        heap.dissolve_empty();
        EXPECT_EQ(heap.counters(c).slabs, 0u);
    }
    orphans.holders = before;
}

TEST_F(HeapTest, HoldersAreCounted) {
    const uint32_t before = orphans.holders;
    Heap& other = *sample::new_heap();
    EXPECT_EQ(orphans.holders, before + 1);
    other.revive();  // it is held already
    EXPECT_EQ(orphans.holders, before + 1);
    other.retire();
    EXPECT_EQ(orphans.holders, before);
    other.retire();
    EXPECT_EQ(orphans.holders, before);
    other.revive();
    EXPECT_EQ(orphans.holders, before + 1);
    other.retire();
}

TEST_F(HeapTest, EmptySlabsOfOneClassServeAnother) {
    take(4, 8 * kSizeClasses[4].objects);
    const size_t in_use = run_stats().in_use;
    sample::give_all(heap, objects);
    take(5, 1);
    EXPECT_LT(run_stats().in_use, in_use);
    EXPECT_EQ(heap.counters(4).slabs, 0u);
    sample::give_all(heap, objects);
}

TEST_F(HeapTest, AHeapThatGrowsTakesAdjacentSlabsInAdvance) {
    const SizeClass c = 7;
    const size_t objects_each = kSizeClasses[c].objects;
    trim_runs();
    size_t most = 0;
    for (size_t slabs = 1; slabs <= 256; ++slabs) {
        take(c, slabs * objects_each);
        most = std::max(most, heap.untouched(c));
        EXPECT_LE(heap.untouched(c) * 8, slabs) << "an eighth of what it has";
        if (slabs == 8) {
            EXPECT_EQ(most, 0u) << "little is taken one by one";
        }
        sample::expect_sound(*slab_of(objects.back()));
    }
    EXPECT_GE(most, 8u);
    check_heap(heap);
    const size_t in_use = run_stats().in_use, untouched = heap.untouched(c);
    heap.dissolve_empty();
    EXPECT_EQ(heap.untouched(c), 0u);
    EXPECT_EQ(run_stats().in_use, in_use - untouched * kSizeClasses[c].units.bytes());
    EXPECT_LE(run_stats().dirty, in_use / 16)
        << "what was not used is as clean as before, or has its memory already";
    sample::give_all(heap, objects);
}

TEST_F(HeapTest, SlabsTakenInAdvanceServeClassesOfTheSameLength) {
    const SizeClass c = 7, other = 9;
    trim_runs();
    while (heap.untouched(c) < 2)
        take(c, objects.size() + 1);
    const size_t in_use = run_stats().in_use, untouched = heap.untouched(c);
    const sample::Taken batch = sample::take(heap, other);
    EXPECT_EQ(run_stats().in_use, in_use);
    EXPECT_EQ(heap.untouched(c), untouched - 1);
    EXPECT_EQ(heap.counters(other).slabs, 1u);
    EXPECT_TRUE(batch.zeroed) << "as it was when it was taken";
    check_heap(heap);
    sample::add(objects, batch);
    sample::give_all(heap, objects);
}

TEST_F(HeapTest, AHeapThatEndsLeavesNothingItTookInAdvance) {
    const SizeClass c = 7;
    Heap* const ending = sample::new_heap();
    std::vector<Object*> of_it;
    while (ending->untouched(c) < 2)
        sample::add(of_it, sample::take(*ending, c));
    ending->retire();
    EXPECT_EQ(run_stats().in_use, orphans.heap.counters(c).slabs * kSizeClasses[c].units.bytes());
    EXPECT_EQ(orphans.heap.untouched(c), 0u);
    for (Object* object : of_it)
        ASSERT_TRUE(orphans.free(*slab_of(object), object, nullptr));
}

TEST_F(HeapTest, AnEmptySlabIsNoSlabInThePageMap) {
    const SizeClass c = 20;
    take(c, kSizeClasses[c].objects);
    void* const inside = objects.back();
    EXPECT_TRUE(is_slab_entry(entry_at(inside)));
    sample::give_all(heap, objects);
    heap.dissolve_empty();
    EXPECT_EQ(entry_at(inside), 0u);
}

TEST_F(HeapTest, FreshObjectsAreZeroWhenSaidToBe) {
    for (int round = 0; round < 2; ++round) {
        for (SizeClass c = 0; c < kClasses; ++c) {
            const sample::Taken batch = sample::take(heap, c);
            const size_t size = kSizeClasses[c].size;
            const char* bytes = reinterpret_cast<char*>(batch.objects[0]);
            if (batch.zeroed) {
                for (size_t i = sizeof(Object); i < size; ++i)
                    ASSERT_EQ(bytes[i], 0) << "class " << c;
            }
            sample::add(objects, batch);
            for (Object* object : objects)
                memset(static_cast<void*>(object), 0xee, size);
            sample::give_all(heap, objects);
            const sample::Taken used = sample::take(heap, c);
            EXPECT_FALSE(used.zeroed);
            sample::add(objects, used);
            sample::give_all(heap, objects);
        }
        heap.dissolve_empty();
    }
}

size_t resident_pages(const Slab& slab) {
    size_t found = 0;
    EXPECT_EQ(os::resident(slab.begin(), slab.info().units.bytes(), found), os::Answer::kDone);
    return found / os::kPageSize;
}

// A class that has few slabs touches one page after the other; one that has many gets the memory of a slab at once.
TEST_F(HeapTest, PagesGetMemorySeveralAtATimeWhereTheClassHasMany) {
    if (!os::kernel_is(6, 12) || os::page_size() != os::kPageSize) GTEST_SKIP() << "not with this kernel";
    constexpr SizeClass kClass = 3;
    const size_t in_slab = kSizeClasses[kClass].objects;
    const size_t pages = kSizeClasses[kClass].units.bytes() / os::kPageSize;
    ASSERT_EQ(pages, 4u);
    trim_runs();  // nothing is dirty
    for (size_t slabs = 1; slabs <= 64; ++slabs) {
        take(kClass, (slabs - 1) * in_slab + 1);
        memset(static_cast<void*>(objects.back()), 1, kSizeClasses[kClass].size);
        const size_t resident = resident_pages(*slab_of(objects.back()));
        EXPECT_EQ(resident, slabs > 16 ? 4u : slabs > 8 ? 2u : 1u) << "one ahead of sixteen: " << slabs;
        take(kClass, slabs * in_slab);
    }
    for (const Object* object : objects)
        for (size_t i = 0; i < kSizeClasses[kClass].size; ++i)
            ASSERT_LE(reinterpret_cast<const char*>(object)[i], 1);
    sample::give_all(heap, objects);
}

TEST_F(HeapTest, SlabsSideBySideGetMemoryTogether) {
    if (!os::kernel_is(6, 12) || os::page_size() != os::kPageSize) GTEST_SKIP() << "not with this kernel";
    constexpr SizeClass kClass = 3;
    trim_runs();
    size_t calls = 0, slabs = 0;
    for (; slabs < 512; ++slabs) {
        const long before = os::calls(os::Call::kMap);
        take(kClass, (slabs + 1) * kSizeClasses[kClass].objects);
        if (slabs >= 256) calls += static_cast<size_t>(os::calls(os::Call::kMap) - before);
    }
    EXPECT_GT(calls, 0u);
    EXPECT_LT(calls * 4, slabs - 256);
    check_heap(heap);
    sample::give_all(heap, objects);
}

TEST_F(HeapTest, LargeObjectsThatAreFilledGetTheirMemoryAtOnce) {
    if (!os::kernel_is(6, 12) || os::page_size() != os::kPageSize || os::is_sandboxed())
        GTEST_SKIP() << "not with this kernel, or not here";
    const SizeClass c = class_of_size(2 * os::kPageSize);
    trim_runs();
    size_t whole = 0, left_alone = 0;
    for (size_t slabs = 0; slabs < 128; ++slabs) {
        take(c, objects.size() + 1);
        const Slab& slab = *slab_of(objects.back());
        const size_t resident = resident_pages(slab);
        if (slabs >= 64)
            whole += resident == slab.info().units.bytes() / os::kPageSize, left_alone += resident <= 1;
        take(c, objects.size() + kSizeClasses[c].objects - 1);
        for (size_t i = objects.size() - kSizeClasses[c].objects; i < objects.size(); ++i)
            memset(static_cast<void*>(objects[i]), 1, kSizeClasses[c].size);
    }
    EXPECT_GE(whole, 64 - 64 / 4);
    EXPECT_GE(left_alone, 64 / 16) << "to see whether it is still so";
    sample::give_all(heap, objects);
}

TEST_F(HeapTest, ObjectsLargerThanAPageTouchNoneBeforeItsTime) {
    const SizeClass c = class_of_size(2 * os::kPageSize);
    trim_runs();
    for (size_t slabs = 0; slabs < 64; ++slabs) {
        take(c, objects.size() + 1);
        EXPECT_LE(resident_pages(*slab_of(objects.back())), 1u);
        take(c, objects.size() + kSizeClasses[c].objects - 1);
    }
    sample::give_all(heap, objects);
}

TEST_F(HeapTest, WhatTheKernelWillNotGiveAtOnceComesPageByPage) {
    trim_runs();
    take(3, 40 * kSizeClasses[3].objects);
    os::fail_after(os::Call::kMap, 0);
    take(3, 80 * kSizeClasses[3].objects);
    EXPECT_GT(os::calls(os::Call::kMap), 0);
    os::fail_none();
    sample::expect_distinct(objects, 3);
    sample::give_all(heap, objects);
}

TEST_F(HeapTest, NoMemoryIsAnEmptyBatchAndNothingIsLost) {
    const SizeClass c = 10;
    os::fail_after(os::Call::kCommit, 0);
    for (;;) {
        const sample::Taken batch = sample::take(heap, c);
        if (batch.objects.empty()) break;
        sample::add(objects, batch);
    }
    EXPECT_TRUE(sample::take_one(heap, c).objects.empty());
    sample::expect_distinct(objects, c);
    Object* const last = objects.back();
    objects.pop_back();
    heap.give(*slab_of(last), last);
    const sample::Taken again = sample::take(heap, c);
    EXPECT_EQ(again.objects, std::vector{last});
    sample::add(objects, again);
    os::fail_none();
    take(c, objects.size() + 1);
    sample::give_all(heap, objects);
}

TEST_F(HeapTest, CountersAgreeWithWhatHappened) {
    const SizeClass c = 5;
    const ClassCounters& counters = heap.counters(c);
    const uint64_t filled = counters.filled, fresh = counters.fresh;
    take(c, 1000);
    EXPECT_EQ(counters.filled - filled, objects.size());
    EXPECT_EQ(counters.fresh - fresh, objects.size());
    const size_t again = objects.size() / 2;
    for (size_t i = 0; i < again; ++i) {
        heap.give(*slab_of(objects.back()), objects.back());
        objects.pop_back();
    }
    const uint64_t before = counters.fresh;
    const sample::Taken batch = sample::take(heap, c);
    EXPECT_EQ(counters.fresh, before);  // reused
    sample::add(objects, batch);
    sample::give_all(heap, objects);
}

TEST_F(HeapTest, RandomTakesAndGivesKeepEverySlabSound) {
    std::mt19937 random(11);
    const std::vector<SizeClass> classes = {0, 1, 15, 30, kClasses - 1};
    std::vector<std::vector<Object*>> held(kClasses);
    for (int step = 0; step < 6000; ++step) {
        const SizeClass c = classes[random() % classes.size()];
        auto& mine = held[c];
        if (random() % 2 || mine.empty()) {
            sample::add(mine, random() % 3 ? sample::take(heap, c) : sample::take_one(heap, c));
        } else {
            const size_t many = random() % 50 == 0 ? mine.size() : 1 + random() % 8;
            for (size_t i = 0; i < many && !mine.empty(); ++i) {
                std::swap(mine[random() % mine.size()], mine.back());
                Slab& slab = *slab_of(mine.back());
                heap.give(slab, mine.back());
                mine.pop_back();
                if (slab.state != SlabState::kNone) sample::expect_sound(slab);
            }
        }
        if (step % 1000 == 0) check_all();
        if (step % 500 == 0)
            for (SizeClass each : classes)
                sample::expect_distinct(held[each], each);
        ASSERT_FALSE(HasFailure()) << "step " << step;
    }
    for (auto& mine : held)
        sample::give_all(heap, mine);
}

}  // namespace
}  // namespace tarn
