/* SPDX-License-Identifier: MIT
 * Every function of heap.h, from C. */
#define _POSIX_C_SOURCE 200809L
#include "tarn/heap.h"
#include "tarn/statistics.h"

#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#define CHECK(condition)   \
    ((condition) ? (void)0 \
                 : (fprintf(stderr, "%s:%d: not true: %s\n", __FILE__, __LINE__, #condition), abort()))

enum { kChunk = 65536 };

static tarn_heap* make(uint64_t quota, uint64_t reserve, uint32_t flags) {
    tarn_heap_options options = {TARN_HEAP_VERSION, flags, quota, reserve, 0, NULL, NULL};
    tarn_heap* heap = tarn_heap_create(&options, sizeof options);
    CHECK(heap != NULL);
    return heap;
}

static tarn_heap_stats stats_of(tarn_heap* heap) {
    tarn_heap_stats stats;
    CHECK(tarn_heap_stats_get(heap, &stats, sizeof stats) == 0);
    uint64_t live = 0, objects = 0, chunks = 0;
    for (uint32_t i = 0; i < stats.classes; ++i) {
        live += stats.class_stats[i].live_objects * stats.class_stats[i].object_size;
        objects += stats.class_stats[i].live_objects;
        chunks += stats.class_stats[i].chunks;
    }
    CHECK(stats.version == TARN_HEAP_VERSION && stats.classes > 0);
    CHECK(stats.live_bytes == tarn_heap_live_bytes(heap) && stats.live_bytes <= stats.peak_bytes);
    CHECK(stats.live_objects == stats.allocations - stats.frees);
    CHECK(objects + stats.large_blocks == stats.live_objects);
    CHECK(stats.large_blocks > 0 ? live < stats.live_bytes : live == stats.live_bytes);
    CHECK(chunks + stats.empty_chunks <= stats.chunks);
    return stats;
}

static void every_size_is_served(uint32_t flags) {
    tarn_heap* heap = make(0, 0, flags);
    tarn_heap_name(heap, "all sizes"); /* without a profile nothing comes of it */
    const size_t sizes[] = {0,    1,    15,    16,    17,    255,   257,    1000,
                            4096, 8191, 16384, 32704, 32705, 65536, 300000, 5000000};
    unsigned char* all[16];
    for (size_t i = 0; i < 16; ++i) {
        all[i] = tarn_heap_allocate(heap, sizes[i]);
        CHECK(all[i] != NULL && (uintptr_t)all[i] % 16 == 0);
        CHECK(tarn_heap_usable_size(heap, all[i]) >= sizes[i]);
        memset(all[i], (int)i + 1, tarn_heap_usable_size(heap, all[i]));
    }
    for (size_t i = 0; i < 16; ++i)
        for (size_t at = 0; at < sizes[i]; ++at)
            CHECK(all[i][at] == i + 1);
    CHECK(stats_of(heap).live_objects == 16 && stats_of(heap).large_blocks == 4);
    for (size_t i = 0; i < 16; ++i)
        tarn_heap_free(heap, all[i]);
    tarn_heap_free(heap, NULL);
    CHECK(tarn_heap_usable_size(heap, NULL) == 0);
    CHECK(stats_of(heap).live_bytes == 0 && stats_of(heap).peak_bytes > 5400000);
    tarn_heap_destroy(heap);
}

static void every_alignment_is_served(uint32_t flags) {
    tarn_heap* heap = make(0, 0, flags);
    for (size_t alignment = 1; alignment <= (size_t)1 << 21; alignment *= 2)
        for (size_t size = 0; size < 200000; size = size * 3 + 1) {
            char* a = tarn_heap_allocate_aligned(heap, alignment, size);
            char* b = tarn_heap_allocate_aligned(heap, alignment, size);
            CHECK(a != NULL && b != NULL && a != b);
            CHECK((uintptr_t)a % alignment == 0 && (uintptr_t)b % alignment == 0);
            CHECK(tarn_heap_usable_size(heap, a) >= size);
            memset(a, 1, size);
            memset(b, 2, size);
            CHECK(size == 0 || (a[0] == 1 && a[size - 1] == 1));
            char* c = tarn_heap_reallocate(heap, a, size + 5000);
            CHECK(c != NULL && (size == 0 || (c[0] == 1 && c[size - 1] == 1)));
            tarn_heap_free(heap, b);
            tarn_heap_free(heap, c);
        }
    const size_t bad[] = {0, 3, 24, 4095};
    for (size_t i = 0; i < 4; ++i) {
        errno = 0;
        CHECK(tarn_heap_allocate_aligned(heap, bad[i], 8) == NULL && errno == EINVAL);
    }
    CHECK(stats_of(heap).live_objects == 0);
    tarn_heap_destroy(heap);
}

static void what_is_impossible_is_refused(void) {
    tarn_heap* heap = make(0, 0, 0);
    const size_t huge[] = {SIZE_MAX, SIZE_MAX / 2, SIZE_MAX / 4, (size_t)1 << 50};
    void* object = tarn_heap_allocate(heap, 100);
    for (size_t i = 0; i < 4; ++i) {
        errno = 0;
        CHECK(tarn_heap_allocate(heap, huge[i]) == NULL && errno == ENOMEM);
        CHECK(tarn_heap_allocate_aligned(heap, 4096, huge[i]) == NULL);
        CHECK(tarn_heap_allocate_aligned(heap, (size_t)1 << 62, 1) == NULL);
        CHECK(tarn_heap_reallocate(heap, object, huge[i]) == NULL);
    }
    errno = 0;
    CHECK(tarn_heap_allocate_zeroed(heap, SIZE_MAX / 2, 3) == NULL && errno == ENOMEM);
    CHECK(stats_of(heap).refusals == 17 && stats_of(heap).live_objects == 1);
    tarn_heap_destroy(heap);
}

static void zeroed_memory_is_zero(void) {
    tarn_heap* heap = make(0, 0, 0);
    for (size_t size = 1; size < 100000; size = size * 2 + 1) {
        void* dirty = tarn_heap_allocate(heap, size);
        memset(dirty, 0xff, size);
        tarn_heap_free(heap, dirty);
        const unsigned char* p = tarn_heap_allocate_zeroed(heap, 1, size);
        for (size_t i = 0; i < size; ++i)
            CHECK(p[i] == 0);
    }
    tarn_heap_destroy(heap);
}

static void resizing_keeps_contents(void) {
    tarn_heap* heap = make(0, 0, 0);
    unsigned char* p = NULL;
    size_t old = 0;
    for (size_t size = 1; size < 3000000; size = size * 5 / 4 + 1) {
        p = tarn_heap_reallocate(heap, p, size);
        CHECK(p != NULL);
        for (size_t i = 0; i < old; ++i)
            CHECK(p[i] == i % 251);
        for (size_t i = old; i < size; ++i)
            p[i] = (unsigned char)(i % 251);
        old = size;
    }
    for (size_t size = old; size > 0; size = size * 2 / 3) {
        p = tarn_heap_reallocate(heap, p, size);
        for (size_t i = 0; i < size; ++i)
            CHECK(p[i] == i % 251);
    }
    CHECK(tarn_heap_usable_size(heap, p) <= 64); /* it did shrink */
    CHECK(tarn_heap_reallocate(heap, p, 0) == NULL);
    CHECK(stats_of(heap).live_objects == 0);
    tarn_heap_destroy(heap);
}

static void the_quota_is_a_hard_limit(void) {
    tarn_heap* heap = make(100000, 0, 0);
    void* first = tarn_heap_allocate(heap, 64);
    size_t objects = 1;
    while (tarn_heap_allocate(heap, 64))
        ++objects;
    CHECK(errno == ENOMEM && objects == 100000 / 64);
    CHECK(stats_of(heap).live_bytes <= 100000 && stats_of(heap).refusals == 1);
    CHECK(tarn_heap_allocate(heap, 40000) == NULL);
    tarn_heap_free(heap, first);
    CHECK(tarn_heap_allocate(heap, 64) != NULL && tarn_heap_allocate(heap, 64) == NULL);
    tarn_heap_set_quota(heap, 100064);
    CHECK(tarn_heap_allocate(heap, 64) != NULL && tarn_heap_allocate(heap, 64) == NULL);
    tarn_heap_set_quota(heap, 1000); /* below what is live */
    CHECK(tarn_heap_allocate(heap, 1) == NULL && stats_of(heap).quota == 1000);
    tarn_heap_set_quota(heap, 0);
    CHECK(tarn_heap_allocate(heap, 1000000) != NULL && stats_of(heap).quota == 0);
    CHECK(stats_of(heap).peak_bytes == stats_of(heap).live_bytes);
    tarn_heap_destroy(heap);
}

static void shrinking_succeeds_at_the_quota(void) {
    tarn_heap* heap = make(100000, 0, 0);
    unsigned char* p = tarn_heap_allocate(heap, 60000);
    CHECK(p != NULL);
    memset(p, 7, 60000);
    while (tarn_heap_allocate(heap, 16)) {
    }
    const uint64_t refusals = stats_of(heap).refusals;
    p = tarn_heap_lua_allocate(heap, p, 60000, 100);
    CHECK(p != NULL && p[0] == 7 && p[99] == 7);
    CHECK(tarn_heap_lua_allocate(heap, p, 100, 70000) == NULL && stats_of(heap).refusals == refusals + 1);
    CHECK(tarn_heap_lua_allocate(heap, p, 100, 0) == NULL &&
          tarn_heap_lua_allocate(heap, NULL, 0, 0) == NULL);
    CHECK(tarn_heap_lua_allocate(heap, NULL, 5, 40) != NULL);
    tarn_heap_destroy(heap);
}

static void the_reserve_is_there_once_released(void) {
    tarn_heap* heap = make(10000, 4096, 0);
    while (tarn_heap_allocate(heap, 100)) {
    }
    const uint64_t at_quota = tarn_heap_live_bytes(heap);
    tarn_heap_release_reserve(heap);
    void* kept[100];
    int count = 0;
    while ((kept[count] = tarn_heap_allocate(heap, 100)) != NULL)
        ++count;
    CHECK(count > 4096 / 112 - 2 && tarn_heap_live_bytes(heap) <= 14096);
    errno = 0;
    CHECK(tarn_heap_restore_reserve(heap) == -1 && errno == EBUSY);
    while (count > 0)
        tarn_heap_free(heap, kept[--count]);
    CHECK(tarn_heap_live_bytes(heap) == at_quota && tarn_heap_restore_reserve(heap) == 0);
    CHECK(tarn_heap_allocate(heap, 200) == NULL);
    CHECK(stats_of(heap).reserve == 4096);
    tarn_heap_destroy(heap);
}

typedef struct Calls {
    int soft, quota, other;
    void* to_free;
    uint64_t new_quota;
    int reserve_used;
    size_t wanted;
} Calls;

static void called(tarn_heap* heap, enum tarn_heap_event event, size_t wanted, void* user) {
    Calls* calls = user;
    calls->wanted = wanted;
    *(event == TARN_HEAP_SOFT_LIMIT ? &calls->soft
      : event == TARN_HEAP_QUOTA    ? &calls->quota
                                    : &calls->other) += 1;
    if (event != TARN_HEAP_QUOTA) return;
    void* p = tarn_heap_allocate(heap, 64); /* of the reserve */
    calls->reserve_used += p != NULL;
    tarn_heap_free(heap, p);
    tarn_heap_free(heap, calls->to_free);
    calls->to_free = NULL;
    if (calls->new_quota) tarn_heap_set_quota(heap, calls->new_quota);
}

static void callbacks_are_called_when_limits_are_met(uint32_t flags) {
    Calls calls = {0};
    tarn_heap_options options = {TARN_HEAP_VERSION, flags, 10000, 1000, 5000, called, &calls};
    tarn_heap* heap = tarn_heap_create(&options, sizeof options);
    CHECK(heap != NULL);
    void* objects[100];
    for (int i = 0; i < 50; ++i)
        objects[i] = tarn_heap_allocate(heap, 96);
    CHECK(calls.soft == 0);
    for (int i = 50; i < 60; ++i)
        objects[i] = tarn_heap_allocate(heap, 96);
    CHECK(calls.soft == 1 && calls.wanted == 96); /* at 53, once */
    for (int i = 59; i >= 52; --i)
        tarn_heap_free(heap, objects[i]); /* 4992 are live: re-armed */
    for (int i = 52; i < 100; ++i)
        objects[i] = tarn_heap_allocate(heap, 96);
    CHECK(calls.soft == 2 && calls.quota == 0);
    calls.to_free = objects[0];
    for (int i = 0; i < 4; ++i)
        CHECK(tarn_heap_allocate(heap, 96) != NULL);
    CHECK(calls.quota == 0); /* 104 * 96 = 9984 */
    CHECK(tarn_heap_allocate(heap, 96) != NULL && calls.quota == 1 &&
          calls.reserve_used == 1); /* made room */
    CHECK(tarn_heap_allocate(heap, 96) == NULL && calls.quota == 2 && stats_of(heap).refusals == 1);
    calls.new_quota = 20000;
    CHECK(tarn_heap_allocate(heap, 96) != NULL && calls.quota == 3);
    CHECK(calls.soft == 2);
    tarn_heap_set_soft_limit(heap, 15000);
    while (calls.soft == 2)
        CHECK(tarn_heap_allocate(heap, 96) != NULL);
    CHECK(calls.soft == 3 && tarn_heap_live_bytes(heap) == 15072);
    tarn_heap_reset(heap); /* re-arms */
    while (calls.soft == 3)
        CHECK(tarn_heap_allocate(heap, 96) != NULL);
    CHECK(tarn_heap_live_bytes(heap) == 15072 && calls.other == 0);
    tarn_heap_destroy(heap);
}

static void reset_empties_and_destroy_gives_back(void) {
    tarn_heap* scratch = make(0, 0, 0); /* what all heaps keep in common is given back by trim */
    tarn_stats before, during, after;
    (void)tarn_heap_trim(scratch);
    CHECK(tarn_stats_get(&before, sizeof before) == 0);
    tarn_heap* heap = make(0, 200000, 0);
    CHECK(stats_of(heap).chunks == 4); /* of the reserve */
    for (int round = 0; round < 3; ++round) {
        for (int i = 0; i < 40000; ++i)
            CHECK(tarn_heap_allocate(heap, (size_t)(i % 700)) != NULL);
        CHECK(tarn_heap_allocate(heap, 1000000) != NULL);
        CHECK(tarn_heap_allocate_aligned(heap, 65536, 1000000) != NULL);
        CHECK(stats_of(heap).chunks > 200);
        tarn_heap_reset(heap);
        CHECK(tarn_heap_live_bytes(heap) == 0 && stats_of(heap).chunks == 4 + 16);
        CHECK(stats_of(heap).allocations == 40002u * (unsigned)(round + 1) &&
              stats_of(heap).large_blocks == 0);
    }
    (void)tarn_heap_trim(heap);
    CHECK(stats_of(heap).chunks == 4 && stats_of(heap).empty_chunks == 0);
    for (int i = 0; i < 40000; ++i)
        CHECK(tarn_heap_allocate(heap, 500) != NULL);
    CHECK(tarn_stats_get(&during, sizeof during) == 0);
    CHECK(during.live_bytes >= before.live_bytes + 20000000);
    tarn_heap_destroy(heap);
    (void)tarn_heap_trim(scratch);
    CHECK(tarn_stats_get(&after, sizeof after) == 0);
    CHECK(after.live_bytes == before.live_bytes && after.live_objects == before.live_objects);
    tarn_heap_destroy(scratch), tarn_heap_destroy(NULL);
}

static void empty_chunks_go_back(void) {
    enum { kMany = 20000 };
    static void* objects[kMany];
    tarn_heap* heap = make(0, 0, 0);
    for (int i = 0; i < kMany; ++i)
        objects[i] = tarn_heap_allocate(heap, 256);
    const uint64_t most = stats_of(heap).chunks;
    CHECK(most == (kMany + 254) / 255); /* 255 fit: nothing wasted but the header */
    for (int i = 0; i < kMany; ++i)
        tarn_heap_free(heap, objects[i]);
    CHECK(stats_of(heap).chunks <= 3 && stats_of(heap).live_bytes == 0);
    tarn_heap_destroy(heap);
}

static void options_are_checked(void) {
    tarn_heap_options options = TARN_HEAP_OPTIONS_INIT;
    tarn_heap* heap = tarn_heap_create(&options, sizeof options);
    CHECK(heap != NULL && stats_of(heap).quota == 0 && stats_of(heap).soft_limit == 0);
    tarn_heap_destroy(heap);
    errno = 0;
    CHECK(tarn_heap_create(NULL, 8) == NULL && errno == EINVAL);
    CHECK(tarn_heap_create(&options, 7) == NULL);
    heap = tarn_heap_create(&options, 8);
    CHECK(heap != NULL);
    tarn_heap_destroy(heap);
    options.version = 2;
    CHECK(tarn_heap_create(&options, sizeof options) == NULL);
    options.version = TARN_HEAP_VERSION;
    options.flags = 4;
    CHECK(tarn_heap_create(&options, sizeof options) == NULL);
}

#ifdef __SANITIZE_THREAD__ /* which needs address space itself */
static void memory_that_is_not_there_is_refused(void) {}
#else
/* Last: the process has little address space from here on. */
static void memory_that_is_not_there_is_refused(void) {
    static Calls calls;
    tarn_heap_options options = {TARN_HEAP_VERSION, 0, 0, 1 << 20, 0, called, &calls};
    tarn_heap* heap = tarn_heap_create(&options, sizeof options);
    CHECK(heap != NULL);
    const struct rlimit limit = {1 << 28, RLIM_INFINITY};
    CHECK(setrlimit(RLIMIT_AS, &limit) == 0);
    options.reserve = (uint64_t)1 << 32;
    errno = 0;
    CHECK(tarn_heap_create(&options, sizeof options) == NULL && errno == ENOMEM);
    uint64_t objects = 0;
    while (tarn_heap_allocate(heap, 30000))
        ++objects;
    CHECK(errno == ENOMEM && calls.other == 1 && calls.quota == 0);
    tarn_heap_stats stats = stats_of(heap);
    CHECK(stats.refusals == 1 && stats.live_objects == objects);
    CHECK(tarn_heap_allocate(heap, 1 << 28) == NULL);
    tarn_heap_release_reserve(heap); /* its chunks are there */
    for (int i = 0; i < 2 * (1 << 20) / 65536; ++i)
        CHECK(tarn_heap_allocate(heap, 30000) != NULL);
    tarn_heap_reset(heap);
    CHECK(stats_of(heap).live_bytes == 0);
    CHECK(tarn_heap_allocate(heap, 10000) != NULL);
    tarn_heap_destroy(heap);
}
#endif

static void stats_take_every_size(void) {
    tarn_heap* heap = make(0, 0, 0);
    unsigned char buffer[sizeof(tarn_heap_stats) + 64];
    tarn_heap_stats* stats = (tarn_heap_stats*)(void*)buffer;
    for (size_t size = 8; size <= sizeof buffer; size += 8) {
        memset(buffer, 0xa5, sizeof buffer);
        CHECK(tarn_heap_stats_get(heap, stats, size) == 0 && stats->version == TARN_HEAP_VERSION);
        CHECK(offsetof(tarn_heap_stats, class_stats) + stats->classes * sizeof(tarn_heap_class_stats) <=
                  size ||
              stats->classes == 0);
        for (size_t at = size; at < sizeof buffer; ++at)
            CHECK(buffer[at] == 0xa5);
    }
    errno = 0;
    CHECK(tarn_heap_stats_get(heap, stats, 7) == -1 && errno == EINVAL);
    CHECK(tarn_heap_stats_get(heap, NULL, sizeof *stats) == -1);
    tarn_heap_destroy(heap);
}

int main(void) {
    for (uint32_t flags = 0; flags < 4; ++flags) {
        every_size_is_served(flags);
        every_alignment_is_served(flags);
        callbacks_are_called_when_limits_are_met(flags);
    }
    what_is_impossible_is_refused();
    zeroed_memory_is_zero();
    resizing_keeps_contents();
    the_quota_is_a_hard_limit();
    shrinking_succeeds_at_the_quota();
    the_reserve_is_there_once_released();
    reset_empties_and_destroy_gives_back();
    empty_chunks_go_back();
    options_are_checked();
    stats_take_every_size();
    memory_that_is_not_there_is_refused();
    return 0;
}
