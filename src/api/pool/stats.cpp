// SPDX-License-Identifier: MIT
// What a pool tells of itself: to the program, exactly and under its lock; to the reports without it, since
// they may be written while whoever holds it is gone.
#include <errno.h>
#include <string.h>

#include "api/pool/state.h"

namespace tarn::pool {

namespace {

constexpr int kTries = 1000;

struct Locals {
    uint64_t idle = 0, allocations = 0;
};
Locals sum_locals(const Pool& pool) {
    Locals sum;
    for_each_local(pool, [&](Local* local) {
        sum.idle += local->held();
        sum.allocations += local->allocations();
    });
    return sum;
}

// A local that is moved to the front meanwhile would be counted twice.
Locals sum_locals_unlocked(const Pool& pool) {
    for (int i = 0;; ++i) {
        const uint32_t before = pool.moves.load(std::memory_order_acquire);
        const Locals sum = sum_locals(pool);  // by loads that acquire
        if ((before % 2 == 0 && pool.moves.load(std::memory_order_relaxed) == before) || i == kTries)
            return sum;
    }
}

void count(Pool& pool, tarn_pool_stats& stats) {
    const Guard guard(pool.lock);
    const Locals locals = sum_locals(pool);
    const uint64_t idle = locals.idle + pool.depot.held();
    const uint64_t allocations = locals.allocations + pool.lone_allocations;
    const uint64_t carved = pool.chunks.carved(), fresh = pool.chunks.ever_carved();
    // Other threads go on while they are counted.
    const uint64_t live = idle < carved ? carved - idle : 0;
    stats.threads = pool.local_count;
    stats.object_size = pool.chunks.stride();
    stats.allocations = allocations;
    stats.live_objects = live < allocations ? live : allocations;
    stats.frees = allocations - stats.live_objects;
    stats.idle_objects = idle < carved ? idle : carved;
    stats.fresh = fresh < allocations ? fresh : allocations;
    stats.reused = allocations - stats.fresh;
    stats.chunks = pool.chunks.count();
    stats.chunk_bytes = pool.chunks.bytes();
    stats.hit_rate =
        allocations == 0 ? 0 : static_cast<double>(stats.reused) / static_cast<double>(allocations);
}

}  // namespace

void Pool::read(const Meter& meter, MeterCounts& counts) {
    const Pool& pool = static_cast<const Pool&>(meter);
    const Locals locals = sum_locals_unlocked(pool);
    const uint64_t idle = locals.idle + pool.depot.held(), carved = pool.chunks.carved();
    const uint64_t allocations = locals.allocations + pool.lone_allocations;
    const uint64_t fresh = pool.chunks.ever_carved();
    ++counts.pools;
    ++counts.pools_made;
    counts.pool_bytes += pool.chunks.bytes();
    counts.pool_allocations += allocations;
    counts.pool_fresh += fresh < allocations ? fresh : allocations;
    counts.pool_live_objects += idle < carved ? carved - idle : 0;
}

}  // namespace tarn::pool

using namespace tarn::pool;

int tarn_pool_stats_get(tarn_pool* pool, tarn_pool_stats* stats, size_t size) {
    if (!stats || size < offsetof(tarn_pool_stats, object_size)) {
        errno = EINVAL;
        return -1;
    }
    tarn_pool_stats now{};
    now.version = TARN_POOL_STATS_VERSION;
    count(of(pool), now);
    const size_t known = size < sizeof now ? size : sizeof now;
    memcpy(stats, &now, known);
    memset(reinterpret_cast<char*>(stats) + known, 0, size - known);
    return 0;
}
