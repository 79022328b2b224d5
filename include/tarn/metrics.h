/* SPDX-License-Identifier: MIT
 *
 * Memory metrics of a part of a program: what one thread allocated, freed and kept between two points (a
 * scope), or several threads in work that belongs together (a task).
 *
 * Counted are the calls of malloc, free, new, delete and the like that the scope's own thread makes while it
 * is open, by usable bytes. Whose an object was does not matter: a scope that frees what was there before has
 * a negative live_bytes. A realloc that stays in its place is neither an allocation nor a free; one that
 * moves a small object is both. Memory that another allocator's library made is not counted.
 *
 * A scope costs nothing on the fast path of malloc and free, which counts already: it is the difference of
 * two readings of the thread's counters. The peak is sampled when the thread leaves the fast path anyway, so
 * it is given as two bounds: peak_bytes, which was reached, and peak_bytes_most, which was not exceeded.
 * They differ by no more than the thread's bins held (16 KiB for each size class in use up to 2 KiB, 8
 * objects for each one from there up to 8 KiB; larger objects and large blocks are not in it), and besides
 * the larger of 16 KiB and 1/64 of the peak, 1 MiB at most. They are equal when the scope only allocates,
 * and in an exact scope.
 */
#ifndef TARN_METRICS_H
#define TARN_METRICS_H

#include "tarn/base.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Goes up when fields are added at the end of tarn_metrics. */
#define TARN_METRICS_VERSION 1u

/* Always: allocations = small_allocations + large_allocations, fresh + reused = small_allocations,
 * live_bytes = bytes_allocated - bytes_freed, peak_bytes <= peak_bytes_most. */
typedef struct tarn_metrics {
    uint32_t version; /* TARN_METRICS_VERSION of the library that filled it */
    uint32_t threads; /* 1; of a task: those that have left it at least once */
    uint64_t scopes;  /* 1; of a task: how often a thread has left it */

    uint64_t allocations;
    uint64_t frees;
    uint64_t bytes_allocated; /* usable bytes; a large block resized in its place adds what it grew */
    uint64_t bytes_freed;
    int64_t live_objects; /* at the end, relative to the begin: allocations - frees */
    int64_t live_bytes;   /* likewise */

    /* Most bytes live at a time, relative to the begin; 0 at least. */
    uint64_t peak_bytes;      /* was reached */
    uint64_t peak_bytes_most; /* was not exceeded */

    /* Of the allocations, those served by size classes. An object counts as fresh when it is carved from its
     * slab, and a thread carves ahead up to the end of a page; fresh is exact but for these. */
    uint64_t small_allocations;
    uint64_t fresh;
    uint64_t reused;

    uint64_t large_allocations; /* blocks of the backend */
    uint64_t large_frees;
    uint64_t
        remote_frees; /* of the frees, those of small objects that another thread's heap had handed out */

    double pool_hit_rate; /* reused / small_allocations, 0..1; 0 when there are none */
} tarn_metrics;

/* An open scope, in memory of the caller's, so that to open one allocates nothing. The words are tarn's. */
typedef struct tarn_metrics_scope {
    uint64_t words[24];
} tarn_metrics_scope;

enum tarn_metrics_mode {
    TARN_METRICS_SAMPLED = 0,
    /* The peak is exact; every allocation of the thread takes the slow path meanwhile (docs/guide/metrics.md
     * has the price), also in scopes around and within it. */
    TARN_METRICS_EXACT = 1
};

/* Opens a scope on the calling thread, within those that are open on it already. `scope` may be anywhere and
 * must stay in its place. Some hundred nanoseconds.
 * -1 and EINVAL: `scope` is NULL or the mode unknown. -1 and ENOMEM: 64 are open on this thread, or no
 * memory for the thread's record.
 * Example:
 *     tarn_metrics_scope scope;
 *     tarn_metrics work;
 *     tarn_metrics_begin(&scope, TARN_METRICS_SAMPLED);
 *     free(malloc(100));
 *     tarn_metrics_end(&scope, &work, sizeof work);
 *     printf("%llu allocations\n", (unsigned long long)work.allocations);
 */
TARN_API int tarn_metrics_begin(tarn_metrics_scope* scope, enum tarn_metrics_mode mode);

