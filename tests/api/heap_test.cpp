// SPDX-License-Identifier: MIT
// heap.hpp; heaps against a model, threads, forks.
#include "tarn/heap.hpp"
#include "check.h"
#include "thread_sanitizer.h"

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <map>
#include <memory_resource>
#include <mutex>
#include <random>
#include <string>
#include <thread>
#include <vector>

namespace {

using tarn::Heap;
using tarn::HeapAllocator;
using tarn::HeapChecks;
using tarn::HeapOptions;
using tarn::HeapResource;
using tarn::HeapThreads;

struct Object {
    unsigned char* at;
    size_t size;
    unsigned char fill;
};

size_t random_size(std::mt19937_64& random) {
    const size_t most = size_t{1} << random() % 19;
    return random() % (most + 1);
}

bool intact(const Object& o) {
    return std::all_of(o.at, o.at + o.size, [&](unsigned char byte) { return byte == o.fill; });
}

// Contents, overlap and the live bytes of a heap against a list of what was allocated.
class Model {
  public:
    Model(Heap& heap, uint64_t quota, uint64_t seed) : heap_(heap), quota_(quota), random_(seed) {}

    void step() {
        switch (random_() % 8) {
            case 0:
            case 1:
            case 2:
                return allocate();
            case 3:
                return resize();
            case 4:
                return aligned();
            default:
                return free_one();
        }
    }
    void expect_sums() {
        uint64_t live = 0;
        for (const Object& o : objects_)
            live += heap_.usable_size(o.at);
        EXPECT_EQ(heap_.live_bytes(), live);
        peak_ = std::max(peak_, live);
        const tarn_heap_stats stats = heap_.stats();
        EXPECT_EQ(stats.live_objects, objects_.size());
        EXPECT_GE(stats.peak_bytes, peak_);
        EXPECT_LE(stats.peak_bytes, quota_ ? quota_ : UINT64_MAX);
        EXPECT_EQ(stats.refusals, refusals_);
    }
    void free_all() {
        while (!objects_.empty())
            free_one();
    }
    void forget() { objects_.clear(); }

  private:
    void add(void* p, size_t size) {
        if (!p) {
            ++refusals_;
            return;
        }
        const auto fill = static_cast<unsigned char>(random_());
        std::memset(p, fill, size);
        ASSERT_GE(heap_.usable_size(p), size);
        objects_.push_back({static_cast<unsigned char*>(p), size, fill});
    }
    void allocate() {
        const size_t size = random_size(random_);
        add(heap_.try_allocate(size), size);
    }
    void aligned() {
        const size_t size = random_size(random_), alignment = size_t{1} << random_() % 18;
        void* const p = heap_.try_allocate(size, alignment);
        EXPECT_EQ(reinterpret_cast<uintptr_t>(p) % alignment, 0u);
        add(p, size);
    }
    void resize() {
        if (objects_.empty()) return;
        Object& o = objects_[random_() % objects_.size()];
        const size_t size = 1 + random_size(random_);
        auto* const p = static_cast<unsigned char*>(tarn_heap_reallocate(heap_.handle(), o.at, size));
        if (!p) {
            ASSERT_GT(size, o.size);
            ++refusals_;
            return;
        }
        o.at = p;
        o.size = std::min(o.size, size);
        ASSERT_TRUE(intact(o));
        o.size = size;
        std::memset(p, o.fill, size);
    }
    void free_one() {
        if (objects_.empty()) return;
        std::swap(objects_[random_() % objects_.size()], objects_.back());
        ASSERT_TRUE(intact(objects_.back()));
        heap_.free(objects_.back().at);
        objects_.pop_back();
    }

