// SPDX-License-Identifier: MIT
// Containers upon pools.
#include "tarn/pool_allocator.hpp"
#include "thread_sanitizer.h"

#include <gtest/gtest.h>

#include <cstring>
#include <list>
#include <map>
#include <string>
#include <thread>
#include <unordered_map>
#include <vector>

namespace tarn {
namespace {

tarn_pool_stats stats_of(const SizedPools& pools, size_t bytes) {
    tarn_pool_stats stats{};
    if (tarn_pool* pool = pools.pool_of(bytes)) tarn_pool_stats_get(pool, &stats, sizeof stats);
    return stats;
}
uint64_t live_in(const SizedPools& pools) {
    uint64_t live = 0;
    for (size_t bytes = SizedPools::kStep; bytes <= SizedPools::kMostBytes; bytes += SizedPools::kStep)
        live += stats_of(pools, bytes).live_objects;
    return live;
}

using Pair = std::pair<const int, std::string>;
using Map = std::map<int, std::string, std::less<>, PoolAllocator<Pair>>;

TEST(PoolAllocator, NodesOfAListComeFromOnePool) {
    SizedPools pools;
    {
        std::list<uint64_t, PoolAllocator<uint64_t>> list{PoolAllocator<uint64_t>(pools)};
        for (uint64_t i = 0; i < 1000; ++i)
            list.push_back(i);
        uint64_t sum = 0;
        for (uint64_t value : list)
            sum += value;
        EXPECT_EQ(sum, 499500u);
        EXPECT_EQ(live_in(pools), 1000u);
        EXPECT_EQ(stats_of(pools, 3 * sizeof(void*)).live_objects, 1000u);
    }
    EXPECT_EQ(live_in(pools), 0u);
    EXPECT_GT(pools.trim(), 0u);
}

TEST(PoolAllocator, MapsWithNodesAndTables) {
    SizedPools pools;
    {
        Map map{PoolAllocator<Pair>(pools)};
        std::unordered_map<int, int, std::hash<int>, std::equal_to<>,
                           PoolAllocator<std::pair<const int, int>>>
            table(8, PoolAllocator<std::pair<const int, int>>(pools));
        for (int i = 0; i < 3000; ++i) {
            map[i * 7919 % 3001] = std::to_string(i);
            table[i] = -i;
        }
        EXPECT_EQ(live_in(pools), 6000u);  // the table's array is none of a pool's
        for (int i = 0; i < 3000; ++i) {
            ASSERT_EQ(map.at(i * 7919 % 3001), std::to_string(i));
            ASSERT_EQ(table.at(i), -i);
        }
        for (int i = 0; i < 3000; i += 2)
            map.erase(i * 7919 % 3001);
        EXPECT_EQ(live_in(pools), 4500u);
    }
    EXPECT_EQ(live_in(pools), 0u);
}

TEST(PoolAllocator, ArraysAndWhatNoPoolServesGoElsewhere) {
    SizedPools pools;
    struct Large {
        char bytes[513];
    };
    struct alignas(64) Aligned {
        char bytes[64];
    };
    std::vector<int, PoolAllocator<int>> vector(100, 7, PoolAllocator<int>(pools));
    PoolAllocator<Large> large(pools);
    PoolAllocator<Aligned> aligned(pools);
    Large* const one_large = large.allocate(1);
    Aligned* const one_aligned = aligned.allocate(1);
    EXPECT_EQ(reinterpret_cast<uintptr_t>(one_aligned) % 64, 0u);
    EXPECT_EQ(live_in(pools), 0u);
    large.deallocate(one_large, 1);
    aligned.deallocate(one_aligned, 1);
    EXPECT_THROW(static_cast<void>(PoolAllocator<int>(pools).allocate(SIZE_MAX / 2)), std::bad_alloc);
}

TEST(PoolAllocator, EqualityMovesAndSwaps) {
    SizedPools a, b;
    EXPECT_EQ(PoolAllocator<int>(a), PoolAllocator<long>(a));
    EXPECT_NE(PoolAllocator<int>(a), PoolAllocator<int>(b));
    EXPECT_EQ(PoolAllocator<int>(), PoolAllocator<int>(SizedPools::shared()));
    Map in_a({{1, "one"}, {2, "two"}}, PoolAllocator<Pair>(a)), in_b({{3, "three"}}, PoolAllocator<Pair>(b));
    std::swap(in_a, in_b);
    EXPECT_EQ(in_a.get_allocator(), PoolAllocator<Pair>(b));
    EXPECT_EQ(in_b.at(2), "two");
    in_a = std::move(in_b);
    EXPECT_EQ(in_a.size(), 2u);
    EXPECT_EQ(live_in(b), 0u);
    const Map copy = in_a;
    EXPECT_EQ(copy.get_allocator(), in_a.get_allocator());
    EXPECT_EQ(live_in(a), 4u);
}

TEST(PoolAllocator, TheSharedPoolsServeAnyThread) {
    std::vector<std::thread> threads;
    const uint64_t before = live_in(SizedPools::shared());
    for (int t = 0; t < 4; ++t)
        threads.emplace_back([t] {
            std::list<int, PoolAllocator<int>> list;
            for (int i = 0; i < 2000; ++i) {
                list.push_back(i * t);
                if (i % 3 == 0) list.pop_front();
            }
        });
    for (std::thread& thread : threads)
        thread.join();
    EXPECT_EQ(live_in(SizedPools::shared()), before);
}

// Upstream that counts.
class Upstream : public std::pmr::memory_resource {
  public:
    int live = 0;
    size_t last_bytes = 0, last_alignment = 0;

