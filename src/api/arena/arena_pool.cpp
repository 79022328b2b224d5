// SPDX-License-Identifier: MIT
// arena_pool.h implemented: a stack of idle arenas, linked through themselves.
// Invariant: `numbers` and the list change together under the lock; numbers.idle_arenas is the length of the
// list, numbers.idle_bytes the sum of its arenas' heap_bytes; neither exceeds its limit. An arena is owned by
// the list or by one thread, so nobody reads one that he does not own, and no address can be mistaken for an
// older one (ABA): the list is never read without the lock.
#include "tarn/arena_pool.h"

#include <stddef.h>
#include <string.h>

#include <new>

#include "entry/entry.h"
#include "os/lock.h"

struct tarn_arena_pool {
    tarn::Lock lock;
    tarn_arena* idle;  // given back last on top
    tarn_arena_pool_stats numbers;
    const size_t idle_arenas_max, idle_bytes_max, first_chunk, largest_chunk;
};

namespace {

using Pool = tarn_arena_pool;

bool has_room(const Pool& pool, size_t bytes) {
    const tarn_arena_pool_stats& now = pool.numbers;
    return now.idle_arenas < pool.idle_arenas_max && bytes <= pool.idle_bytes_max &&
           now.idle_bytes <= pool.idle_bytes_max - bytes;
}

// False when there are enough already.
bool push(Pool& pool, tarn_arena* arena) {
    const tarn::Guard guard(pool.lock);
    if (!has_room(pool, arena->heap_bytes)) return false;
    arena->link = pool.idle;
    arena->name = nullptr;
    pool.idle = arena;
    pool.numbers.idle_arenas++;
    pool.numbers.idle_bytes += arena->heap_bytes;
    pool.numbers.kept++;
    return true;
}

// NULL when there is none.
tarn_arena* pop(Pool& pool) {
    const tarn::Guard guard(pool.lock);
    tarn_arena* arena = pool.idle;
    if (!arena) return nullptr;
    pool.idle = arena->link;
    pool.numbers.idle_arenas--;
    pool.numbers.idle_bytes -= arena->heap_bytes;
    pool.numbers.hits++;
    return arena;
}

void count(Pool& pool, uint64_t tarn_arena_pool_stats::*number) {
    const tarn::Guard guard(pool.lock);
    pool.numbers.*number += 1;
}

tarn_arena* take_all(Pool& pool, size_t& bytes) {
    const tarn::Guard guard(pool.lock);
    tarn_arena* all = pool.idle;
    bytes = pool.numbers.idle_bytes;
    pool.idle = nullptr;
    pool.numbers.idle_arenas = 0;
    pool.numbers.idle_bytes = 0;
    return all;
}

}  // namespace

tarn_arena_pool* tarn_arena_pool_create(size_t idle_arenas, size_t idle_bytes, size_t first_chunk,
                                        size_t largest_chunk) {
    // One arena, made and kept or freed, shows whether the sizes make sense.
    tarn_arena* first = tarn_arena_create(first_chunk, largest_chunk);
    if (!first) return nullptr;
    void* memory = tarn::allocate(sizeof(Pool));
    if (!memory) {
        tarn_arena_destroy(first);
        return nullptr;
    }
    const size_t arenas_max = idle_arenas < UINT32_MAX ? idle_arenas : UINT32_MAX;
    Pool* pool = new (memory) Pool{{}, nullptr, {}, arenas_max, idle_bytes, first_chunk, largest_chunk};
    pool->numbers.version = TARN_ARENA_POOL_STATS_VERSION;
    if (push(*pool, first))
        pool->numbers.kept = 0;
    else
        tarn_arena_destroy(first);
    return pool;
}

void tarn_arena_pool_destroy(tarn_arena_pool* pool) {
    if (!pool) return;
    tarn_arena_pool_trim(pool);
    tarn::release(pool);
}

tarn_arena* tarn_arena_pool_acquire(tarn_arena_pool* pool) {
    if (tarn_arena* arena = pop(*pool)) return arena;
    tarn_arena* arena = tarn_arena_create(pool->first_chunk, pool->largest_chunk);
    if (arena) count(*pool, &tarn_arena_pool_stats::misses);
    return arena;
}

void tarn_arena_pool_release(tarn_arena_pool* pool, tarn_arena* arena) {
    if (!arena) return;
    tarn_arena_reset(arena);
    if (push(*pool, arena)) return;
    if (tarn_arena_trim(arena) > 0 && push(*pool, arena)) return;
    tarn_arena_destroy(arena);
    count(*pool, &tarn_arena_pool_stats::freed);
}

size_t tarn_arena_pool_trim(tarn_arena_pool* pool) {
    size_t bytes;
    for (tarn_arena *next, *arena = take_all(*pool, bytes); arena; arena = next) {
        next = arena->link;
        tarn_arena_destroy(arena);
    }
    return bytes;
}

int tarn_arena_pool_stats_get(tarn_arena_pool* pool, tarn_arena_pool_stats* stats, size_t size) {
    if (!stats || size < offsetof(tarn_arena_pool_stats, idle_bytes)) return -1;
    tarn_arena_pool_stats now;
    {
        const tarn::Guard guard(pool->lock);
        now = pool->numbers;
    }
    const size_t known = size < sizeof now ? size : sizeof now;
    memcpy(stats, &now, known);
    memset(reinterpret_cast<char*>(stats) + known, 0, size - known);
    return 0;
}
