// SPDX-License-Identifier: MIT
// Pools when there is no memory: whatever they cannot get, nothing is lost.
#include <gtest/gtest.h>

#include <cerrno>
#include <cstring>
#include <set>
#include <thread>
#include <vector>

#include "backend/blocks.h"
#include "cache/totals.h"
#include "entry/entry.h"
#include "mixed/mixed.h"
#include "os/os.h"
#include "process/reclaim.h"
#include "process/start.h"
#include "tarn/pool.h"

namespace tarn {
namespace {

struct Start {
    Start() {
        strcpy(options.backend, "map");
        options.region = size_t{64} << 20;
        tarn::start();
    }
} start_now;

uint64_t live_objects() {
    uint64_t live = block_stats().live_blocks;
    for (SizeClass c = 0; c < kClasses; ++c)
        live += class_totals(c).allocations - class_totals(c).frees;
    return live;
}

// While it lives, tarn has no memory for anybody but what give() lets go.
class Famine {
  public:
    Famine() {
        for (SizeClass c = 0; c < kClasses; ++c)
            for (int i = 0; i < 20; ++i)
                held_[c].push_back(allocate(kSizeClasses[c].size));
        for (int call = 0; call < static_cast<int>(os::Call::kCount); ++call)
            os::fail_after(static_cast<os::Call>(call), 0);
        for (SizeClass c = kClasses; c-- > 0;)
            while (void* at = allocate(kSizeClasses[c].size))
                held_[c].push_back(at);
    }
    ~Famine() {
        os::fail_none();
        for (std::vector<void*>& objects : held_)
            for (void* at : objects)
                release(at);
        trim();
    }
    // One object of each size class in turn, small ones first; false when there is none left.
    bool give() {
        for (SizeClass tried = 0; tried < kClasses; ++tried) {
            std::vector<void*>& objects = held_[next_++ % kClasses];
            if (objects.empty()) continue;
            release(objects.back());
            objects.pop_back();
            return true;
        }
        return false;
    }

  private:
    std::vector<void*> held_[kClasses];
    size_t next_ = 0;
};

constexpr size_t kObjects = 20000;

std::vector<void*> allocate_many(tarn_pool* pool, size_t most) {
    std::vector<void*> objects;
    while (objects.size() < most)
        if (void* object = tarn_pool_allocate(pool))
            memset(object, 7, 48), objects.push_back(object);
        else
            break;
    return objects;
}

tarn_pool_stats stats_of(tarn_pool* pool) {
    tarn_pool_stats stats;
    tarn_pool_stats_get(pool, &stats, sizeof stats);
    return stats;
}

// There is no memory to note what was freed.
TEST(PoolWithoutMemory, FreeCannotFail) {
    const uint64_t live = live_objects();
    for (unsigned checked : {0u, unsigned{TARN_POOL_CHECKED}}) {
        tarn_pool* pool = tarn_pool_create(48, 16, checked);
        std::vector<void*> objects = allocate_many(pool, kObjects);
        ASSERT_EQ(objects.size(), kObjects);
        {
            Famine famine;
            errno = 5;
            for (void* object : objects)
                tarn_pool_free(pool, object);
            EXPECT_EQ(errno, 5);
            EXPECT_EQ(stats_of(pool).live_objects, 0u);
            std::vector<void*> again = allocate_many(pool, kObjects);
            EXPECT_EQ(again.size(), kObjects);
            EXPECT_EQ(std::set<void*>(again.begin(), again.end()).size(), kObjects);
            for (void* object : again)
                tarn_pool_free(pool, object);
        }
        EXPECT_GE(tarn_pool_trim(pool), kObjects * 48);
        EXPECT_EQ(stats_of(pool).chunks, 0u);
        EXPECT_EQ(allocate_many(pool, 100).size(), 100u);
        EXPECT_GT(stats_of(pool).chunks, 0u);  // what the chunks held went with them
        tarn_pool_destroy(pool);
        EXPECT_EQ(live_objects(), live);
    }
}

// The pool, this thread's stack and the array of chunks are all that is left.
TEST(PoolWithoutObjects, TrimKeepsNoRecords) {
    const uint64_t live = live_objects();
    tarn_pool* pool = tarn_pool_create(48, 16, 0);
    for (void* object : allocate_many(pool, kObjects))
        tarn_pool_free(pool, object);
    EXPECT_GT(live_objects(), live + 3);
    tarn_pool_trim(pool);
    EXPECT_EQ(live_objects(), live + 3);
    tarn_pool_destroy(pool);
}

// A thread for whose stack there is no memory is served by the pool itself.
TEST(PoolWithoutMemory, ThreadsWithoutAStackAreServed) {
    const uint64_t live = live_objects();
    tarn_pool* pool = tarn_pool_create(48, 16, 0);
    ASSERT_EQ(tarn_pool_reserve(pool, 1000), 0);
    {
        Famine famine;
        std::thread thread([&] {
            std::vector<void*> first_few;  // what there is of these without a system call
            while (void* object = allocate(mixed::kSizeMost))
                first_few.push_back(object);
            std::vector<void*> objects = allocate_many(pool, 1001);
            EXPECT_EQ(objects.size(), 1000u);
            EXPECT_EQ(std::set<void*>(objects.begin(), objects.end()).size(), 1000u);
            EXPECT_EQ(errno, ENOMEM);
            errno = 5;
            for (void* object : objects)
                tarn_pool_free(pool, object);
            EXPECT_EQ(errno, 5);
            for (void* object : first_few)
                release(object);
        });
        thread.join();
        const tarn_pool_stats stats = stats_of(pool);
        EXPECT_EQ(stats.threads, 0u);
        EXPECT_EQ(stats.allocations, 1000u);
        EXPECT_EQ(stats.live_objects, 0u);
    }
    EXPECT_EQ(allocate_many(pool, 1000).size(), 1000u);
    EXPECT_EQ(stats_of(pool).chunks, 1u);
    tarn_pool_destroy(pool);
    EXPECT_EQ(live_objects(), live);
}

// A pool is made and used with ever more memory: each allocation of tarn's fails in turn.
TEST(PoolWithoutMemory, EveryAllocationFailsInTurn) {
    const uint64_t live = live_objects();
    for (unsigned checked : {0u, unsigned{TARN_POOL_CHECKED}}) {
        unsigned refused_pools = 0, refused_objects = 0, served = 0;
        Famine famine;
        do {
            errno = 0;
            tarn_pool* pool = tarn_pool_create(48, 16, checked);
            if (!pool) {
                EXPECT_EQ(errno, ENOMEM);
                ++refused_pools;
                continue;
            }
            std::vector<void*> objects = allocate_many(pool, 500);
            if (objects.size() < 500) {
                EXPECT_EQ(errno, ENOMEM);
                EXPECT_EQ(tarn_pool_reserve(pool, 100000), -1);
                ++refused_objects;
            } else {
                ++served;
            }
            EXPECT_EQ(stats_of(pool).live_objects, objects.size());
            for (void* object : objects)
                tarn_pool_free(pool, object);
            EXPECT_EQ(stats_of(pool).live_objects, 0u);
            tarn_pool_trim(pool);
            tarn_pool_destroy(pool);
        } while (served < 3 && famine.give());
        EXPECT_GT(refused_pools, 0u);
        EXPECT_GT(refused_objects, 0u);
        EXPECT_EQ(served, 3u);
    }
    EXPECT_EQ(live_objects(), live);
}

}  // namespace
}  // namespace tarn
