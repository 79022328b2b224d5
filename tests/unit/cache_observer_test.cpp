// SPDX-License-Identifier: MIT
// Who looks on while a thread allocates: what is told, when the fast path is off, and whom an observer belongs to
// as threads come and go.
#include "cache/observer.h"

#include <functional>
#include <mutex>
#include <thread>
#include <vector>

#include "cache/bins.h"
#include "cache/caches.h"
#include "cache_sample.h"
#include "entry/large.h"
#include "entry/resize.h"
#include "process/thread.h"

namespace tarn {
namespace {

constexpr ObserverSlot kSlot0 = ObserverSlot::kMetrics;

struct Watcher : Observer {
    Watcher() : Observer{&kCalls, false} {}

    size_t refills[kClasses] = {}, pops[kClasses] = {}, drains[kClasses] = {};
    std::vector<const void*> left;
    std::vector<BlockChange> changes;
    int forgotten = 0;
    bool attached_when_forgotten = false;

    size_t told(SizeClass c) const { return refills[c] + pops[c]; }
    BlockChange last() const { return changes.empty() ? BlockChange{} : changes.back(); }

  private:
    static Watcher& self(Observer& observer) { return static_cast<Watcher&>(observer); }
    static const Calls kCalls;
};

const Watcher::Calls Watcher::kCalls = {
    .refilled = [](Observer& o, ThreadCache&, SizeClass c, Popped&) { ++self(o).refills[c]; },
    .popped = [](Observer& o, ThreadCache&, SizeClass c, Popped&) { ++self(o).pops[c]; },
    .drained = [](Observer& o, ThreadCache&, SizeClass c) { ++self(o).drains[c]; },
    .leaves = [](Observer& o, ThreadCache&, const void* block) { self(o).left.push_back(block); },
    .changed = [](Observer& o, ThreadCache&,
                  const BlockChange& change) { self(o).changes.push_back(change); },
    .forget =
        [](Observer& o, ThreadCache& cache) {
            ++self(o).forgotten;
            self(o).attached_when_forgotten = attached(cache, kSlot0);
        }};

void expect_change(const BlockChange& change, const BlockChange& expected) {
    EXPECT_EQ(change.allocations, expected.allocations);
    EXPECT_EQ(change.frees, expected.frees);
    EXPECT_EQ(change.bytes_allocated, expected.bytes_allocated);
    EXPECT_EQ(change.bytes_freed, expected.bytes_freed);
}

class Observing : public testing::Test {
  protected:
    void SetUp() override {
        cache = enter_thread();
        ASSERT_TRUE(cache);
        keep_observer(*cache, kSlot0, watcher);
    }
    void TearDown() override {
        os::fail_none();
        detach(*cache, kSlot0);
        cache->observers[static_cast<size_t>(kSlot0)] = nullptr;
        flush(*cache);
    }
    void attach_for_every_object() {
        watcher.every_object = true;
        attach(*cache, kSlot0);
    }
    void* take(SizeClass c) { return allocate(kSizeClasses[c].size); }
    // So that its bin has room and holds something.
    void warm(SizeClass c) {
        for (int i = 0; i < 40; ++i)
            release(take(c));
        ASSERT_GT(objects_in(cache->bins[c]), 1u);
    }