  private:
    void* do_allocate(size_t bytes, size_t alignment) override {
        ++live, last_bytes = bytes, last_alignment = alignment;
        return std::pmr::new_delete_resource()->allocate(bytes, alignment);
    }
    void do_deallocate(void* memory, size_t bytes, size_t alignment) override {
        --live;
        std::pmr::new_delete_resource()->deallocate(memory, bytes, alignment);
    }
    bool do_is_equal(const memory_resource& other) const noexcept override { return this == &other; }
};

TEST(PoolResource, SmallFromPoolsLargeFromUpstream) {
    Upstream upstream;
    PoolResource resource(&upstream);
    EXPECT_EQ(resource.upstream_resource(), &upstream);
    for (size_t bytes : {0, 1, 16, 17, 511, 512}) {
        void* const memory = resource.allocate(bytes, 16);
        EXPECT_EQ(upstream.live, 0) << bytes;
        EXPECT_EQ(live_in(resource.pools()), 1u) << bytes;
        memset(memory, 1, bytes);
        resource.deallocate(memory, bytes, 16);
    }
    void* const large = resource.allocate(513, 8);
    EXPECT_EQ(upstream.last_bytes, 513u);
    void* const aligned = resource.allocate(32, 32);
    EXPECT_EQ(upstream.last_alignment, 32u);
    EXPECT_EQ(upstream.live, 2);
    EXPECT_EQ(live_in(resource.pools()), 0u);
    resource.deallocate(large, 513, 8);
    resource.deallocate(aligned, 32, 32);
    EXPECT_EQ(upstream.live, 0);
    PoolResource other;
    EXPECT_TRUE(resource == resource);
    EXPECT_FALSE(resource == other);
}

TEST(PoolResource, UnderPmrContainers) {
    PoolResource resource;
    std::pmr::map<int, std::pmr::string> map(&resource);
    for (int i = 0; i < 1000; ++i)
        map[i] = std::string(static_cast<size_t>(i), 'x');
    for (int i = 0; i < 1000; ++i)
        ASSERT_EQ(map[i].size(), static_cast<size_t>(i));
    EXPECT_GT(live_in(resource.pools()), 1400u);
}

}  // namespace
}  // namespace tarn
