/* SPDX-License-Identifier: MIT
 *
 * Pools of arenas: a thread takes one for a piece of work (a request, a file, a statement) and gives it back,
 * reset, with its chunks. All functions but destroy may be called by any threads at once. The lock is held
 * while an arena is linked in or out, never while one is made, reset or freed. In the child of a fork a pool
 * that other threads of the parent were using must not be used.
 */
#ifndef TARN_ARENA_POOL_H
#define TARN_ARENA_POOL_H

#include "tarn/arena.h"
#include "tarn/base.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct tarn_arena_pool tarn_arena_pool;

/* At most `idle_arenas` arenas with at most `idle_bytes` (all chunks of theirs) wait in the pool; what comes
 * back beyond is freed. 0 keeps none. The other two as for tarn_arena_create. NULL: ENOMEM, EINVAL. */
TARN_API tarn_arena_pool* tarn_arena_pool_create(size_t idle_arenas, size_t idle_bytes, size_t first_chunk,
                                                 size_t largest_chunk);

/* Frees the pool and the arenas in it. Those still in use go on; end them by tarn_arena_destroy. */
TARN_API void tarn_arena_pool_destroy(tarn_arena_pool* pool);

/* An empty arena: the one given back last, or a new one. NULL: ENOMEM.
 * Example:
 *     tarn_arena_pool* pool = tarn_arena_pool_create(8, 1 << 20, 0, 0);
 *     tarn_arena* arena = tarn_arena_pool_acquire(pool);  // for one request
 *     puts(tarn_arena_string(arena, "GET /", 5));
 *     tarn_arena_pool_release(pool, arena);
 *     tarn_arena_pool_destroy(pool);
 */
TARN_API tarn_arena* tarn_arena_pool_acquire(tarn_arena_pool* pool);

/* Runs the arena's cleanups and keeps it, or frees it: its spare chunks first, then it, when there are too
 * many bytes. The arena must have been made by tarn_arena_create or by a pool; NULL does nothing. */
TARN_API void tarn_arena_pool_release(tarn_arena_pool* pool, tarn_arena* arena);

/* Frees all idle arenas; the bytes freed. */
TARN_API size_t tarn_arena_pool_trim(tarn_arena_pool* pool);

#define TARN_ARENA_POOL_STATS_VERSION 1u

typedef struct tarn_arena_pool_stats {
    uint32_t version;     /* TARN_ARENA_POOL_STATS_VERSION of the library that filled it */
    uint32_t idle_arenas; /* now */
    uint64_t idle_bytes;  /* now */
    uint64_t hits;        /* counter: acquired from the pool */
    uint64_t misses;      /* counter: acquired, but newly made */
    uint64_t kept;        /* counter: released into the pool */
    uint64_t freed;       /* counter: released, but freed since the pool was full */
} tarn_arena_pool_stats;

/* Fills the first `size` bytes of `stats` (pass `sizeof *stats`), as tarn_stats_get does: numbers of one
 * moment. -1 when `stats` is NULL or `size` does not hold `version` and `idle_arenas`. */
TARN_API int tarn_arena_pool_stats_get(tarn_arena_pool* pool, tarn_arena_pool_stats* stats, size_t size);

#ifdef __cplusplus
}
#endif
#endif