    Heap& heap_;
    uint64_t quota_, peak_ = 0, refusals_ = 0;
    std::mt19937_64 random_;
    std::vector<Object> objects_;
};

uint64_t new_seed() {
    const uint64_t seed = std::random_device{}();
    std::printf("seed %llu\n", static_cast<unsigned long long>(seed));
    return seed;
}

class HeapModes : public testing::TestWithParam<std::pair<HeapThreads, HeapChecks>> {};

TEST_P(HeapModes, AgreesWithTheModel) {
    const uint64_t seed = new_seed();
    for (const uint64_t quota : {uint64_t{0}, uint64_t{3} << 20}) {
        Heap heap({.quota = quota, .threads = GetParam().first, .checks = GetParam().second});
        Model model(heap, quota, seed);
        for (int round = 0; round < 20; ++round) {
            for (int i = 0; i < 500; ++i)
                model.step();
            model.expect_sums();
            if (round % 5 == 2) model.free_all();
            if (round % 5 == 4) {
                model.forget();
                heap.reset();
            }
            model.expect_sums();
            ASSERT_FALSE(testing::Test::HasFatalFailure());
        }
        model.free_all();
        EXPECT_EQ(heap.live_bytes(), 0u);
    }
}

INSTANTIATE_TEST_SUITE_P(All, HeapModes,
                         testing::Values(std::pair{HeapThreads::kOne, HeapChecks::kCheap},
                                         std::pair{HeapThreads::kAny, HeapChecks::kCheap},
                                         std::pair{HeapThreads::kOne, HeapChecks::kFull},
                                         std::pair{HeapThreads::kAny, HeapChecks::kFull}));

TEST(Heap, APeakIsKept) {
    Heap heap;
    void* a = heap.allocate(1024);
    void* b = heap.allocate(512);
    heap.free(a);
    heap.free(b);
    EXPECT_EQ(heap.stats().peak_bytes, 1536u);
    heap.set_quota(1000);  // below the peak
    EXPECT_EQ(heap.stats().peak_bytes, 1536u);
    heap.reset();
    EXPECT_EQ(heap.stats().peak_bytes, 1536u);
}

// What was freed last is in the processor's cache.
TEST(Heap, WhatIsFreedIntoADenseChunkComesNext) {
    Heap heap;
    std::vector<void*> live(4000);  // of several chunks
    for (void*& one : live)
        one = heap.allocate(64);
    size_t same = 0;
    for (size_t i = 0; i < live.size(); i += 7) {
        heap.free(live[i]);
        void* const next = heap.allocate(64);
        same += next == live[i];
        live[i] = next;
    }
    EXPECT_GT(same,
              live.size() / 7 * 9 / 10);  // not an object at the start of a page, nor the first of a chunk
}

// Churn in a heap that has shrunk fills some chunks, and the others come empty.
TEST(Heap, SparseChunksComeEmpty) {
    Heap heap;
    std::mt19937_64 random(1);
    std::vector<void*> live(40000);
    for (void*& one : live)
        one = heap.allocate(64);
    std::shuffle(live.begin(), live.end(), random);
    for (; live.size() > 8000; live.pop_back())
        heap.free(live.back());
    for (int i = 0; i < 400000; ++i) {
        void*& one = live[random() % live.size()];
        heap.free(one);
        one = heap.allocate(64);
    }
    const tarn_heap_stats stats = heap.stats();
    EXPECT_LE((stats.chunks - stats.empty_chunks) * 64 * 1024, 2 * stats.live_bytes);
}

TEST(Heap, MovesAndThrows) {
    Heap heap({.quota = 1000});
    Heap other(std::move(heap));
    EXPECT_THROW(static_cast<void>(other.allocate(2000)), std::bad_alloc);
    EXPECT_EQ(other.try_allocate(2000), nullptr);
    EXPECT_EQ(other.stats().refusals, 2u);
    heap = std::move(other);
    EXPECT_NE(heap.try_allocate(500), nullptr);
    EXPECT_THROW(static_cast<void>(heap.allocate(SIZE_MAX)), std::bad_alloc);
}

TEST(Heap, ServesContainers) {
    Heap heap({.checks = HeapChecks::kFull});
    {
        std::vector<int, HeapAllocator<int>> numbers{HeapAllocator<int>(heap)};
        for (int i = 0; i < 100000; ++i)
            numbers.push_back(i);
        EXPECT_EQ(numbers[99999], 99999);
        using Pair = std::pair<const int, std::string>;
        std::map<int, std::string, std::less<>, HeapAllocator<Pair>> names{HeapAllocator<Pair>(heap)};
        for (int i = 0; i < 1000; ++i)
            names[i] = std::to_string(i);
        EXPECT_EQ(names[500], "500");
        EXPECT_GT(heap.live_bytes(), 100000 * sizeof(int));
        EXPECT_TRUE(HeapAllocator<int>(heap) == HeapAllocator<char>(heap));
    }
    EXPECT_EQ(heap.live_bytes(), 0u);
    HeapAllocator<int> allocator(heap);
    EXPECT_THROW(static_cast<void>(allocator.allocate(SIZE_MAX / 2)), std::bad_alloc);
}

TEST(Heap, IsAMemoryResource) {
    Heap heap, other;
    HeapResource resource(heap);
    {
        std::pmr::vector<std::pmr::string> strings(&resource);
        for (int i = 0; i < 1000; ++i)
            strings.emplace_back("a string that is longer than fits a small one");
        EXPECT_GT(heap.live_bytes(), 40000u);
        void* aligned = resource.allocate(100, 4096);
        EXPECT_EQ(reinterpret_cast<uintptr_t>(aligned) % 4096, 0u);
        resource.deallocate(aligned, 100, 4096);
    }
    EXPECT_EQ(heap.live_bytes(), 0u);
    EXPECT_TRUE(resource == HeapResource(heap.handle()));
    EXPECT_FALSE(resource == HeapResource(other));
    EXPECT_FALSE(resource == *std::pmr::get_default_resource());
}

TEST(Heap, GoesFromThreadToThread) {
    Heap heap;
    std::vector<void*> objects(1000);
    std::thread([&] {
        for (void*& object : objects)
            object = heap.allocate(100);
    }).join();
    std::thread([&] {
        for (void* object : objects)
            heap.free(object);
    }).join();
    EXPECT_EQ(heap.live_bytes(), 0u);
}

TEST(Heap, ALockedOneServesThreadsAtTheSameTime) {
    constexpr int kThreads = 4, kSteps = 4000;
    std::mutex lock;
    std::vector<Object> shared;
    std::vector<std::thread> threads;
    std::atomic<int> calls{0};
    Heap heap({.quota = 4u << 20,
               .soft_limit = 1u << 20,
               .callback =
                   [](tarn_heap* h, tarn_heap_event, size_t, void* count) {
                       tarn_heap_free(h, tarn_heap_allocate(h, 100));
                       ++*static_cast<std::atomic<int>*>(count);
                   },
               .user = &calls,
               .threads = HeapThreads::kAny});
    for (int t = 0; t < kThreads; ++t)
        threads.emplace_back([&, t] {
            std::mt19937_64 random(static_cast<uint64_t>(t));
            for (int i = 0; i < kSteps; ++i) {
                const size_t size = 1 + random() % (i % 100 ? 3000 : 100000);
                auto* const p = static_cast<unsigned char*>(heap.try_allocate(size));
                Object old{};
                if (p) std::memset(p, t, size);
                {
                    std::lock_guard guard(lock);
                    if (p) shared.push_back({p, size, static_cast<unsigned char>(t)});
                    if (!shared.empty() && (!p || shared.size() > 900)) {
                        std::swap(shared[random() % shared.size()], shared.back());
                        old = shared.back();
                        shared.pop_back();
                    }
                }
                EXPECT_TRUE(intact(old));
                heap.free(old.at);
            }
        });
    for (std::thread& thread : threads)
        thread.join();
    EXPECT_GT(calls.load(), 0);
    EXPECT_LE(heap.stats().peak_bytes, 4u << 20);
    EXPECT_EQ(heap.stats().live_objects, shared.size());
    for (const Object& o : shared)
        heap.free(o.at);
    EXPECT_EQ(heap.live_bytes(), 0u);
}

// Different heaps take their chunks from one pool.
TEST(Heap, HeapsOfThreadsShareThePool) {
    std::vector<std::thread> threads;
    for (int t = 0; t < 4; ++t)
        threads.emplace_back([] {
            for (int round = 0; round < 30; ++round) {
                Heap heap;
                std::vector<Object> objects;
                for (int i = 0; i < 2000; ++i) {
                    auto* const p = static_cast<unsigned char*>(heap.allocate(400));
                    std::memset(p, round, 400);
                    objects.push_back({p, 400, static_cast<unsigned char>(round)});
                }
                EXPECT_TRUE(std::all_of(objects.begin(), objects.end(), intact));
                if (round % 7 == 0) heap.trim();
                heap.name(round % 2 ? "odd" : nullptr);
            }
        });
    for (std::thread& thread : threads)
        thread.join();
}

TEST(Heap, AChildOfAForkGoesOnWithIt) {
    Heap heap;
    std::atomic<bool> stop{false};
    std::thread other([&] {
        while (!stop) {
            Heap mine;  // takes and gives chunks, and has the pool's lock as often as can be
            for (int i = 0; i < 60; ++i)
                static_cast<void>(mine.allocate(30000));
        }
    });
    for (int i = 0; i < 150; ++i) {
        const pid_t child = fork();
        if (child == 0) {
            alarm(check::patience(20));
            for (int k = 0; k < 300; ++k)
                heap.free(heap.allocate(k % 3 ? 1000 : 50000));
            Heap another;
            static_cast<void>(another.allocate(10));
            heap.reset();
            _exit(0);
        }
        int status;
        ASSERT_EQ(waitpid(child, &status, 0), child);
        EXPECT_EQ(status, 0);
    }
    stop = true;
    other.join();
}

}  // namespace
