/* SPDX-License-Identifier: MIT
 * Every function of metrics.h, from C, in a program that runs under tarn. */
#define _POSIX_C_SOURCE 200809L
#include "tarn/metrics.h"

#include <errno.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#define CHECK(condition)   \
    ((condition) ? (void)0 \
                 : (fprintf(stderr, "%s:%d: not true: %s\n", __FILE__, __LINE__, #condition), abort()))

enum { kObjects = 1000, kSize = 48, kLarge = 100000 };

static void* volatile seen; /* kept from the optimiser */

static void* allocate(size_t size) {
    void* object = malloc(size);
    CHECK(object != NULL);
    seen = object;
    return object;
}

static tarn_metrics end(tarn_metrics_scope* scope) {
    tarn_metrics result;
    CHECK(tarn_metrics_end(scope, &result, sizeof result) == 0);
    CHECK(result.version == TARN_METRICS_VERSION);
    CHECK(result.allocations == result.small_allocations + result.large_allocations);
    CHECK(result.fresh + result.reused == result.small_allocations);
    CHECK(result.live_bytes == (int64_t)(result.bytes_allocated - result.bytes_freed));
    CHECK(result.live_objects == (int64_t)(result.allocations - result.frees));
    CHECK(result.peak_bytes <= result.peak_bytes_most);
    CHECK(result.live_bytes <= (int64_t)result.peak_bytes);
    return result;
}

static void begin(tarn_metrics_scope* scope) {
    CHECK(tarn_metrics_begin(scope, TARN_METRICS_SAMPLED) == 0);
}

static void an_empty_scope_counts_nothing(void) {
    tarn_metrics_scope scope;
    begin(&scope);
    const tarn_metrics m = end(&scope);
    CHECK(m.threads == 1 && m.scopes == 1);
    CHECK(m.allocations == 0 && m.frees == 0 && m.bytes_allocated == 0 && m.bytes_freed == 0);
    CHECK(m.peak_bytes == 0 && m.peak_bytes_most == 0 && m.pool_hit_rate <= 0);
}

static void small_objects_are_counted_exactly(void) {
    static void* objects[kObjects];
    tarn_metrics_scope scope, frees;
    begin(&scope);
    for (int i = 0; i < kObjects; ++i)
        objects[i] = allocate(kSize);
    const tarn_metrics m = end(&scope);
    CHECK(m.allocations == kObjects && m.frees == 0 && m.small_allocations == kObjects);
    CHECK(m.bytes_allocated == kObjects * kSize && m.live_bytes == kObjects * kSize);
    CHECK(m.peak_bytes == kObjects * kSize && m.peak_bytes_most == m.peak_bytes); /* it only grew */
    begin(&frees);
    for (int i = 0; i < kObjects; ++i)
        free(objects[i]);
    const tarn_metrics f = end(&frees);
    CHECK(f.allocations == 0 && f.frees == kObjects && f.bytes_freed == kObjects * kSize);
    CHECK(f.live_objects == -kObjects && f.live_bytes == -kObjects * kSize);
    CHECK(f.peak_bytes == 0 && f.peak_bytes_most == 0 && f.remote_frees == 0);
}

static void what_was_freed_before_is_reused(void) {
    tarn_metrics_scope scope;
    for (int i = 0; i < 10; ++i)
        free(allocate(kSize));
    begin(&scope);
    for (int i = 0; i < kObjects; ++i)
        free(allocate(kSize));
    const tarn_metrics m = end(&scope);
    CHECK(m.allocations == kObjects && m.frees == kObjects && m.live_bytes == 0);
    CHECK(m.reused == kObjects && m.pool_hit_rate >= 1 && m.pool_hit_rate <= 1);
    CHECK(m.peak_bytes_most >= kSize && m.peak_bytes_most <= 200 << 10);
}

static void large_blocks_are_counted(void) {
    tarn_metrics_scope scope;
    begin(&scope);
    char* block = allocate(kLarge);
    tarn_metrics m;
    CHECK(tarn_metrics_read(&scope, &m, sizeof m) == 0);
    CHECK(m.large_allocations == 1 && m.small_allocations == 0 && m.live_bytes >= kLarge);
    const int64_t before = m.live_bytes;
    block = realloc(block, 10 * kLarge);
    CHECK(block != NULL);
    CHECK(tarn_metrics_read(&scope, &m, sizeof m) == 0);
    CHECK(m.large_allocations == 1 && m.large_frees == 0);
    CHECK(m.live_bytes >= 10 * kLarge && m.live_bytes > before);
    free(block);
    m = end(&scope);
    CHECK(m.allocations == 1 && m.frees == 1 && m.large_frees == 1 && m.live_bytes == 0);
    CHECK(m.peak_bytes >= 10 * kLarge && m.peak_bytes <= m.peak_bytes_most);
}

static void scopes_nest(void) {
    tarn_metrics_scope outer, inner, second;
    begin(&outer);
    void* a = allocate(1000);
    begin(&inner);
    void* b = allocate(3000);
    free(b);
    const tarn_metrics i = end(&inner);
    free(a);
    begin(&second);
    const tarn_metrics s = end(&second);
    const tarn_metrics o = end(&outer);
    CHECK(i.allocations == 1 && i.frees == 1 && i.peak_bytes_most >= 3000 && i.live_bytes == 0);
    CHECK(s.allocations == 0 && s.peak_bytes_most == 0);
    CHECK(o.allocations == 2 && o.frees == 2 && o.peak_bytes_most >= 4000);
    CHECK(o.peak_bytes >= 1000);
}

static void an_exact_scope_has_an_exact_peak(void) {
    tarn_metrics_scope scope;
    CHECK(tarn_metrics_begin(&scope, TARN_METRICS_EXACT) == 0);
    for (int i = 0; i < 100; ++i) {
        void* a = allocate(1024);
        void* b = calloc(1, 512);
        seen = b;
        free(a);
        free(b);
    }
    const tarn_metrics m = end(&scope);
    CHECK(m.allocations == 200 && m.frees == 200);
    CHECK(m.peak_bytes == 1536 && m.peak_bytes_most == 1536);
}

static void ending_an_outer_scope_ends_the_inner_ones(void) {
    tarn_metrics_scope outer, inner;
    tarn_metrics m;
    begin(&outer);
    CHECK(tarn_metrics_begin(&inner, TARN_METRICS_EXACT) == 0);
    void* object = allocate(kSize);
    free(object);
    CHECK(end(&outer).peak_bytes == kSize);
    errno = 0;
    CHECK(tarn_metrics_end(&inner, &m, sizeof m) == -1 && errno == EINVAL);
    CHECK(tarn_metrics_read(&inner, &m, sizeof m) == -1);
    CHECK(tarn_metrics_end(&outer, &m, sizeof m) == -1);
}

static jmp_buf back;

static void leave_by_longjmp(void) {
    tarn_metrics_scope lost;
    begin(&lost);
    seen = allocate(kSize);
    longjmp(back, 1);
}

static void a_scope_left_by_longjmp_ends_with_the_next_around_it(void) {
    static tarn_metrics_scope outer;
    begin(&outer);
    if (!setjmp(back)) leave_by_longjmp();
    CHECK(end(&outer).allocations == 1);
    free(seen);
    begin(&outer); /* all is well */
    CHECK(end(&outer).allocations == 0);
}

static void at_most_64_are_open(void) {
    static tarn_metrics_scope scopes[65];
    for (int i = 0; i < 64; ++i)
        begin(&scopes[i]);
    errno = 0;
    CHECK(tarn_metrics_begin(&scopes[64], TARN_METRICS_SAMPLED) == -1 && errno == ENOMEM);
    void* object = allocate(100);
    for (int i = 63; i >= 0; --i)
        CHECK(end(&scopes[i]).allocations == 1);
    free(object);
}

static void bad_arguments_are_refused(void) {
    tarn_metrics_scope scope, never = {{0}};
    tarn_metrics m;
    CHECK(tarn_metrics_begin(NULL, TARN_METRICS_SAMPLED) == -1);
    CHECK(tarn_metrics_begin(&scope, (enum tarn_metrics_mode)2) == -1);
    CHECK(tarn_metrics_end(NULL, &m, sizeof m) == -1);
    CHECK(tarn_metrics_end(&never, &m, sizeof m) == -1);
    begin(&scope);
    CHECK(tarn_metrics_end(&never, &m, sizeof m) == -1);
    errno = 0;
    CHECK(tarn_metrics_read(&scope, NULL, sizeof m) == -1 && errno == EINVAL);
    CHECK(tarn_metrics_read(NULL, &m, sizeof m) == -1);
    CHECK(tarn_metrics_read(&scope, &m, 7) == -1);
    CHECK(tarn_metrics_end(&scope, &m, 7) == -1);    /* still open */
    CHECK(tarn_metrics_end(&scope, NULL, 64) == -1); /* still open */
    CHECK(tarn_metrics_end(&scope, NULL, 0) == 0);
}

static void structs_of_other_versions_are_not_overrun(void) {
    tarn_metrics_scope scope;
    unsigned char buffer[sizeof(tarn_metrics) + 64];
    const size_t sizes[] = {8, 16, 24, sizeof(tarn_metrics), sizeof(tarn_metrics) + 32};
    begin(&scope);
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; ++i) {
        memset(buffer, 0xa5, sizeof buffer);
        CHECK(tarn_metrics_read(&scope, (tarn_metrics*)(void*)buffer, sizes[i]) == 0);
        for (size_t at = sizeof(tarn_metrics); at < sizes[i]; ++at)
            CHECK(buffer[at] == 0);
        for (size_t at = sizes[i]; at < sizeof buffer; ++at)
            CHECK(buffer[at] == 0xa5);
    }
    CHECK(tarn_metrics_end(&scope, NULL, 0) == 0);
}

static void* free_it(void* object) {
    tarn_metrics_scope scope;
    begin(&scope);
    free(object);
    const tarn_metrics m = end(&scope);
    CHECK(m.frees == 1 && m.remote_frees == 1 && m.live_bytes == -kSize);
    return NULL;
}

static void* end_it(void* scope) {
    tarn_metrics m;
    CHECK(tarn_metrics_end(scope, &m, sizeof m) == -1);
    return NULL;
}

static void run(void* (*function)(void*), void* argument) {
    pthread_t thread;
    CHECK(pthread_create(&thread, NULL, function, argument) == 0);
    CHECK(pthread_join(thread, NULL) == 0);
}

static void a_scope_belongs_to_its_thread(void) {
    tarn_metrics_scope scope;
    void* object = allocate(kSize);
    run(free_it, object);
    begin(&scope);
    run(end_it, &scope);
    (void)end(&scope);
}

static void* leave_open(void* unused) {
    static tarn_metrics_scope scope;
    CHECK(tarn_metrics_begin(&scope, TARN_METRICS_EXACT) == 0);
    return unused;
}

static void* begin_anew(void* unused) {
    tarn_metrics_scope scope;
    begin(&scope);
    free(allocate(kSize));
    CHECK(end(&scope).frees == 1);
    return unused;
}

static void a_thread_may_end_with_a_scope_open(void) {
    for (int i = 0; i < 100; ++i) {
        run(leave_open, NULL);
        run(begin_anew, NULL);
    }
}

typedef struct Work {
    tarn_metrics_task* task;
    int objects;
} Work;

static void* work(void* argument) {
    const Work* w = argument;
    tarn_metrics_scope scope;
    for (int round = 0; round < 2; ++round) {
        CHECK(tarn_metrics_task_enter(w->task, &scope, TARN_METRICS_EXACT) == 0);
        for (int i = 0; i < w->objects; ++i)
            free(allocate(kSize));
        CHECK(tarn_metrics_task_leave(w->task, &scope) == 0);
        free(allocate(kSize)); /* outside */
    }
    return NULL;
}

static void a_task_sums_its_threads(void) {
    tarn_metrics_task* task = tarn_metrics_task_create();
    tarn_metrics m;
    uint64_t first, second;
    CHECK(task != NULL);
    CHECK(tarn_metrics_task_read(task, &m, sizeof m) == 0 && m.threads == 0 && m.allocations == 0);
    CHECK(tarn_metrics_task_read_thread(task, 0, NULL, &m, sizeof m) == -1);
    Work one = {task, 100}, two = {task, 300};
    run(work, &one);
    run(work, &two);
    CHECK(tarn_metrics_task_read(task, &m, sizeof m) == 0);
    CHECK(m.version == TARN_METRICS_VERSION && m.threads == 2 && m.scopes == 4);
    CHECK(m.allocations == 800 && m.frees == 800 && m.live_bytes == 0);
    CHECK(m.peak_bytes == kSize && m.peak_bytes_most == 2 * kSize);
    CHECK(tarn_metrics_task_read_thread(task, 0, &first, &m, sizeof m) == 0);
    CHECK(m.allocations == 200 && m.threads == 1 && m.scopes == 2 && m.peak_bytes == kSize);
    CHECK(tarn_metrics_task_read_thread(task, 1, &second, &m, sizeof m) == 0);
    CHECK(m.allocations == 600 && first != second);
    errno = 0;
    CHECK(tarn_metrics_task_read_thread(task, 2, NULL, &m, sizeof m) == -1 && errno == EINVAL);
    CHECK(tarn_metrics_task_read(task, NULL, 0) == -1 && tarn_metrics_task_read(NULL, &m, sizeof m) == -1);
    tarn_metrics_scope scope = {{0}};
    CHECK(tarn_metrics_task_leave(task, &scope) == -1 && tarn_metrics_task_enter(NULL, &scope, 0) == -1);
    tarn_metrics_task_destroy(task);
    tarn_metrics_task_destroy(NULL);
}

static void results_are_printed(void) {
    tarn_metrics_scope scope;
    char text[1000], cut[20];
    begin(&scope);
    void* object = allocate(kSize);
    const tarn_metrics m = end(&scope);
    free(object);
    const size_t length = tarn_metrics_print(&m, TARN_METRICS_JSON, "a\"b", 3, text, sizeof text);
    CHECK(length == strlen(text) && length < sizeof text);
    CHECK(strncmp(text, "{\"name\":\"a\\\"b\",\"version\":1,\"threads\":1,\"scopes\":1,\"allocations\":1,",
                  60) == 0);
    CHECK(strstr(text, "\"live_bytes\":48,") != NULL && text[length - 1] == '}');
    CHECK(tarn_metrics_print(&m, TARN_METRICS_JSON, "a\"b", 3, cut, sizeof cut) == length);
    CHECK(strlen(cut) == sizeof cut - 1 && strncmp(cut, text, sizeof cut - 1) == 0);
    CHECK(tarn_metrics_print(&m, TARN_METRICS_JSON, "a\"b", 3, NULL, 0) == length);
    CHECK(tarn_metrics_print(&m, TARN_METRICS_TEXT, "name", 2, text, sizeof text) == strlen(text));
    CHECK(strncmp(text, "na: 1 allocations of 48 bytes, 0 frees of 0 bytes\nna: live 1 objects, 48 bytes;",
                  70) == 0);
    CHECK(tarn_metrics_print(&m, TARN_METRICS_TEXT, NULL, 0, text, sizeof text) > 0 && text[0] == '1');
    errno = 0;
    CHECK(tarn_metrics_print(NULL, TARN_METRICS_TEXT, NULL, 0, text, 9) == 0 && errno == EINVAL);
    CHECK(tarn_metrics_print(&m, (enum tarn_metrics_format)3, NULL, 0, text, 9) == 0);
    CHECK(tarn_metrics_print(&m, TARN_METRICS_TEXT, NULL, 0, NULL, 9) == 0);
}

/* From here on the process gets no more address space. */
static void* begin_without_memory(void* unused) {
    const struct rlimit limit = {1, RLIM_INFINITY};
    tarn_metrics_scope scope;
    free(allocate(kSize)); /* the thread has a heap, and nobody had it before */
    CHECK(setrlimit(RLIMIT_AS, &limit) == 0);
    errno = 0;
    CHECK(tarn_metrics_begin(&scope, TARN_METRICS_EXACT) == -1 && errno == ENOMEM);
    free(allocate(kSize)); /* as ever */
    return unused;
}

/* Takes the heap that threads before left, with the record of their scopes. */
static void* hold_a_heap(void* unused) {
    free(allocate(kSize));
    run(begin_without_memory, NULL);
    return unused;
}

static void a_thread_without_memory_for_its_record_is_told(void) {
    run(hold_a_heap, NULL);
}

int main(void) {
    an_empty_scope_counts_nothing();
    small_objects_are_counted_exactly();
    what_was_freed_before_is_reused();
    large_blocks_are_counted();
    scopes_nest();
    an_exact_scope_has_an_exact_peak();
    ending_an_outer_scope_ends_the_inner_ones();
    a_scope_left_by_longjmp_ends_with_the_next_around_it();
    at_most_64_are_open();
    bad_arguments_are_refused();
    structs_of_other_versions_are_not_overrun();
    a_scope_belongs_to_its_thread();
    a_thread_may_end_with_a_scope_open();
    a_task_sums_its_threads();
    results_are_printed();
    a_thread_without_memory_for_its_record_is_told();
    return 0;
}