/* Fills the first `size` bytes of `result` (pass `sizeof *result`) with the scope so far, which stays open.
 * For the thread that opened it. -1 and EINVAL: the scope is not open on this thread; `result` is NULL while
 * `size` is not 0; `size` does not hold `version` and `threads`. A `size` larger than this library's struct
 * gets zeros at the end. */
TARN_API int tarn_metrics_read(const tarn_metrics_scope* scope, tarn_metrics* result, size_t size);

/* The same, and ends the scope and all that were opened within it and not ended: one that a longjmp or an
 * exception left is ended by the next around it, without a look at its memory. NULL and 0: no result. */
TARN_API int tarn_metrics_end(tarn_metrics_scope* scope, tarn_metrics* result, size_t size);

/* A task: what several threads do for one purpose. All functions on one task may be called by any threads at
 * the same time, but for destroy. Each takes a lock for a moment. */
typedef struct tarn_metrics_task tarn_metrics_task;

/* NULL and ENOMEM: no memory. */
TARN_API tarn_metrics_task* tarn_metrics_task_create(void);
/* No thread may be in it. */
TARN_API void tarn_metrics_task_destroy(tarn_metrics_task* task);

/* Opens a scope on the calling thread that counts for the task; a thread may enter as often as it likes, one
 * after another. As tarn_metrics_begin, also in errors. A thread that has to enter a task again while it is
 * in it already would be counted twice.
 * Example:
 *     tarn_metrics_task* task = tarn_metrics_task_create();
 *     tarn_metrics_scope scope;
 *     tarn_metrics_task_enter(task, &scope, TARN_METRICS_SAMPLED);  // in each of its threads
 *     free(malloc(100));
 *     tarn_metrics_task_leave(task, &scope);
 *     tarn_metrics_task_destroy(task);
 */
TARN_API int tarn_metrics_task_enter(tarn_metrics_task* task, tarn_metrics_scope* scope,
                                     enum tarn_metrics_mode mode);
/* Ends the scope and adds it to the task. A thread's first time allocates a record of some 200 bytes, after
 * the scope. -1: EINVAL as above (not ended), or ENOMEM: no memory for that record; the scope is ended and
 * counts for the task's sums but for no thread. */
TARN_API int tarn_metrics_task_leave(tarn_metrics_task* task, tarn_metrics_scope* scope);

/* The sums of all scopes that have ended. live_bytes is what the task still holds, whichever thread allocated
 * and whichever freed. peak_bytes takes a scope's peak upon what the other scopes had left live when it
 * ended: an estimate when several threads were in the task at once, and a value that was reached when they
 * came one after another. peak_bytes_most, the sum of the threads' own, was not exceeded in either case.
 * Errors as tarn_metrics_read. */
TARN_API int tarn_metrics_task_read(tarn_metrics_task* task, tarn_metrics* result, size_t size);

/* The sums of one thread, by its number in the task: 0 is the thread that left it first. `thread`, unless
 * NULL, is set to a number that no other thread of the process ever has, not the system's.
 * -1 and EINVAL: no such thread yet; otherwise as tarn_metrics_read. */
TARN_API int tarn_metrics_task_read_thread(tarn_metrics_task* task, uint32_t number, uint64_t* thread,
                                           tarn_metrics* result, size_t size);

enum tarn_metrics_format {
    TARN_METRICS_TEXT = 1, /* three lines, each begun with the name */
    TARN_METRICS_JSON = 2  /* one object with the fields' names, and "name" */
};

/* Writes `metrics` to `buffer` as text and a NUL, cut off at `room` bytes; the length the whole text has
 * without its NUL, as snprintf. `name` (NULL: none) of `name_length` bytes comes first, 255 of them at most
 * and up to a NUL; in JSON as a string, escaped. `buffer` may be NULL when `room` is 0. 0 and EINVAL:
 * `metrics` is NULL, or the format unknown. For any thread; allocates nothing. */
TARN_API size_t tarn_metrics_print(const tarn_metrics* metrics, enum tarn_metrics_format format,
                                   const char* name, size_t name_length, char* buffer, size_t room);

#ifdef __cplusplus
}
#endif
#endif
