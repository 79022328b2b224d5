/* SPDX-License-Identifier: MIT
 * Every function of batch.h, from C. A failed check ends the program with the line that failed. */
#define _POSIX_C_SOURCE 200809L
#include "tarn/batch.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "tarn/statistics.h"

#define CHECK(condition)   \
    ((condition) ? (void)0 \
                 : (fprintf(stderr, "%s:%d: not true: %s\n", __FILE__, __LINE__, #condition), abort()))

enum { kFields = 4, kRowsMost = 3000, kSteps = 4000 };

/* The model: the same rows, as an array of structs. */
typedef struct row {
    uint32_t number;
    double price;
    char name[24];
    unsigned char flag;
} row;

static const tarn_batch_field fields[kFields] = {{sizeof(uint32_t), 0}, {sizeof(double), 0}, {24, 8}, {1, 0}};
static row model[kRowsMost];
static size_t rows;
static uint64_t state;

static uint64_t next_random(void) {
    state ^= state << 13, state ^= state >> 7, state ^= state << 17;
    return state;
}
static size_t below(size_t limit) {
    return (size_t)(next_random() % limit);
}

static uint32_t* numbers(const tarn_batch* b) {
    return tarn_batch_column(b, 0);
}
static double* prices(const tarn_batch* b) {
    return tarn_batch_column(b, 1);
}

static void check_same(const tarn_batch* b) {
    CHECK(tarn_batch_length(b) == rows && tarn_batch_capacity(b) >= rows);
    for (size_t i = 0; i < rows; ++i) {
        CHECK(numbers(b)[i] == model[i].number && prices(b)[i] == model[i].price);
        CHECK(memcmp((char*)tarn_batch_column(b, 2) + 24 * i, model[i].name, 24) == 0);
        CHECK(((unsigned char*)tarn_batch_column(b, 3))[i] == model[i].flag);
    }
}

static void push_random(tarn_batch* b) {
    row r;
    memset(&r, 0, sizeof r);
    r.number = (uint32_t)next_random();
    r.price = (double)below(50) - 25;
    snprintf(r.name, sizeof r.name, "item %zu", below(1000));
    r.flag = (unsigned char)below(2);
    const void* const pointers[kFields] = {&r.number, &r.price, r.name, r.flag ? &r.flag : NULL};
    CHECK(tarn_batch_push(b, pointers) == 0);
    model[rows++] = r;
}

static int compare_prices(const void* a, const void* b, void* context) {
    ++*(size_t*)context;
    const double x = *(const double*)a, y = *(const double*)b;
    return (x > y) - (x < y);
}

/* Insertion: stable, and too simple to be wrong. */
static void sort_model(int by_number) {
    for (size_t i = 1; i < rows; ++i) {
        const row r = model[i];
        size_t at = i;
        for (; at > 0 && (by_number ? r.number < model[at - 1].number : r.price < model[at - 1].price); --at)
            model[at] = model[at - 1];
        model[at] = r;
    }
}

static int is_positive(const void* price, void* context) {
    (void)context;
    return *(const double*)price > 0 ? 4 : 0;
}
static int is_even(const void* number, void* context) {
    (void)context;
    return *(const uint32_t*)number % 2 == 0;
}

static size_t keep_in_model(int positive) {
    size_t kept = 0;
    for (size_t i = 0; i < rows; ++i)
        if (positive ? model[i].price > 0 : model[i].number % 2 == 0) model[kept++] = model[i];
    const size_t gone = rows - kept;
    rows = kept;
    return gone;
}

static void sort_once(tarn_batch* b) {
    size_t comparisons = 0;
    switch (below(3)) {
        case 0:
            CHECK(tarn_batch_sort(b, 1, compare_prices, &comparisons) == 0);
            CHECK(comparisons <= rows * 20 + 16);
            sort_model(0);
            break;
        case 1:
            CHECK(tarn_batch_sort_numbers(b, 1, TARN_BATCH_DOUBLE) == 0);
            sort_model(0);
            break;
        default:
            CHECK(tarn_batch_sort_numbers(b, 0, TARN_BATCH_UINT32) == 0);
            sort_model(1);
            break;
    }
}

static void erase_once(tarn_batch* b) {
    if (rows == 0) return;
    if (below(2)) {
        const size_t at = below(rows);
        CHECK(tarn_batch_swap_erase(b, at) == 0);
        model[at] = model[--rows];
    } else {
        const size_t first = below(rows), count = below(rows - first < 5 ? rows - first + 1 : 6);
        CHECK(tarn_batch_erase(b, first, count) == 0);
        memmove(model + first, model + first + count, (rows - first - count) * sizeof *model);
        rows -= count;
    }
}

static void filter_once(tarn_batch* b) {
    static uint32_t selected[kRowsMost];
    switch (below(3)) {
        case 0:
            CHECK(tarn_batch_keep_if(b, 1, is_positive, NULL) == keep_in_model(1));
            break;
        case 1:
            CHECK(tarn_batch_keep_if(b, 0, is_even, NULL) == keep_in_model(0));
            break;
        default: {
            const size_t before = rows, count = tarn_batch_select_if(b, 1, is_positive, NULL, selected);
            CHECK(count == before - keep_in_model(1));
            CHECK(tarn_batch_keep(b, selected, count) == 0);
        }
    }
}

static void random_steps_are_as_on_structs(uint64_t seed) {
    printf("seed %llu\n", (unsigned long long)seed);
    state = seed;
    tarn_batch* b = tarn_batch_create(fields, kFields);
    CHECK(b != NULL);
    for (int step = 0; step < kSteps; ++step) {
        const size_t choice = below(100);
        if (choice < 80 && rows < kRowsMost)
            push_random(b);
        else if (choice < 92)
            erase_once(b);
        else if (choice < 95)
            sort_once(b);
        else if (choice < 96 && below(4) == 0)
            filter_once(b);
        else if (choice < 98)
            CHECK(tarn_batch_reserve(b, below(2 * rows + 1)) == 0);
        else
            CHECK(tarn_batch_shrink(b) == 0 && tarn_batch_capacity(b) == rows);
        if (step % 16 == 0) check_same(b);
    }
    check_same(b);
    CHECK(tarn_batch_keep_if(b, 0, is_even, NULL) == keep_in_model(0));
    check_same(b);
    tarn_batch_destroy(b);
    rows = 0;
}

static void columns_are_aligned_and_apart(void) {
    for (size_t alignment = 1; alignment <= 8192; alignment *= 2)
        for (size_t count = 1; count < 5000; count = count * 3 + 1) {
            const tarn_batch_field wide[3] = {{1, 0}, {alignment, alignment}, {12, 4}};
            tarn_batch* b = tarn_batch_create(wide, 3);
            CHECK(b && tarn_batch_column(b, 0) == NULL && tarn_batch_resize(b, count) == 0);
            char* begin[3];
            for (size_t i = 0; i < 3; ++i) {
                begin[i] = tarn_batch_column(b, i);
                CHECK((uintptr_t)begin[i] % 64 == 0);
                const size_t whole_lines = (wide[i].size * tarn_batch_capacity(b) + 63) / 64 * 64;
                CHECK(i == 0 ||
                      begin[i - 1] + (wide[i - 1].size * tarn_batch_capacity(b) + 63) / 64 * 64 <= begin[i]);
                for (size_t at = 0; at < wide[i].size * count; ++at)
                    CHECK(begin[i][at] == 0); /* new rows are zeros */
                memset(begin[i], (int)i + 1, whole_lines);
            }
            CHECK((uintptr_t)begin[1] % alignment == 0);
            for (size_t i = 0; i < 3; ++i)
                CHECK(begin[i][0] == (char)(i + 1) && begin[i][wide[i].size * count - 1] == (char)(i + 1));
            tarn_batch_destroy(b);
        }
}

static uint64_t live_now(void) {
    static tarn_stats stats;
    CHECK(tarn_stats_get(&stats, sizeof stats) == 0);
    return stats.live_objects;
}
static uint64_t allocations_now(void) {
    static tarn_stats stats;
    CHECK(tarn_stats_get(&stats, sizeof stats) == 0);
    return stats.allocations;
}

static void all_columns_are_one_allocation(void) {
    (void)live_now();
    const uint64_t live = live_now();
    tarn_batch* b = tarn_batch_create(fields, kFields);
    CHECK(b && live_now() == live + 1); /* the handle */
    CHECK(tarn_batch_resize(b, 1000) == 0 && live_now() == live + 2);
    CHECK(tarn_batch_resize(b, 100000) == 0 && live_now() == live + 2);
    CHECK(tarn_batch_resize(b, 0) == 0 && tarn_batch_shrink(b) == 0 && live_now() == live + 1);
    const uint64_t before = allocations_now();
    for (uint32_t i = 0; i < 100000; ++i) {
        const void* const pointers[kFields] = {&i, NULL, NULL, NULL};
        CHECK(tarn_batch_push(b, pointers) == 0);
    }
    CHECK(allocations_now() - before <= 14); /* 16 rows, then twofold */
    tarn_batch_destroy(b);
    CHECK(live_now() == live);
    tarn_batch_destroy(NULL);
}

static void a_row_of_the_batch_can_be_pushed(void) {
    tarn_batch* b = tarn_batch_create(fields, kFields);
    CHECK(b != NULL);
    rows = 0;
    state = 7;
    push_random(b);
    for (size_t i = 1; i < 500; ++i) { /* through every growth */
        const void* pointers[kFields];
        for (size_t f = 0; f < kFields; ++f)
            pointers[f] = tarn_batch_column(b, f);
        CHECK(tarn_batch_push(b, pointers) == 0);
        model[rows++] = model[0];
    }
    check_same(b);
    tarn_batch_destroy(b);
    rows = 0;
}

static void all_numbers_are_sorted(void) {
    const int32_t i32[] = {5, -3, INT32_MAX, INT32_MIN, 0, -1};
    const int64_t i64[] = {5, -3, INT64_MAX, INT64_MIN, 0, -1};
    const uint64_t u64[] = {5, UINT64_MAX, 0, 1ull << 63, 7, 6};
    const float f[] = {1.5f, -2.5f, 0.0f, -0.0f, 1e30f, -1e30f};
    const tarn_batch_field four[] = {{4, 0}, {8, 0}, {8, 0}, {4, 0}, {1, 0}};
    const struct {
        size_t field;
        enum tarn_batch_number number;
        const char* order;
    } cases[] = {{0, TARN_BATCH_INT32, "\3\1\5\4\0\2"},
                 {1, TARN_BATCH_INT64, "\3\1\5\4\0\2"},
                 {2, TARN_BATCH_UINT64, "\2\0\5\4\3\1"},
                 {3, TARN_BATCH_FLOAT, "\5\1\2\3\0\4"}};
    for (size_t c = 0; c < 4; ++c) {
        tarn_batch* b = tarn_batch_create(four, 5);
        for (char i = 0; i < 6; ++i) {
            const void* const row_of[] = {&i32[(int)i], &i64[(int)i], &u64[(int)i], &f[(int)i], &i};
            CHECK(tarn_batch_push(b, row_of) == 0);
        }
        CHECK(tarn_batch_sort_numbers(b, cases[c].field, cases[c].number) == 0);
        CHECK(memcmp(tarn_batch_column(b, 4), cases[c].order, 6) == 0);
        errno = 0;
        CHECK(tarn_batch_sort_numbers(b, 4, TARN_BATCH_INT32) == -1 && errno == EINVAL);
        CHECK(tarn_batch_sort_numbers(b, 0, (enum tarn_batch_number)0) == -1);
        tarn_batch_destroy(b);
    }
}

static void bad_arguments_are_refused(void) {
    const tarn_batch_field bad[][1] = {{{0, 0}}, {{8, 3}}, {{8, 16}}, {{(size_t)1 << 21, (size_t)1 << 21}}};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; ++i) {
        errno = 0;
        CHECK(tarn_batch_create(bad[i], 1) == NULL && errno == EINVAL);
    }
    CHECK(tarn_batch_create(fields, 0) == NULL && tarn_batch_create(NULL, 1) == NULL);
    CHECK(tarn_batch_create(fields, 65537) == NULL);
    tarn_batch* b = tarn_batch_create(fields, kFields);
    CHECK(b && tarn_batch_resize(b, 10) == 0);
    const uint32_t unordered[] = {1, 3, 3}, beyond[] = {1, 10};
    errno = 0;
    CHECK(tarn_batch_keep(b, unordered, 3) == -1 && errno == EINVAL && tarn_batch_keep(b, beyond, 2) == -1);
    CHECK(tarn_batch_erase(b, 11, 0) == -1 && tarn_batch_erase(b, 5, 6) == -1 &&
          tarn_batch_erase(b, 1, SIZE_MAX) == -1);
    CHECK(tarn_batch_swap_erase(b, 10) == -1 && tarn_batch_length(b) == 10);
    tarn_batch_destroy(b);
}

static void without_memory_nothing_is_lost(void) {
    tarn_batch* b = tarn_batch_create(fields, kFields);
    rows = 0;
    state = 99;
    while (rows < kRowsMost)
        push_random(b);
    const size_t huge[] = {UINT32_MAX, (size_t)UINT32_MAX + 1, SIZE_MAX / 2, SIZE_MAX};
    const tarn_batch_field wide[] = {{(size_t)1 << 62, 1}, {(size_t)1 << 62, 1}, {8, 8}};
    tarn_batch* w = tarn_batch_create(wide, 3);
    CHECK(w && tarn_batch_resize(w, 1) == -1 && tarn_batch_length(w) == 0 && errno == ENOMEM);
    tarn_batch_destroy(w);
    const tarn_batch_field byte[] = {{1, 1}};
    w = tarn_batch_create(byte, 1);
    CHECK(w && tarn_batch_resize(w, (size_t)UINT32_MAX + 1) == -1 && tarn_batch_capacity(w) == 0);
    tarn_batch_destroy(w);
    struct rlimit before, tight = {1, 1};
    CHECK(getrlimit(RLIMIT_AS, &before) == 0);
    tight.rlim_max = before.rlim_max;
    CHECK(setrlimit(RLIMIT_AS, &tight) == 0);
    for (size_t i = 0; i < 4; ++i) {
        errno = 0;
        CHECK(tarn_batch_reserve(b, huge[i]) == -1 && errno == ENOMEM);
        CHECK(tarn_batch_resize(b, huge[i]) == -1 && errno == ENOMEM);
    }
    check_same(b);
    CHECK(setrlimit(RLIMIT_AS, &before) == 0);
    sort_model(1);
    CHECK(tarn_batch_sort_numbers(b, 0, TARN_BATCH_UINT32) == 0);
    check_same(b);
    tarn_batch_destroy(b);
    rows = 0;
}

int main(void) {
    all_columns_are_one_allocation();
    for (uint64_t seed = 1; seed <= 8; ++seed)
        random_steps_are_as_on_structs(seed * 0x9e3779b97f4a7c15ull);
    columns_are_aligned_and_apart();
    a_row_of_the_batch_can_be_pushed();
    all_numbers_are_sorted();
    bad_arguments_are_refused();
    without_memory_nothing_is_lost();
    return 0;
}