    Watcher watcher;
    ThreadCache* cache = nullptr;
};

TEST_F(Observing, WhatIsKeptDoesNotLookOnYet) {
    EXPECT_EQ(observer_of(*cache, kSlot0), &watcher);
    EXPECT_FALSE(attached(*cache, kSlot0));
    void* const block = allocate(100000);
    release(take(4));
    release(block);
    EXPECT_EQ(watcher.told(4), 0u);
    EXPECT_TRUE(watcher.changes.empty());
}

TEST_F(Observing, ARefillIsToldAndWhatTheBinServesIsNot) {
    constexpr SizeClass c = 5;
    attach(*cache, kSlot0);
    EXPECT_TRUE(attached(*cache, kSlot0));
    std::vector<void*> objects{take(c)};
    ASSERT_EQ(watcher.refills[c], 1u);
    const size_t held = objects_in(cache->bins[c]);
    ASSERT_GT(held, 0u);
    for (size_t i = 0; i < held; ++i)
        objects.push_back(take(c));
    EXPECT_EQ(watcher.told(c), 1u);
    objects.push_back(take(c));
    EXPECT_EQ(watcher.refills[c], 2u);
    EXPECT_EQ(watcher.pops[c], 0u);
    for (void* object : objects)
        release(object);
    EXPECT_EQ(watcher.told(c), 2u) << "frees are not told";
}

TEST_F(Observing, WhatHasNoFastPathIsToldAsAPop) {
    constexpr SizeClass c = 6;
    warm(c);
    attach(*cache, kSlot0);
    void* const zeroed = allocate_zeroed(1, kSizeClasses[c].size);
    EXPECT_EQ(watcher.pops[c], 1u);
    void* const aligned = allocate_aligned(16, kSizeClasses[c].size);
    EXPECT_EQ(watcher.pops[c], 1u) << "this one has";
    EXPECT_EQ(watcher.refills[c], 0u);
    release(zeroed);
    release(aligned);
}

TEST_F(Observing, SizesAboveTheTableOfBinsAreToldAsPops) {
    const SizeClass c = class_of_size(kFastMax + 1);
    warm(c);
    attach(*cache, kSlot0);
    void* const object = allocate(kFastMax + 1);
    EXPECT_EQ(watcher.pops[c], 1u);
    EXPECT_EQ(watcher.refills[c], 0u);
    release(object);
}

TEST_F(Observing, EveryObjectIsSeenWhileItIsWantedAndTheFastPathComesBack) {
    constexpr SizeClass c = 7;
    warm(c);
    const size_t fast_end = cache->fast_end;
    EXPECT_TRUE(has_bin(*cache, 1));
    attach_for_every_object();
    EXPECT_FALSE(has_bin(*cache, 0));
    for (size_t i = 1; i <= 300; ++i) {
        void* const object = take(c);
        EXPECT_EQ(watcher.told(c), i);
        release(object);
    }
    detach(*cache, kSlot0);
    EXPECT_EQ(cache->fast_end, fast_end);
    release(take(c));
    EXPECT_EQ(watcher.told(c), 300u);
}

TEST_F(Observing, AnotherWishHoldsFromTheNextAttachOn) {
    constexpr SizeClass c = 8;
    warm(c);
    attach(*cache, kSlot0);
    release(take(c));
    EXPECT_EQ(watcher.told(c), 0u);
    attach_for_every_object();
    release(take(c));
    EXPECT_EQ(watcher.told(c), 1u);
    watcher.every_object = false;
    attach(*cache, kSlot0);
    release(take(c));
    EXPECT_EQ(watcher.told(c), 1u);
    EXPECT_TRUE(attached(*cache, kSlot0));
}

TEST_F(Observing, FreesGoIntoTheBinAsEver) {
    constexpr SizeClass c = 9;
    warm(c);
    attach_for_every_object();
    void* const object = take(c);
    const size_t held = objects_in(cache->bins[c]);
    release(object);
    EXPECT_EQ(objects_in(cache->bins[c]), held + 1);
    EXPECT_EQ(take(c), object);
    release(object);
}

TEST_F(Observing, ABlockIsToldWithTheBytesThatMayBeUsed) {
    attach(*cache, kSlot0);
    for (size_t size : {size_t{32769}, size_t{100000}, size_t{3} << 20}) {
        void* const block = allocate(size);
        const size_t bytes = block_size(block);
        ASSERT_GE(bytes, size);
        expect_change(watcher.last(), {.allocations = 1, .bytes_allocated = bytes});
        release(block);
        expect_change(watcher.last(), {.frees = 1, .bytes_freed = bytes});
    }
    EXPECT_EQ(watcher.changes.size(), 6u);
}

TEST_F(Observing, AResizeInPlaceIsTheDifference) {
    attach(*cache, kSlot0);
    void* block = allocate(size_t{8} << 20);
    const size_t before = block_size(block);
    block = reallocate(block, size_t{2} << 20);
    const size_t after = block_size(block);
    ASSERT_LT(after, before);
    expect_change(watcher.last(), {.bytes_freed = before - after});
    block = reallocate(block, size_t{20} << 20);
    expect_change(watcher.last(), {.bytes_allocated = block_size(block) - after});
    EXPECT_EQ(watcher.changes.size(), 3u);
    release(block);
}

TEST_F(Observing, AResizeByCopyIsBothBlocks) {
    attach(*cache, kSlot0);
    void* block = allocate(40000);  // a run, which cannot grow
    const size_t before = block_size(block);
    block = reallocate(block, 100000);
    const size_t after = block_size(block);
    ASSERT_GT(after, before);
    expect_change(watcher.last(), {.bytes_allocated = after, .bytes_freed = before});
    release(block);
}

TEST_F(Observing, WhatStaysAsItIsChangesNoBytes) {
    attach(*cache, kSlot0);
    void* const block = allocate(100000);
    EXPECT_EQ(reallocate(block, 99000), block);
    expect_change(watcher.last(), {});
    release(block);
}

TEST_F(Observing, ABlockLeavesBeforeItIsFreedOrResized) {
    attach(*cache, kSlot0);
    void* const block = allocate(100000);
    EXPECT_EQ(watcher.last().at, block);
    EXPECT_EQ(watcher.last().was_at, nullptr);
    void* const moved = reallocate(block, 5000000);
    ASSERT_EQ(watcher.left, std::vector<const void*>{block});
    EXPECT_EQ(watcher.last().was_at, block);
    EXPECT_EQ(watcher.last().at, moved);
    release(moved);
    ASSERT_EQ(watcher.left.size(), 2u);
    EXPECT_EQ(watcher.left[1], moved);
    EXPECT_EQ(watcher.last().was_at, moved);
    EXPECT_EQ(watcher.last().at, nullptr);
}

TEST_F(Observing, ADrainedBinIsToldOnce) {
    constexpr SizeClass c = 7;
    std::vector<void*> objects;
    for (int i = 0; i < 2000; ++i)
        objects.push_back(take(c));
    attach(*cache, kSlot0);
    const uint64_t before = cache->heap.counters(c).flushed;
    size_t drains = 0;
    uint64_t flushed = before;
    for (void* object : objects) {
        release(object);
        const uint64_t now = cache->heap.counters(c).flushed;
        drains += now != flushed;
        flushed = now;
        ASSERT_EQ(watcher.drains[c], drains);
    }
    EXPECT_GT(drains, 2u);
}

TEST_F(Observing, SumsOverAnyLifeAreEven) {
    attach(*cache, kSlot0);
    void* block = allocate(10);
    for (size_t size : {40000, 200000, 50, 3000000, 70000, 9000000, 33000, 5})
        block = reallocate(block, static_cast<size_t>(size));
    release(block);
    BlockChange sum;
    for (const BlockChange& change : watcher.changes) {
        sum.allocations += change.allocations;
        sum.frees += change.frees;
        sum.bytes_allocated += change.bytes_allocated;
        sum.bytes_freed += change.bytes_freed;
    }
    EXPECT_EQ(sum.allocations, 2u) << "a block twice, and an object before, between and after";
    EXPECT_EQ(sum.allocations, sum.frees);
    EXPECT_EQ(sum.bytes_allocated, sum.bytes_freed);
}

TEST_F(Observing, WhatFailsIsNotTold) {
    attach(*cache, kSlot0);
    EXPECT_FALSE(allocate(SIZE_MAX / 2));
    void* const block = allocate(100000);
    const size_t told = watcher.changes.size();
    EXPECT_EQ(told, 1u);
    EXPECT_EQ(release_large(static_cast<char*>(block) + 4096), BlockFree::kUnknown);
    EXPECT_EQ(watcher.changes.size(), told);
    EXPECT_TRUE(watcher.left.empty());
    EXPECT_FALSE(reallocate(block, SIZE_MAX / 2));
    expect_change(watcher.last(), {});
    EXPECT_EQ(watcher.last().at, block) << "it said that it leaves, and stays";
    release(block);
}

TEST_F(Observing, ForgettingDetachesFirstAndKeepsTheObserver) {
    attach_for_every_object();
    forget_observers(*cache);
    EXPECT_EQ(watcher.forgotten, 1);
    EXPECT_FALSE(watcher.attached_when_forgotten);
    EXPECT_FALSE(attached(*cache, kSlot0));
    EXPECT_TRUE(has_bin(*cache, 1));
    EXPECT_EQ(observer_of(*cache, kSlot0), &watcher);
}

struct Life {
    ThreadCache* cache;
    Observer* found;  // in the slot, when the thread got its cache
    bool looking_on;
};

// A thread that gets a cache and attaches `watcher`, or what it finds there.
Life live(
    Watcher& watcher, const std::function<void()>& meanwhile = [] {}) {
    ThreadCache& cache = *enter_thread();
    const Life life{&cache, observer_of(cache, kSlot0), cache.observing != 0};
    if (!life.found) keep_observer(cache, kSlot0, watcher);
    attach(cache, kSlot0);
    meanwhile();
    return life;
}

TEST(ObservedThreads, TheEndOfAThreadIsToldAndTheNextOneFindsTheObserverDetached) {
    Watcher watcher;
    Life first{}, second{};
    std::thread([&] { first = live(watcher); }).join();
    EXPECT_EQ(watcher.forgotten, 1);
    EXPECT_FALSE(watcher.attached_when_forgotten);
    std::thread([&] { second = live(watcher); }).join();
    ASSERT_EQ(second.cache, first.cache);
    EXPECT_FALSE(first.found);
    EXPECT_EQ(second.found, &watcher);
    EXPECT_FALSE(second.looking_on);
    EXPECT_EQ(watcher.forgotten, 3) << "as the thread came, and as it went";
    first.cache->observers[static_cast<size_t>(kSlot0)] = nullptr;
}

TEST(ObservedThreads, AWipedCacheKeepsItsObserver) {
    constexpr size_t kThreads = 40;  // more than keep their memory
    std::vector<Watcher> watchers(kThreads);
    std::vector<Life> lives[2];
    for (auto& round : lives) {
        round.resize(kThreads);
        std::mutex gate;
        gate.lock();
        std::atomic<size_t> inside{0};
        std::vector<std::thread> threads;
        for (size_t t = 0; t < kThreads; ++t)
            threads.emplace_back([&, t] {
                round[t] = live(watchers[t], [&] {
                    ++inside;
                    const std::lock_guard wait(gate);
                });
            });
        while (inside < kThreads)
            std::this_thread::yield();
        gate.unlock();
        for (auto& thread : threads)
            thread.join();
    }
    size_t found = 0;
    for (const Life& later : lives[1])
        for (size_t t = 0; t < kThreads; ++t)
            if (later.cache == lives[0][t].cache) found += later.found == &watchers[t] && !later.looking_on;
    EXPECT_EQ(found, kThreads);
    for (const Life& life : lives[1])
        life.cache->observers[static_cast<size_t>(kSlot0)] = nullptr;
}

}  // namespace
}  // namespace tarn
