/* SPDX-License-Identifier: MIT
 * Every function of buffer.h, from C. */
#define _GNU_SOURCE
#include "tarn/buffer.h"
#include "tarn/statistics.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#define CHECK(condition)   \
    ((condition) ? (void)0 \
                 : (fprintf(stderr, "%s:%d: not true: %s\n", __FILE__, __LINE__, #condition), abort()))

/* What holds after every function. */
static void check(const tarn_buffer* buffer) {
    static const unsigned char zeros[TARN_BUFFER_PADDING];
    const unsigned char* data = tarn_buffer_data(buffer);
    CHECK(tarn_buffer_size(buffer) <= tarn_buffer_capacity(buffer));
    CHECK(data != NULL || tarn_buffer_capacity(buffer) == 0);
    if (!data) return;
    CHECK((uintptr_t)data % tarn_buffer_alignment(buffer) == 0);
    CHECK(memcmp(data + tarn_buffer_size(buffer), zeros, sizeof zeros) == 0);
}

static unsigned char pattern(size_t i) {
    return (unsigned char)(i * 7 + 1);
}

static void check_pattern(const tarn_buffer* buffer, size_t length) {
    for (size_t i = 0; i < length; ++i)
        CHECK(tarn_buffer_data(buffer)[i] == pattern(i));
}

static void fill_to(tarn_buffer* buffer, size_t size) {
    const size_t before = tarn_buffer_size(buffer);
    unsigned char* end = tarn_buffer_extend(buffer, size - before);
    CHECK(end != NULL);
    for (size_t i = before; i < size; ++i)
        end[i - before] = pattern(i);
    check(buffer);
}

static void alignments_are_kept_at_every_size(void) {
    for (size_t alignment = 1; alignment <= TARN_BUFFER_ALIGNMENT_MAX; alignment *= 2) {
        tarn_buffer* buffer = tarn_buffer_create(alignment, TARN_BUFFER_DEFAULT);
        CHECK(buffer != NULL && tarn_buffer_data(buffer) == NULL && tarn_buffer_size(buffer) == 0);
        CHECK(tarn_buffer_alignment(buffer) == (alignment < 16 ? 16 : alignment));
        for (size_t size = 1; size < 3000000; size += size / 3 + 1) {
            fill_to(buffer, size);
            check_pattern(buffer, size < 5000 ? size : 5000);
        }
        check_pattern(buffer, tarn_buffer_size(buffer));
        for (size_t size = tarn_buffer_size(buffer); size > 0; size /= 2) {
            tarn_buffer_truncate(buffer, size);
            tarn_buffer_shrink_to_fit(buffer);
            check(buffer);
            CHECK(tarn_buffer_size(buffer) == size);
            check_pattern(buffer, size);
            CHECK(tarn_buffer_capacity(buffer) <=
                  (size > 32000 ? size + size / 3 + 70000 : 2 * size + 66000));
        }
        tarn_buffer_destroy(buffer);
    }
    tarn_buffer_destroy(NULL);
}

static void bad_arguments_are_refused(void) {
    static const size_t bad[] = {0, 3, 48, 8192, (size_t)1 << 40, SIZE_MAX};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; ++i) {
        errno = 0;
        CHECK(tarn_buffer_create(bad[i], TARN_BUFFER_DEFAULT) == NULL && errno == EINVAL);
        size_t capacity = 100;
        errno = 0;
        CHECK(tarn_buffer_memory_resize(NULL, bad[i], 0, &capacity, 0) == NULL && errno == EINVAL);
        CHECK(capacity == 100);
    }
    errno = 0;
    CHECK(tarn_buffer_create(64, 2) == NULL && errno == EINVAL);
}

static void resizing_makes_zeros(void) {
    tarn_buffer* buffer = tarn_buffer_create(64, TARN_BUFFER_DEFAULT);
    CHECK(tarn_buffer_resize(buffer, 0) == 0 && tarn_buffer_data(buffer) == NULL);
    CHECK(tarn_buffer_extend(buffer, 0) == NULL);
    fill_to(buffer, 1000);
    tarn_buffer_truncate(buffer, 10);
    check(buffer);
    CHECK(tarn_buffer_resize(buffer, 900) == 0);
    check(buffer);
    check_pattern(buffer, 10);
    for (size_t i = 10; i < 900; ++i)
        CHECK(tarn_buffer_data(buffer)[i] == 0);
    tarn_buffer_truncate(buffer, 2000); /* no more than there is */
    CHECK(tarn_buffer_size(buffer) == 900);
    CHECK(tarn_buffer_resize(buffer, 5) == 0 && tarn_buffer_size(buffer) == 5);
    check(buffer);
    CHECK(tarn_buffer_resize_uninitialized(buffer, 100000) == 0 && tarn_buffer_size(buffer) == 100000);
    check(buffer);
    check_pattern(buffer, 5);
    tarn_buffer_destroy(buffer);
}

static void reserving_does_not_change_contents(void) {
    tarn_buffer* buffer = tarn_buffer_create(32, TARN_BUFFER_DEFAULT);
    CHECK(tarn_buffer_reserve(buffer, 0) == 0 && tarn_buffer_data(buffer) == NULL);
    fill_to(buffer, 77);
    CHECK(tarn_buffer_reserve(buffer, 40000) == 0);
    check(buffer);
    check_pattern(buffer, 77);
    CHECK(tarn_buffer_capacity(buffer) >= 40000 && tarn_buffer_size(buffer) == 77);
    const unsigned char* data = tarn_buffer_data(buffer);
    const size_t capacity = tarn_buffer_capacity(buffer);
    fill_to(buffer, capacity);
    CHECK(tarn_buffer_data(buffer) == data && tarn_buffer_capacity(buffer) == capacity);
    tarn_buffer_truncate(buffer, 0);
    tarn_buffer_shrink_to_fit(buffer);
    CHECK(tarn_buffer_data(buffer) == NULL && tarn_buffer_capacity(buffer) == 0);
    tarn_buffer_destroy(buffer);
}

static void bytes_are_appended(void) {
    tarn_buffer* buffer = tarn_buffer_create(64, TARN_BUFFER_DEFAULT);
    CHECK(tarn_buffer_append(buffer, NULL, 0) == 0 && tarn_buffer_data(buffer) == NULL);
    for (size_t i = 0; i < 100000; ++i) {
        const unsigned char byte = pattern(i);
        CHECK(tarn_buffer_append(buffer, &byte, 1) == 0);
        if (i % 97 == 0) check(buffer);
    }
    check(buffer);
    check_pattern(buffer, 100000);
    tarn_buffer_destroy(buffer);
}

static void own_contents_are_appended(void) {
    tarn_buffer* buffer = tarn_buffer_create(16, TARN_BUFFER_DEFAULT);
    CHECK(tarn_buffer_append(buffer, "abc", 3) == 0);
    for (int i = 0; i < 18; ++i) {
        CHECK(tarn_buffer_append(buffer, tarn_buffer_data(buffer), tarn_buffer_size(buffer)) == 0);
        check(buffer);
    }
    CHECK(tarn_buffer_size(buffer) == (size_t)3 << 18);
    for (size_t i = 0; i < tarn_buffer_size(buffer); ++i)
        CHECK(tarn_buffer_data(buffer)[i] == "abc"[i % 3]);
    tarn_buffer_destroy(buffer);
}

static void growth_is_geometric(void) {
    tarn_buffer* buffer = tarn_buffer_create(64, TARN_BUFFER_DEFAULT);
    size_t growths = 0, capacity = 0, copied = 0;
    const size_t bytes = (size_t)20 << 20;
    for (size_t i = 0; i < bytes; ++i) {
        CHECK(tarn_buffer_append(buffer, "", 1) == 0);
        if (tarn_buffer_capacity(buffer) != capacity) {
            copied += capacity;
            ++growths;
        }
        capacity = tarn_buffer_capacity(buffer);
    }
    CHECK(growths < 30 && copied < 3 * bytes);
    tarn_buffer_destroy(buffer);
    CHECK(tarn_buffer_memory_growth(1000, 1001) == 2000 && tarn_buffer_memory_growth(1000, 5000) == 5000);
    CHECK(tarn_buffer_memory_growth(1 << 20, (1 << 20) + 1) == 3 << 19);
}

static void large_buffers_grow_without_copying(void) {
    tarn_buffer* buffer = tarn_buffer_create(4096, TARN_BUFFER_DEFAULT);
    tarn_stats before, after;
    CHECK(tarn_buffer_resize(buffer, 1 << 20) == 0);
    CHECK(tarn_stats_get(&before, sizeof before) == 0);
    for (size_t size = 2; size <= 64; size *= 2)
        CHECK(tarn_buffer_resize_uninitialized(buffer, size << 20) == 0);
    CHECK(tarn_stats_get(&after, sizeof after) == 0);
    CHECK(after.large_grown_in_place - before.large_grown_in_place >= 5);
    CHECK(after.allocations == before.allocations);
    check(buffer);
    tarn_buffer_destroy(buffer);
}

static void buffers_are_swapped_and_detached(void) {
    tarn_buffer* one = tarn_buffer_create(16, TARN_BUFFER_DEFAULT);
    tarn_buffer* other = tarn_buffer_create(4096, TARN_BUFFER_HUGE_PAGES);
    fill_to(one, 50000);
    const unsigned char* data = tarn_buffer_data(one);
    tarn_buffer_swap(one, other);
    CHECK(tarn_buffer_data(other) == data && tarn_buffer_size(other) == 50000);
    CHECK(tarn_buffer_alignment(other) == 16 && tarn_buffer_alignment(one) == 4096);
    CHECK(tarn_buffer_data(one) == NULL && tarn_buffer_size(one) == 0);
    tarn_buffer_swap(other, other);
    check_pattern(other, 50000);
    void* memory = tarn_buffer_detach(other);
    CHECK(memory == data && tarn_buffer_data(other) == NULL && tarn_buffer_capacity(other) == 0);
    fill_to(other, 10); /* still of use */
    free(memory);
    CHECK(tarn_buffer_detach(one) == NULL);
    tarn_buffer_destroy(one);
    tarn_buffer_destroy(other);
}

/* Each mapping that begins within [at, at + size): has it the flag? Needs its first page only. */
static int has_flag(const void* at, const char* flag) {
    char line[512];
    int within = 0, found = 0;
    FILE* maps = fopen("/proc/self/smaps", "r");
    CHECK(maps != NULL);
    while (fgets(line, sizeof line, maps)) {
        unsigned long from, to;
        if (sscanf(line, "%lx-%lx ", &from, &to) == 2)
            within = from <= (uintptr_t)at && (uintptr_t)at < to;
        else if (within && strncmp(line, "VmFlags:", 8) == 0)
            found = strstr(line, flag) != NULL;
    }
    fclose(maps);
    return found;
}

static void huge_pages_are_asked_for(void) {
    tarn_buffer* buffer = tarn_buffer_create(64, TARN_BUFFER_HUGE_PAGES);
    CHECK(tarn_buffer_resize(buffer, 1 << 20) == 0);
    CHECK(!has_flag(tarn_buffer_data(buffer), " hg"));
    tarn_buffer_resize(buffer, 0);
    for (size_t size = 5; size <= 40; size *= 2) {
        fill_to(buffer, size << 20);
        CHECK(has_flag(tarn_buffer_data(buffer), " hg"));
        CHECK(has_flag(tarn_buffer_data(buffer) + tarn_buffer_size(buffer) - 1, " hg"));
    }
    check_pattern(buffer, tarn_buffer_size(buffer));
    tarn_buffer_truncate(buffer, 6 << 20);
    tarn_buffer_shrink_to_fit(buffer);
    check_pattern(buffer, tarn_buffer_size(buffer));
    tarn_buffer_destroy(buffer);
    /* What was freed is used again, and by who asked for nothing. */
    tarn_buffer* plain = tarn_buffer_create(64, TARN_BUFFER_DEFAULT);
    for (size_t size = 1; size <= 48; size += 3)
        fill_to(plain, size << 20);
    check_pattern(plain, tarn_buffer_size(plain));
    tarn_buffer_destroy(plain);
}

static void memory_is_resized(void) {
    size_t capacity = 100;
    unsigned char* memory = tarn_buffer_memory_resize(NULL, 128, 0, &capacity, TARN_BUFFER_DEFAULT);
    CHECK(memory != NULL && capacity >= 100 && (uintptr_t)memory % 128 == 0);
    memset(memory, 5, capacity + TARN_BUFFER_PADDING);
    capacity = 1000000;
    memory = tarn_buffer_memory_resize(memory, 128, 60, &capacity, TARN_BUFFER_DEFAULT);
    CHECK(memory != NULL && capacity >= 1000000 && (uintptr_t)memory % 128 == 0);
    for (size_t i = 0; i < 60; ++i)
        CHECK(memory[i] == 5);
    tarn_buffer_memory_free(memory);
    tarn_buffer_memory_free(NULL);
}

static void too_much_is_refused_and_nothing_lost(void) {
    static const size_t huge[] = {SIZE_MAX, SIZE_MAX - 64, SIZE_MAX / 2, (size_t)1 << 62, (size_t)1 << 50};
    tarn_buffer* buffer = tarn_buffer_create(64, TARN_BUFFER_DEFAULT);
    fill_to(buffer, 3000);
    for (size_t i = 0; i < sizeof huge / sizeof *huge; ++i) {
        errno = 0;
        CHECK(tarn_buffer_reserve(buffer, huge[i]) == -1 && errno == ENOMEM);
        errno = 0;
        CHECK(tarn_buffer_resize(buffer, huge[i]) == -1 && errno == ENOMEM);
        CHECK(tarn_buffer_resize_uninitialized(buffer, huge[i]) == -1);
        errno = 0;
        CHECK(tarn_buffer_extend(buffer, huge[i]) == NULL && errno == ENOMEM);
        CHECK(tarn_buffer_append(buffer, "", huge[i]) == -1);
        CHECK(tarn_buffer_size(buffer) == 3000);
        check(buffer);
        check_pattern(buffer, 3000);
    }
    tarn_buffer_destroy(buffer);
}

/* The last function of the program: no more pages from the kernel, neither new ones nor of the region that is
 * already reserved. */
static void the_end_of_memory_loses_nothing(void) {
    enum { kHandlesMost = 8000000 };
    const struct rlimit limit = {(rlim_t)1, (rlim_t)1};
    tarn_buffer* large = tarn_buffer_create(4096, TARN_BUFFER_HUGE_PAGES);
    tarn_buffer* small = tarn_buffer_create(64, TARN_BUFFER_DEFAULT);
    fill_to(large, 1 << 20);
    fill_to(small, 300);
    CHECK(setrlimit(RLIMIT_DATA, &limit) == 0);
    size_t size = tarn_buffer_size(large);
    errno = 0;
    while (size < (1 << 30) && tarn_buffer_resize(large, 2 * size) == 0)
        size = tarn_buffer_size(large);
    CHECK(errno == ENOMEM && tarn_buffer_size(large) == size);
    check(large);
    check_pattern(large, 1 << 20);
    size = 300;
    while (size < (1 << 30) && tarn_buffer_append(small, tarn_buffer_data(small), 100) == 0)
        size += 100;
    CHECK(errno == ENOMEM && tarn_buffer_size(small) == size && size > 300);
    check(small);
    check_pattern(small, 300);
    tarn_buffer_truncate(large, 100000);
    errno = 0;
    tarn_buffer_shrink_to_fit(large);
    CHECK(errno == 0);
    check(large);
    check_pattern(large, 100000);
    int handles = 0;
    errno = 0;
    while (handles < kHandlesMost && tarn_buffer_create(64, TARN_BUFFER_DEFAULT))
        ++handles;
    CHECK(handles < kHandlesMost && errno == ENOMEM);
}

int main(void) {
    huge_pages_are_asked_for(); /* first: later ones would get memory that has them */
    alignments_are_kept_at_every_size();
    bad_arguments_are_refused();
    resizing_makes_zeros();
    reserving_does_not_change_contents();
    bytes_are_appended();
    own_contents_are_appended();
    growth_is_geometric();
    large_buffers_grow_without_copying();
    buffers_are_swapped_and_detached();
    memory_is_resized();
    too_much_is_refused_and_nothing_lost();
    the_end_of_memory_loses_nothing();
    return 0;
}
