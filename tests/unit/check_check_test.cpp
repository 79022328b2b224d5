// SPDX-License-Identifier: MIT
// Whoever damages a slab, a list, a count, a bin or the page map by hand is found out by the walks, and by the next change
// of state; whoever damages nothing is not, whatever other threads do.
#include "check/check.h"

#include <atomic>
#include <random>
#include <thread>

#include "cache/bins.h"
#include "cache/caches.h"
#include "cache/collect.h"
#include "entry/entry.h"
#include "heap_sample.h"
#include "pages/supply.h"
#include "process/reclaim.h"
#include "process/start.h"
#include "process/thread.h"
#include "settled.h"

namespace tarn {
namespace {

// Without the library's constructor: the children that die here salvage nothing.
struct Start {
    Start() {
        options.region = size_t{512} << 20;
        tarn::start();
    }
} start_all;

constexpr SizeClass kClass = 12;

// Two slabs of a heap, with some objects free in the first.
class Damaged : public testing::Test {
  protected:
    void SetUp() override {
        while (objects.size() <= kSizeClasses[kClass].objects)
            sample::add(objects, sample::take(heap, kClass));
        for (size_t i = 0; i < 3; ++i)
            heap.give(slab, objects[i]);
        ASSERT_NE(&slab, slab_of(objects.back()));
    }
    void TearDown() override {
        check_all();
        objects.erase(objects.begin(), objects.begin() + 3);
        sample::give_all(heap, objects);
        heap.dissolve_empty();
    }
    Heap& heap = *sample::new_heap();
    std::vector<Object*> objects = sample::take(heap, kClass).objects;
    Slab& slab = *slab_of(objects[0]);
};
using DamagedDeathTest = Damaged;

TEST_F(DamagedDeathTest, Counts) {
    EXPECT_DEATH(
        {
            ++slab.used;
            check_heap(heap);
        },
        "free list is not sound");
    EXPECT_DEATH(
        {
            slab.used = 2000;
            check_heap(heap);
        },
        "more objects used than carved");
    EXPECT_DEATH(
        {
            slab.set_carved(2000);
            check_heap(heap);
        },
        "more objects than there is room for");
    EXPECT_DEATH(
        {
            slab.away = 1;
            check_heap(heap);
        },
        "internal error");
    EXPECT_DEATH(
        {
            heap.counters(kClass).slabs += 1;
            check_heap(heap);
        },
        "fewer slabs than are counted");
    EXPECT_DEATH(
        {
            heap.counters(kClass).slabs -= 1;
            check_heap(heap);
        },
        "more slabs than are counted");
}

TEST_F(DamagedDeathTest, FreeLists) {
    EXPECT_DEATH(
        {
            objects[1]->next = nullptr;
            check_heap(heap);
        },
        "free list is not sound");
    EXPECT_DEATH(
        {
            objects[0]->next = objects[2];
            check_heap(heap);
        },
        "free list is not sound");
    EXPECT_DEATH(
        {
            slab.free = objects.back();
            check_heap(heap);
        },
        "free list begins elsewhere");
    EXPECT_DEATH(
        {
            slab.free = nullptr;
            check_heap(heap);
        },
        "free list is not what is counted");
}

TEST_F(DamagedDeathTest, Lists) {
    EXPECT_DEATH(
        {
            slab.state = SlabState::kFull;
            check_heap(heap);
        },
        "a list that is not its own");
    EXPECT_DEATH(
        {
            slab.next = &slab;
            check_heap(heap);
        },
        "does not lead back");
    EXPECT_DEATH(
        {
            slab.previous = &slab;
            check_heap(heap);
        },
        "does not name");
}

TEST_F(DamagedDeathTest, PageMap) {
    EXPECT_DEATH(
        {
            set_entries(slab.first_unit(), Units{1}, kBlockEntry);
            check_heap(heap);
        },
        "another entry");
    EXPECT_DEATH(
        {
            slab.owner = kOrphanHeap;
            check_heap(heap);
        },
        "another owner");
    EXPECT_DEATH(
        {
            *page_bits_of(slab.begin()) = 1;
            check_heap(heap);
        },
        "holes are not what is counted");
}

TEST_F(DamagedDeathTest, Orphans) {
    Guard guard(orphans.lock);
    EXPECT_DEATH(
        {
            orphans.heap.counters(kClass).slabs += 1;
            orphans.lock.reset();
            check_orphans();
        },
        "fewer slabs than are counted");
}

TEST_F(DamagedDeathTest, Units) {
    Window& window = *windows.of_unit(slab.first_unit());
    const size_t clean = window.first_unit() + window.find(UnitKind::kMapped, Units{1});
    EXPECT_DEATH(
        {
            window.dirty += Units{1};
            check_runs();
        },
        "dirty units of a window");
    EXPECT_DEATH(
        {
            window.holes += Units{1};
            check_runs();
        },
        "holes of a window");
    EXPECT_DEATH(
        {
            supply.dirty += Units{1};
            check_runs();
        },
        "dirty units are not what is counted");
    EXPECT_DEATH(
        {
            supply.in_use = Units{1};
            check_runs();
        },
        "more units have somebody");
    EXPECT_DEATH(
        {
            set_entries(clean, Units{1}, kBlockEntry);
            check_runs();
        },
        "that somebody has is free");
    EXPECT_DEATH(
        {
            *page_bits_of(unit_address(clean)) = 1;
            check_runs();
        },
        "with holes in its pages");
    EXPECT_DEATH(
        {
            window.none[0] = window.none[1] = Units{1};
            check_runs();
        },
        "said not to have");
}

TEST_F(DamagedDeathTest, Bins) {
    ThreadCache& cache = sample::settle_thread();
    release(allocate(kSizeClasses[kClass].size));
    release(allocate(kSizeClasses[kClass].size));
    Bin& bin = cache.bins[kClass];
    ASSERT_GT(objects_in(bin), 0u);
    check_bins(cache);
    EXPECT_DEATH(
        {
            slot(bin, top(bin)) = objects.back();
            check_bins(cache);
        },
        "object of another heap");
    EXPECT_DEATH(
        {
            slot(bin, top(bin)) = nullptr;
            check_bins(cache);
        },
        "something else than objects");
    EXPECT_DEATH(
        {
            bin.taken = 1000;
            check_bins(cache);
        },
        "more taken than there was");
}

TEST_F(DamagedDeathTest, TheNextChangeOfStateFindsItToo) {
    EXPECT_DEATH({ heap.give(slab, objects.back()); }, "slab that is not their own");
    EXPECT_DEATH({ heap.door().mail.post(slab); }, "posted without need");
    EXPECT_DEATH(
        {
            slab.free = objects.back();
            sample::take_one(heap, kClass);
        },
        "internal error");
    EXPECT_DEATH({ give_run(slab.begin() + kUnitSize * 64, Units{1}); }, "a run given that nobody has");
}

TEST(Check, FindsNothingWhileThreadsAreAtWork) {
    constexpr int kThreads = 3, kOperations = 60000;
    std::atomic<int> running{kThreads};
    std::array<std::atomic<void*>, 256> exchange = {};
    std::vector<std::thread> threads;
    for (int t = 0; t < kThreads; ++t)
        threads.emplace_back([&, t] {
            std::mt19937 random(static_cast<unsigned>(t));
            for (int i = 0; i < kOperations; ++i) {
                void* const object = allocate(1 + random() % (random() % 50 ? 2000 : 100000));
                release(exchange[random() % exchange.size()].exchange(object));
                if (random() % 20000 == 0) trim();
                if (i % 1000 == 0) check_all();
            }
            --running;
        });
    while (running > 0) {
        check_all();
        collect_others(Collect::kMemory);
    }
    for (auto& thread : threads)
        thread.join();
    for (auto& place : exchange)
        release(place);
    check_all();
}

}  // namespace
}  // namespace tarn
