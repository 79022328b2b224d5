/* SPDX-License-Identifier: MIT
 *
 * Pools: objects of one size, for a type of which a program makes and drops many (an interpreter's variable
 * or syntax tree node).
 *
 * Any threads may allocate and free in one pool at once, and an object may be freed by another thread than
 * the one that allocated it. Each thread keeps a short stack of free objects in each pool that it uses;
 * allocate and free pop and push there, without a lock and without an atomic read-modify-write. A stack that
 * is empty or full exchanges half a stack with the pool, under its lock, so a thread keeps 64 KiB of free
 * objects at the most (16 objects where that is more). The stack of a thread that ended waits for the next
 * thread with the same thread pointer, or for tarn_pool_destroy.
 *
 * Contents of a new object are indeterminate, those of a free one are left alone until it is handed out again
 * (out of memory, its first 8 bytes may be used).
 * After fork in a process of several threads, the child may use a pool that no other thread was using then.
 */
#ifndef TARN_POOL_H
#define TARN_POOL_H

#include "tarn/base.h"

#ifdef __cplusplus
extern "C" {
#endif

/* For the inline functions only: a thread's stack in a pool. Its slots follow from TARN_POOL_FLOOR on, and it
 * grows down:
 *     floor ... top: next to be handed out ... NULL: the stack is empty there
 * Places are distances in bytes from the beginning of the struct. */
enum { TARN_POOL_FLOOR = 64 };
typedef struct tarn_pool_local {
    uintptr_t owner; /* thread pointer of the one thread that may use the rest; never changes */
    uint64_t state;  /* allocations << 16 | top */
} tarn_pool_local;

/* The first words of a pool. */
typedef struct tarn_pool {
    tarn_pool_local* locals[64]; /* by a hash of the thread pointer; never NULL */
} tarn_pool;

/* Options of tarn_pool_create, to be joined by |. */
enum tarn_pool_option {
    /* Every free is checked: an object that is free already, an address that is none of this pool's objects
     * or inside one ends the program with a message, as free's misuse does. All calls then take a lock. With
     * TARN_HARDENED=1 every pool is such a one. */
    TARN_POOL_CHECKED = 1
};

/* A pool of objects of `object_size` bytes, at addresses that are multiples of `alignment` (a power of two up
 * to 4096). An object takes object_size rounded up to a multiple of alignment, 8 bytes at the least. No
 * memory for objects is taken yet. NULL and EINVAL: a size of 0, another alignment, an unknown option. NULL
 * and ENOMEM. Any thread.
 * Example:
 *     struct point { double x, y; };
 *     tarn_pool* pool = tarn_pool_create(sizeof(struct point), sizeof(double), 0);
 *     struct point* point = tarn_pool_allocate(pool);
 *     tarn_pool_free(pool, point);
 *     tarn_pool_destroy(pool);  // frees what is left
 */
TARN_API tarn_pool* tarn_pool_create(size_t object_size, size_t alignment, unsigned options);

/* What the pool takes from malloc from now on stands under this name in profiles (docs/profile.md), as the innermost frame;
 * NULL: under none. The name is not copied: it must be valid as long as the pool has it. Any thread. */
TARN_API void tarn_pool_name(tarn_pool* pool, const char* name);

/* All objects are freed at once, a chunk (up to 1 MiB of objects) at a time. No thread may use the pool or
 * its objects any more. */
TARN_API void tarn_pool_destroy(tarn_pool* pool);

/* Takes memory now for `objects` more objects than the pool has carved: that many allocations of this thread
 * then need none, as long as other threads do not allocate. -1 and ENOMEM when there is no memory. Any
 * thread. */
TARN_API int tarn_pool_reserve(tarn_pool* pool, size_t objects);

/* Hands this thread's free objects to the other threads: for a thread that is about to end. Any thread. */
TARN_API void tarn_pool_flush(tarn_pool* pool);

/* Flushes, and gives back the memory of chunks in which every object is free and on no thread's stack. The
 * number of bytes; time grows with the number of free objects. Any thread. */
TARN_API size_t tarn_pool_trim(tarn_pool* pool);

/* Goes up when fields are added, at the end. */
enum { TARN_POOL_STATS_VERSION = 1 };

/* Always: fresh + reused = allocations, live_objects = allocations - frees. Exact when no other thread uses
 * the pool meanwhile, but for fresh: see there. Otherwise, the numbers may be a few calls apart. */
typedef struct tarn_pool_stats {
    uint32_t version;      /* TARN_POOL_STATS_VERSION of the library that filled it */
    uint32_t threads;      /* now: thread pointers that have a stack here, of living and of ended threads */
    uint64_t object_size;  /* what one object takes */
    uint64_t allocations;  /* counter */
    uint64_t frees;        /* counter */
    uint64_t live_objects; /* now */
    uint64_t idle_objects; /* now: objects that were carved and are not live */
    uint64_t fresh; /* counter: of the allocations, those from memory not used before. A thread carves up to 4
                     * KiB of objects ahead (one at the least): it may be that many too high per thread */
    uint64_t reused;      /* allocations - fresh: those that got an object freed before */
    uint64_t chunks;      /* now */
    uint64_t chunk_bytes; /* now: memory for objects */
    double hit_rate;      /* reused / allocations, 0..1; 0 before the first */
} tarn_pool_stats;

/* Fills the first `size` bytes of `stats`; pass `sizeof *stats`. Fields that this library does not know are
 * 0. -1 and EINVAL when `stats` is NULL or `size` does not hold `version` and `threads`. Any thread. */
TARN_API int tarn_pool_stats_get(tarn_pool* pool, tarn_pool_stats* stats, size_t size);

/* The rare cases of the two inline functions below; they may be called in their place. */
TARN_API void* tarn_pool_allocate_slow(tarn_pool* pool) __attribute__((cold));
TARN_API void tarn_pool_free_slow(tarn_pool* pool, void* object) __attribute__((cold));
/* The calling thread's thread pointer, for compilers that cannot read it. */
TARN_API uintptr_t tarn_pool_thread_pointer(void);

/* For the inline functions only. */
#if defined(__clang__) || (defined(__GNUC__) && (__GNUC__ >= 11 || defined(__aarch64__)))
__attribute__((always_inline)) static inline uintptr_t tarn_pool_self(void) {
    return (uintptr_t)__builtin_thread_pointer();
}
#else
__attribute__((always_inline)) static inline uintptr_t tarn_pool_self(void) {
    return tarn_pool_thread_pointer();
}
#endif

/* Multiplicative hashing (Knuth, The Art of Computer Programming 3, 6.4) spreads thread pointers at equal
 * distances well. */
__attribute__((always_inline)) static inline size_t tarn_pool_list_of(uintptr_t self) {
    return (size_t)((uint64_t)self * UINT64_C(0x9e3779b97f4a7c15) >> 58);
}

/* This thread's, or another's that has the same hash; never NULL. */
__attribute__((always_inline)) static inline tarn_pool_local* tarn_pool_local_of(const tarn_pool* pool,
                                                                                 uintptr_t self) {
    return __atomic_load_n(&pool->locals[tarn_pool_list_of(self)], __ATOMIC_ACQUIRE);
}

__attribute__((always_inline)) static inline void** tarn_pool_slot(tarn_pool_local* local, uint64_t state) {
    return (void**)(void*)((char*)local + (uint16_t)state);
}

/* For the innermost loops: tarn_pool_enter's result spares the two functions after it the look for this
 * thread's stack. Never NULL; valid in the calling thread only, until it or the pool ends. Any thread. */
TARN_API tarn_pool_local* tarn_pool_enter(tarn_pool* pool);

/* As tarn_pool_allocate and tarn_pool_free, by the thread that `local` was given to in this pool.
 * `state` is written with release and read with acquire for the one case that another thread takes a stack
 * over: a new thread has the thread pointer of one that ended. */
__attribute__((always_inline)) static inline void* tarn_pool_allocate_by(tarn_pool* pool,
                                                                         tarn_pool_local* local) {
    const uint64_t state = __atomic_load_n(&local->state, __ATOMIC_ACQUIRE);
    void* const object = *tarn_pool_slot(local, state);
    if (__builtin_expect(object == NULL, 0)) return tarn_pool_allocate_slow(pool);
    __atomic_store_n(&local->state, state + (1u << 16) + sizeof(void*), __ATOMIC_RELEASE);
    return object;
}
__attribute__((always_inline)) static inline void tarn_pool_free_by(tarn_pool* pool, tarn_pool_local* local,
                                                                    void* object) {
    const uint64_t state = __atomic_load_n(&local->state, __ATOMIC_ACQUIRE);
    if (__builtin_expect((uint16_t)state == TARN_POOL_FLOOR || object == NULL, 0)) {
        tarn_pool_free_slow(pool, object);
        return;
    }
    tarn_pool_slot(local, state)[-1] = object;
    __atomic_store_n(&local->state, state - sizeof(void*), __ATOMIC_RELEASE);
}

/* An object; NULL and ENOMEM when there is no memory. Any thread. */
__attribute__((always_inline)) static inline void* tarn_pool_allocate(tarn_pool* pool) {
    const uintptr_t self = tarn_pool_self();
    tarn_pool_local* const local = tarn_pool_local_of(pool, self);
    if (__builtin_expect(local->owner == self, 1)) return tarn_pool_allocate_by(pool, local);
    return tarn_pool_allocate_slow(pool);
}

/* Frees an object of this pool, from any thread; NULL does nothing. errno is preserved. */
__attribute__((always_inline)) static inline void tarn_pool_free(tarn_pool* pool, void* object) {
    const uintptr_t self = tarn_pool_self();
    tarn_pool_local* const local = tarn_pool_local_of(pool, self);
    if (__builtin_expect(local->owner == self, 1))
        tarn_pool_free_by(pool, local, object);
    else
        tarn_pool_free_slow(pool, object);
}

#ifdef __cplusplus
}
#endif
#endif
