/* SPDX-License-Identifier: MIT
 * Every function of arena_pool.h, from C, in one thread; arena_pool_test.cpp has many. */
#include "tarn/arena_pool.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tarn/tarn.h"

#define CHECK(condition)   \
    ((condition) ? (void)0 \
                 : (fprintf(stderr, "%s:%d: not true: %s\n", __FILE__, __LINE__, #condition), abort()))

static tarn_arena_pool_stats stats_of(tarn_arena_pool* pool) {
    tarn_arena_pool_stats stats;
    CHECK(tarn_arena_pool_stats_get(pool, &stats, sizeof stats) == 0);
    CHECK(stats.version == TARN_ARENA_POOL_STATS_VERSION);
    return stats;
}

static uint64_t live_objects(void) {
    tarn_stats stats;
    CHECK(tarn_stats_get(&stats, sizeof stats) == 0);
    return stats.live_objects;
}

static int cleaned;
static void clean(void* context) {
    cleaned += *(int*)context;
}

static void arenas_come_back_reset(void) {
    tarn_arena_pool* pool = tarn_arena_pool_create(4, 1 << 20, 0, 0);
    CHECK(pool != NULL && stats_of(pool).kept == 0);
    tarn_arena* arena = tarn_arena_pool_acquire(pool);
    int* one = tarn_arena_allocate(arena, sizeof *one, sizeof *one);
    *one = 1;
    CHECK(tarn_arena_on_rewind(arena, clean, one) == 0);
    CHECK(tarn_arena_allocate(arena, 50000, 8) != NULL);
    tarn_arena_pool_release(pool, arena);
    CHECK(cleaned == 1);
    CHECK(tarn_arena_pool_acquire(pool) == arena);
    tarn_arena_stats stats;
    CHECK(tarn_arena_stats_get(arena, &stats, sizeof stats) == 0 && stats.used == 0 && stats.larges == 0);
    tarn_arena_pool_release(pool, arena);
    tarn_arena_pool_release(pool, NULL);
    const tarn_arena_pool_stats now = stats_of(pool);
    CHECK(now.hits == 2 && now.misses == 0 && now.kept == 2 && now.freed == 0 && now.idle_arenas == 1);
    tarn_arena_pool_destroy(pool);
    tarn_arena_pool_destroy(NULL);
}

static void limits_hold(size_t arenas, size_t bytes) {
    enum { kArenas = 10 };
    tarn_arena* held[kArenas];
    tarn_arena_pool* pool = tarn_arena_pool_create(arenas, bytes, 1024, 65536);
    for (int round = 0; round < 3; ++round) {
        for (int i = 0; i < kArenas; ++i) {
            held[i] = tarn_arena_pool_acquire(pool);
            CHECK(held[i] != NULL);
            for (int j = 0; j < i * 50; ++j)
                CHECK(tarn_arena_allocate(held[i], 100, 8) != NULL);
        }
        CHECK(stats_of(pool).idle_arenas == 0 && stats_of(pool).idle_bytes == 0);
        for (int i = 0; i < kArenas; ++i) {
            tarn_arena_pool_release(pool, held[i]);
            CHECK(stats_of(pool).idle_arenas <= arenas && stats_of(pool).idle_bytes <= bytes);
        }
    }
    const tarn_arena_pool_stats now = stats_of(pool);
    CHECK(now.hits + now.misses == 3 * kArenas && now.kept + now.freed == 3 * kArenas);
    CHECK((now.idle_arenas == 0) == (now.idle_bytes == 0));
    CHECK(now.idle_arenas == (arenas < kArenas ? arenas : kArenas) || bytes < kArenas * 1024);
    CHECK(tarn_arena_pool_trim(pool) == now.idle_bytes && stats_of(pool).idle_arenas == 0);
    tarn_arena_pool_destroy(pool);
}

/* One with too many bytes is kept without its chunks. */
static void a_big_arena_is_kept_small(void) {
    tarn_arena_pool* pool = tarn_arena_pool_create(4, 5000, 4096, 65536);
    tarn_arena* arena = tarn_arena_pool_acquire(pool);
    for (int i = 0; i < 1000; ++i)
        CHECK(tarn_arena_allocate(arena, 100, 8) != NULL);
    char* large = tarn_arena_allocate(arena, 100000, 8);
    large = tarn_arena_resize(arena, large, 100000, 300000, 8);
    CHECK(large != NULL && tarn_arena_allocate(arena, 100000, 8) != NULL);
    tarn_arena_pool_release(pool, arena);
    CHECK(stats_of(pool).idle_arenas == 1 && stats_of(pool).idle_bytes == 4096);
    tarn_arena_pool_destroy(pool);
}

static void what_cannot_be_is_refused(void) {
    errno = 0;
    CHECK(!tarn_arena_pool_create(1, 1, 8192, 4096) && errno == EINVAL);
    errno = 0;
    CHECK(!tarn_arena_pool_create(1, 1, SIZE_MAX, 0) && errno == ENOMEM);
    tarn_arena_pool* pool = tarn_arena_pool_create(SIZE_MAX, SIZE_MAX, 0, 0);
    unsigned char room[sizeof(tarn_arena_pool_stats) + 8];
    memset(room, 0xee, sizeof room);
    CHECK(tarn_arena_pool_stats_get(pool, NULL, sizeof room) == -1);
    CHECK(tarn_arena_pool_stats_get(pool, (tarn_arena_pool_stats*)(void*)room, 7) == -1);
    CHECK(tarn_arena_pool_stats_get(pool, (tarn_arena_pool_stats*)(void*)room, 8) == 0 && room[8] == 0xee);
    CHECK(tarn_arena_pool_stats_get(pool, (tarn_arena_pool_stats*)(void*)room, sizeof room) == 0);
    CHECK(room[sizeof room - 1] == 0);
    tarn_arena_pool_destroy(pool);
}

int main(void) {
    const uint64_t live = live_objects();
    arenas_come_back_reset();
    limits_hold(4, 1 << 20);
    limits_hold(100, 100000);
    limits_hold(100, 1 << 20);
    limits_hold(100, 3000);
    limits_hold(0, 1 << 20);
    limits_hold(4, 0);
    a_big_arena_is_kept_small();
    what_cannot_be_is_refused();
    CHECK(live_objects() == live);
    return 0;
}
