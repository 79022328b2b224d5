/* SPDX-License-Identifier: MIT
 * Every function of pool.h, from C, in one thread. */
#define _POSIX_C_SOURCE 200809L
#include "tarn/pool.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CHECK(condition)   \
    ((condition) ? (void)0 \
                 : (fprintf(stderr, "%s:%d: not true: %s\n", __FILE__, __LINE__, #condition), abort()))

enum { kMany = 10000, kFew = 200 };
static void* objects[kMany];

static tarn_pool* create(size_t size, size_t alignment) {
    tarn_pool* pool = tarn_pool_create(size, alignment, 0);
    CHECK(pool != NULL);
    return pool;
}

static void* allocate(tarn_pool* pool) {
    void* object = tarn_pool_allocate(pool);
    CHECK(object != NULL);
    return object;
}

static tarn_pool_stats stats_of(tarn_pool* pool) {
    tarn_pool_stats stats;
    memset(&stats, 0xa5, sizeof stats);
    CHECK(tarn_pool_stats_get(pool, &stats, sizeof stats) == 0);
    CHECK(stats.version == TARN_POOL_STATS_VERSION);
    CHECK(stats.fresh + stats.reused == stats.allocations);
    CHECK(stats.live_objects + stats.frees == stats.allocations);
    CHECK(stats.hit_rate >= 0 && stats.hit_rate <= 1);
    CHECK(stats.chunk_bytes >= (stats.live_objects + stats.idle_objects) * stats.object_size);
    return stats;
}

/* All pools are checked in hardened mode and by a tarn built for debugging; then threads have no stacks. */
static int all_are_checked(void) {
    tarn_pool* pool = create(48, 16);
    const int checked = tarn_pool_enter(pool)->owner == 0;
    tarn_pool_destroy(pool);
    return checked;
}

static void check_refused(size_t size, size_t alignment, unsigned options, int error) {
    errno = 0;
    CHECK(tarn_pool_create(size, alignment, options) == NULL);
    CHECK(errno == error);
}

static void create_refuses_what_makes_no_sense(void) {
    check_refused(0, 8, 0, EINVAL);
    check_refused(8, 0, 0, EINVAL);
    check_refused(8, 3, 0, EINVAL);
    check_refused(8, 8192, 0, EINVAL);
    check_refused(8, 8, 2, EINVAL);
    check_refused(8, 8, 0x80000001u, EINVAL);
    check_refused(SIZE_MAX, 1, 0, ENOMEM);
    check_refused(PTRDIFF_MAX, 16, TARN_POOL_CHECKED, ENOMEM);
    tarn_pool_destroy(NULL);
}

static void huge_objects_are_refused_and_nothing_else(void) {
    const size_t sizes[] = {(size_t)1 << 47, PTRDIFF_MAX / 2, PTRDIFF_MAX - 4096};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; ++i) {
        tarn_pool* pool = create(sizes[i], 16);
        errno = 0;
        CHECK(tarn_pool_allocate(pool) == NULL && errno == ENOMEM);
        errno = 0;
        CHECK(tarn_pool_reserve(pool, 4) == -1 && errno == ENOMEM);
        const tarn_pool_stats stats = stats_of(pool);
        CHECK(stats.allocations == 0 && stats.chunks == 0 && stats.hit_rate == 0);
        tarn_pool_destroy(pool);
    }
}

static void check_pattern(const unsigned char* object, size_t size, unsigned char value) {
    for (size_t i = 0; i < size; ++i)
        CHECK(object[i] == value);
}

/* Aligned, apart from each other, and the whole size may be written. */
static void check_objects(size_t size, size_t alignment, unsigned options) {
    tarn_pool* pool = tarn_pool_create(size, alignment, options);
    CHECK(pool != NULL);
    for (int i = 0; i < kFew; ++i) {
        objects[i] = allocate(pool);
        CHECK((uintptr_t)objects[i] % alignment == 0);
        memset(objects[i], i, size);
    }
    for (int i = 0; i < kFew; ++i)
        check_pattern(objects[i], size, (unsigned char)i);
    const size_t least = size < 8 ? 8 : size;
    CHECK(stats_of(pool).object_size == (least + alignment - 1) / alignment * alignment);
    CHECK(stats_of(pool).live_objects == kFew);
    for (int i = 0; i < kFew; i += 2)
        tarn_pool_free(pool, objects[i]);
    for (int i = 0; i < kFew; i += 2)
        memset(objects[i] = allocate(pool), i, size);
    for (int i = 0; i < kFew; ++i)
        check_pattern(objects[i], size, (unsigned char)i);
    CHECK(stats_of(pool).live_objects == kFew);
    tarn_pool_destroy(pool);
}

static void objects_of_every_size_and_alignment(void) {
    const size_t sizes[] = {1, 7, 8, 9, 24, 48, 100, 511, 4096, 5000, 100000};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; ++i)
        for (size_t alignment = 1; alignment <= 4096; alignment *= 2)
            check_objects(sizes[i], alignment, alignment % 3 == 1 ? TARN_POOL_CHECKED : 0);
}

static void the_object_freed_last_comes_first(void) {
    tarn_pool* pool = create(48, 16);
    for (int i = 0; i < 10; ++i)
        objects[i] = allocate(pool);
    for (int i = 0; i < 10; ++i)
        tarn_pool_free(pool, objects[i]);
    for (int i = 9; i >= 0; --i)
        CHECK(allocate(pool) == objects[i]);
    tarn_pool_destroy(pool);
}

static void free_keeps_errno_and_takes_null(void) {
    tarn_pool* pool = create(48, 16);
    for (int i = 0; i < kMany; ++i)
        objects[i] = allocate(pool);
    errno = 4711;
    tarn_pool_free(pool, NULL);
    for (int i = 0; i < kMany; ++i)
        tarn_pool_free(pool, objects[i]);
    CHECK(errno == 4711);
    CHECK(stats_of(pool).frees == kMany);
    tarn_pool_destroy(pool);
}

static void statistics_count_exactly(void) {
    tarn_pool* pool = create(48, 16);
    tarn_pool_stats stats = stats_of(pool);
    CHECK(stats.threads == 0 && stats.allocations == 0 && stats.chunks == 0 && stats.chunk_bytes == 0);
    for (int i = 0; i < kMany; ++i)
        objects[i] = allocate(pool);
    stats = stats_of(pool);
    CHECK(stats.threads == (all_are_checked() ? 0 : 1) && stats.allocations == kMany && stats.frees == 0 &&
          stats.live_objects == kMany);
    CHECK(stats.fresh == kMany && stats.reused == 0 && stats.hit_rate == 0);
    CHECK(stats.chunk_bytes < (uint64_t)kMany * 48 * 2);
    CHECK(stats.idle_objects <= 4096 / 48);
    CHECK(stats.chunks >= 4 && stats.chunks <= 30); /* they grow */
    for (int i = 0; i < kMany; ++i)
        tarn_pool_free(pool, objects[i]);
    stats = stats_of(pool);
    CHECK(stats.allocations == kMany && stats.frees == kMany && stats.live_objects == 0);
    const uint64_t chunks = stats.chunks;
    for (int i = 0; i < kMany; ++i)
        objects[i] = allocate(pool);
    stats = stats_of(pool);
    CHECK(stats.allocations == 2 * kMany && stats.live_objects == kMany && stats.chunks == chunks);
    CHECK(stats.reused + 4096 / 48 >= kMany && stats.reused <= kMany);
    CHECK(stats.hit_rate > 0.49 && stats.hit_rate <= 0.5);
    tarn_pool_destroy(pool);
}

static void statistics_of_other_versions(void) {
    tarn_pool* pool = create(48, 16);
    unsigned char buffer[sizeof(tarn_pool_stats) + 64];
    errno = 0;
    CHECK(tarn_pool_stats_get(pool, NULL, sizeof(tarn_pool_stats)) == -1 && errno == EINVAL);
    for (size_t size = 0; size <= sizeof buffer; ++size) {
        memset(buffer, 0xa5, sizeof buffer);
        tarn_pool_stats stats;
        const int result = tarn_pool_stats_get(pool, (tarn_pool_stats*)(void*)buffer, size);
        CHECK(result == (size < 8 ? -1 : 0));
        memcpy(&stats, buffer, sizeof stats);
        if (size >= 8) CHECK(stats.version == TARN_POOL_STATS_VERSION);
        if (size >= 16) CHECK(stats.object_size == 48);
        for (size_t i = sizeof stats; i < size; ++i)
            CHECK(buffer[i] == 0);
        for (size_t i = size < 8 ? 0 : size; i < sizeof buffer; ++i)
            CHECK(buffer[i] == 0xa5);
    }
    tarn_pool_destroy(pool);
}

static void reserved_objects_need_no_more_memory(void) {
    tarn_pool* pool = create(48, 16);
    for (int i = 0; i < 10; ++i)
        allocate(pool);
    CHECK(tarn_pool_reserve(pool, kMany) == 0);
    const tarn_pool_stats before = stats_of(pool);
    CHECK(before.chunk_bytes >= (uint64_t)kMany * 48 && before.chunks == 2);
    for (int i = 0; i < kMany; ++i)
        allocate(pool);
    CHECK(stats_of(pool).chunks == before.chunks);
    CHECK(tarn_pool_reserve(pool, 0) == 0);
    CHECK(stats_of(pool).chunks == before.chunks);
    errno = 0;
    CHECK(tarn_pool_reserve(pool, SIZE_MAX) == -1 && errno == ENOMEM);
    CHECK(tarn_pool_reserve(pool, SIZE_MAX / 48) == -1);
    CHECK(tarn_pool_reserve(pool, (size_t)1 << 42) == -1);
    CHECK(stats_of(pool).chunks == before.chunks && stats_of(pool).live_objects == kMany + 10);
    tarn_pool_destroy(pool);
}

static void trim_gives_back_chunks_without_live_objects(void) {
    tarn_pool* pool = create(48, 16);
    CHECK(tarn_pool_trim(pool) == 0);
    for (int i = 0; i < kMany; ++i)
        memset(objects[i] = allocate(pool), i, 48);
    CHECK(tarn_pool_trim(pool) == 0);
    for (int i = 0; i < kMany; ++i)
        if (i % 5000 != 0) tarn_pool_free(pool, objects[i]);
    const tarn_pool_stats before = stats_of(pool);
    const size_t trimmed = tarn_pool_trim(pool);
    tarn_pool_stats after = stats_of(pool);
    CHECK(trimmed > 0 && before.chunk_bytes - after.chunk_bytes == trimmed);
    CHECK(after.chunks <= 2 && after.live_objects == 2 && after.allocations == before.allocations);
    check_pattern(objects[0], 48, 0);
    check_pattern(objects[5000], 48, (unsigned char)(5000 % 256));
    for (int i = 1; i < 5000; ++i)
        memset(objects[i] = allocate(pool), i, 48);
    for (int i = 0; i <= 5000; ++i)
        check_pattern(objects[i], 48, (unsigned char)i);
    for (int i = 0; i <= 5000; ++i)
        tarn_pool_free(pool, objects[i]);
    after = stats_of(pool);
    CHECK(after.live_objects == 0 && tarn_pool_trim(pool) == after.chunk_bytes);
    after = stats_of(pool);
    CHECK(after.chunks == 0 && after.chunk_bytes == 0 && after.idle_objects == 0);
    tarn_pool_name(pool, "objects"); /* without a profile nothing comes of it */
    CHECK(tarn_pool_reserve(pool, 100) == 0 && tarn_pool_trim(pool) == 4800);
    tarn_pool_name(pool, NULL);
    tarn_pool_free(pool, allocate(pool));
    tarn_pool_destroy(pool);
}

static void* free_all_and_flush(void* pool) {
    for (int i = 0; i < kFew; ++i)
        tarn_pool_free(pool, objects[i]);
    CHECK(stats_of(pool).idle_objects >= kFew);
    tarn_pool_flush(pool);
    return NULL;
}

static void flushed_objects_go_to_other_threads(void) {
    tarn_pool* pool = create(1000, 8);
    for (int i = 0; i < kFew; ++i)
        objects[i] = allocate(pool);
    pthread_t thread;
    CHECK(pthread_create(&thread, NULL, free_all_and_flush, pool) == 0);
    CHECK(pthread_join(thread, NULL) == 0);
    const uint64_t chunks = stats_of(pool).chunks;
    for (int i = 0; i < kFew; ++i)
        allocate(pool);
    CHECK(stats_of(pool).chunks == chunks && stats_of(pool).live_objects == kFew);
    CHECK(stats_of(pool).threads == (all_are_checked() ? 0 : 2));
    tarn_pool_destroy(pool);
}

static void the_functions_behind_the_inline_ones(void) {
    tarn_pool* pool = create(48, 16);
    CHECK(tarn_pool_thread_pointer() == tarn_pool_self());
    void* object = tarn_pool_allocate_slow(pool);
    CHECK(object != NULL);
    tarn_pool_free_slow(pool, object);
    tarn_pool_free_slow(pool, NULL);
    CHECK(tarn_pool_allocate(pool) == object);
    CHECK(stats_of(pool).allocations == 2 && stats_of(pool).frees == 1);
    tarn_pool_destroy(pool);
}

static void entered_pools_are_the_same_pools(void) {
    for (unsigned options = 0; options <= TARN_POOL_CHECKED; ++options) {
        tarn_pool* pool = tarn_pool_create(48, 16, options);
        tarn_pool_local* local = tarn_pool_enter(pool);
        CHECK(local != NULL && local == tarn_pool_enter(pool));
        for (int i = 0; i < kMany; ++i) {
            objects[i] = i % 2 == 0 ? tarn_pool_allocate_by(pool, local) : allocate(pool);
            CHECK(objects[i] != NULL);
            memset(objects[i], i, 48);
        }
        for (int i = 0; i < kMany; ++i) {
            check_pattern(objects[i], 48, (unsigned char)i);
            if (i % 3 == 0)
                tarn_pool_free(pool, objects[i]);
            else
                tarn_pool_free_by(pool, local, objects[i]);
        }
        tarn_pool_free_by(pool, local, NULL);
        CHECK(stats_of(pool).allocations == kMany && stats_of(pool).live_objects == 0);
        tarn_pool_destroy(pool);
    }
}

int main(void) {
    create_refuses_what_makes_no_sense();
    huge_objects_are_refused_and_nothing_else();
    objects_of_every_size_and_alignment();
    the_object_freed_last_comes_first();
    free_keeps_errno_and_takes_null();
    statistics_count_exactly();
    statistics_of_other_versions();
    reserved_objects_need_no_more_memory();
    trim_gives_back_chunks_without_live_objects();
    flushed_objects_go_to_other_threads();
    the_functions_behind_the_inline_ones();
    entered_pools_are_the_same_pools();
    return 0;
}
