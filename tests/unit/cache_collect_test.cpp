// SPDX-License-Identifier: MIT
// What others collect from the heap and the bins of a thread: while it is blocked, while it is at work, and
// after it ended without a word.
#include <pthread.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <chrono>
#include <condition_variable>
#include <cstring>
#include <memory>
#include <mutex>
#include <random>
#include <thread>

#include "cache/bins.h"
#include "cache/caches.h"
#include "cache/collect.h"
#include "cache/totals.h"
#include "cache_sample.h"
#include "check/check.h"
#include "pages/supply.h"
#include "process/thread.h"

namespace tarn {
namespace {

#ifdef __SANITIZE_THREAD__
constexpr bool kBinsAreCollected = false;
#else
constexpr bool kBinsAreCollected = true;
#endif

// A thread that does one thing after another and is blocked in between.
class Worker {
  public:
    ~Worker() {
        run([] {});
        {
            const std::lock_guard lock(mutex_);
            end_ = true;
        }
        changed_.notify_all();
        thread_.join();
    }
    template <class Work>
    void run(Work work) {
        std::unique_lock lock(mutex_);
        work_ = work;
        busy_ = true;
        changed_.notify_all();
        changed_.wait(lock, [this] { return !busy_; });
    }

  private:
    void loop() {
        std::unique_lock lock(mutex_);
        for (;;) {
            changed_.wait(lock, [this] { return busy_ || end_; });
            if (end_) return;
            work_();
            busy_ = false;
            changed_.notify_all();
        }
    }
    std::mutex mutex_;
    std::condition_variable changed_;
    std::function<void()> work_;
    bool busy_ = false, end_ = false;
    std::thread thread_{[this] { loop(); }};
};

size_t live(SizeClass c) {
    const ClassTotals totals = class_totals(c);
    return totals.allocations - totals.frees;
}

TEST(Collect, BinsOfABlockedThreadAreEmptiedButForOneObject) {
    constexpr SizeClass c = 9;
    Worker worker;
    ThreadCache* cache = nullptr;
    worker.run([&] {
        std::vector<void*> objects;
        for (int round = 0; round < 20; ++round) {
            for (int i = 0; i < 500; ++i)
                objects.push_back(allocate(kSizeClasses[c].size));
            for (void* object : objects)
                release(object);
            objects.clear();
        }
        cache = current_cache;
    });
    const size_t before = objects_in(cache->bins[c]);
    ASSERT_GT(before, 10u);
    const ClassTotals totals = class_totals(c);
    collect_others(Collect::kMemory);
    EXPECT_EQ(objects_in(cache->bins[c]), kBinsAreCollected ? 1u : before);
    EXPECT_EQ(class_totals(c).allocations, totals.allocations);
    EXPECT_EQ(class_totals(c).frees, totals.frees);
    collect_others(Collect::kMemory);  // finds nothing more
    // The thread goes on as if nothing had happened, and its totals are exact.
    worker.run([&] {
        std::set<void*> distinct;
        for (int i = 0; i < 1000; ++i)
            EXPECT_TRUE(distinct.insert(allocate(kSizeClasses[c].size)).second);
        EXPECT_EQ(live(c), 1000u);
        for (void* object : distinct)
            release(object);
        EXPECT_EQ(live(c), 0u);
        EXPECT_GT(objects_in(cache->bins[c]), 1u);
    });
}

// By who grows, without being asked. Those that are at work keep theirs.
TEST(Collect, BinsOfManyThatRestAreEmptied) {
    constexpr SizeClass c = 9;
    constexpr size_t kMany = 40;
    std::vector<std::unique_ptr<Worker>> workers(kMany);
    std::vector<ThreadCache*> used(kMany);
    const auto work = [](ThreadCache*& cache) {
        for (int round = 0; round < 3; ++round) {
            std::vector<void*> objects;
            for (int i = 0; i < 500; ++i)
                objects.push_back(allocate(kSizeClasses[c].size));
            for (void* object : objects)
                release(object);
        }
        cache = current_cache;
    };
    for (size_t i = 0; i < kMany; ++i) {
        workers[i] = std::make_unique<Worker>();
        workers[i]->run([&] { work(used[i]); });
    }
    ASSERT_TRUE(has_many_threads());
    for (int look = 0; look < 40; ++look) {
        workers[0]->run([&] { work(used[0]); });
        std::this_thread::sleep_for(std::chrono::milliseconds(11));
        collect_some();
    }
    size_t emptied = 0;
    for (size_t i = 1; i < kMany; ++i)
        emptied += objects_in(used[i]->bins[c]) <= 1;
    EXPECT_TRUE(emptied == kMany - 1 || !kBinsAreCollected) << emptied;
    EXPECT_GT(objects_in(used[0]->bins[c]), 1u) << "it is at work";
    for (size_t i = 0; i < kMany; ++i)
        workers[i]->run([&] { work(used[i]); });
    EXPECT_EQ(live(c), 0u);
    workers.clear();
    check_all();
}

TEST(Collect, WhatOthersFreedIntoABlockedThreadGoesBack) {
    constexpr SizeClass c = 14;
    Worker worker;
    std::vector<void*> objects;
    worker.run([&] {
        for (int i = 0; i < 20000; ++i)
            objects.push_back(allocate(kSizeClasses[c].size));
    });
    const size_t in_use = run_stats().in_use;
    for (void* object : objects)
        release(object);
    flush(*enter_thread());
    EXPECT_GT(run_stats().in_use, in_use / 2) << "it waits for its thread";
    collect_others(Collect::kMemory);
    EXPECT_LT(run_stats().in_use, in_use / 4);
}

TEST(Collect, NothingIsLostOrGivenTwiceWhileThreadsAreAtWork) {
    constexpr int kThreads = 3, kOperations = 300000;
    std::atomic<int> running{kThreads};
    std::vector<std::thread> threads;
    for (int t = 0; t < kThreads; ++t)
        threads.emplace_back([&, t] {
            std::mt19937 random(static_cast<unsigned>(t));
            struct Block {
                unsigned char* at = nullptr;
                size_t size = 0;
                unsigned char byte = 0;
            };
            std::vector<Block> blocks(200);
            for (int i = 0; i < kOperations; ++i) {
                if (i % 1000 == 0) check_all();
                Block& block = blocks[random() % (i % 1000 < 500 ? 10 : blocks.size())];
                if (block.at) {
                    ASSERT_TRUE(block.at[0] == block.byte && block.at[block.size - 1] == block.byte);
                    release(block.at);
                    block.at = nullptr;
                } else {
                    block.size = 1 + random() % 300;
                    block.byte = static_cast<unsigned char>(random());
                    block.at = static_cast<unsigned char*>(allocate(block.size));
                    memset(block.at, block.byte, block.size);
                }
            }
            for (Block& block : blocks)
                release(block.at);
            --running;
        });
    while (running > 0)
        collect_others(Collect::kMemory);
    for (auto& thread : threads)
        thread.join();
    for (SizeClass c = 0; c < kClasses; ++c)
        EXPECT_EQ(live(c), 0u) << "class " << c;
}

// A signal handler may fork over what holds a lock that the collector of its heap waits for.
TEST(Fork, WaitsForNoCollectorThatWaitsForTheForkingThread) {
    HeapDoor& door = enter_thread()->heap.door();
    std::atomic<bool> at_work{false};
    std::thread collector;
    {
        const Guard interrupted(supply.lock);
        collector = std::thread([&] {
            const Guard held(door.lock);
            at_work = true;
            const Guard wanted(supply.lock);
        });
        while (!at_work)
            std::this_thread::yield();
        hold_own_heap();
        EXPECT_FALSE(door.lock.is_mine());
        let_go_own_heap();
    }
    hold_own_heap();
    EXPECT_TRUE(door.lock.is_mine());
    let_go_own_heap();
    EXPECT_FALSE(door.lock.is_mine());
    collector.join();
}

// A thread pointer never has two caches, and what a thread left behind is the next one's.
TEST(Stale, TheCacheOfAThreadThatEndedWithoutAWordIsTheNextOnes) {
#if defined(__SANITIZE_THREAD__) || defined(__SANITIZE_ADDRESS__)
    GTEST_SKIP() << "the sanitizers count on being told of the end of each thread";
#endif
    const CacheCount before = count_caches();
    std::vector<void*> objects;
    uintptr_t pointers[3] = {};
    ThreadCache* caches[3] = {};
    for (int i = 0; i < 3; ++i) {
        struct Arguments {
            std::vector<void*>* objects;
            uintptr_t* pointer;
            ThreadCache** cache;
        } arguments{&objects, &pointers[i], &caches[i]};
        pthread_t thread;
        const auto body = [](void* argument) -> void* {
            const auto& own = *static_cast<Arguments*>(argument);
            for (void* object : *own.objects)
                release(object);  // of a thread that had the same pointer: its bins take them
            own.objects->clear();
            for (int k = 0; k < 3000; ++k)
                own.objects->push_back(allocate(48));
            *own.pointer = thread_pointer();
            *own.cache = current_cache;
            syscall(SYS_exit, 0);
            return nullptr;
        };
        ASSERT_EQ(pthread_create(&thread, nullptr, body, &arguments), 0);
        pthread_join(thread, nullptr);
    }
    if (pointers[0] != pointers[1] || pointers[1] != pointers[2])
        GTEST_SKIP() << "stacks are not used again here";
    EXPECT_EQ(caches[0], caches[1]);
    EXPECT_EQ(caches[1], caches[2]);
    EXPECT_EQ(count_caches().living, before.living + 1);
    EXPECT_EQ(live(class_of_size(48)), 3000u);
    for (void* object : objects)
        release(object);
    flush(*enter_thread());
    collect_others(Collect::kSlabs);
    EXPECT_EQ(live(class_of_size(48)), 0u);
}

TEST(Stale, IdleCachesBeyondAFewGiveTheirMemoryBackAndKeepTheirCounts) {
    constexpr int kThreads = 60;
    constexpr SizeClass c = 20;
    const ClassTotals before = class_totals(c);
    for (int round = 0; round < 3; ++round) {
        std::mutex gate;
        gate.lock();
        std::vector<std::thread> threads;
        for (int t = 0; t < kThreads; ++t)
            threads.emplace_back([&] {
                for (int i = 0; i < 100; ++i)
                    release(allocate(kSizeClasses[c].size));
                const std::lock_guard wait(gate);
            });
        gate.unlock();
        for (auto& thread : threads)
            thread.join();
        const uint64_t expected = static_cast<uint64_t>(round + 1) * kThreads * 100;
        EXPECT_EQ(class_totals(c).allocations - before.allocations, expected);
        EXPECT_EQ(class_totals(c).frees - before.frees, expected);
    }
}

}  // namespace
}  // namespace tarn
