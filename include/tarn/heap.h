/* SPDX-License-Identifier: MIT
 *
 * Heaps of one's own: all memory of, say, one interpreter's state, with a quota, and given back as a whole.
 *
 * A heap takes chunks of 64 KiB from tarn and cuts objects of one size class from each; requests above 32,704
 * bytes are blocks of tarn's. Sizes and quotas count usable bytes: what a request was rounded up to.
 *
 *     live <= quota, or quota + reserve        the reserve counts once it was released, and within callbacks
 *
 * A heap is for one thread at a time, whichever it is; a locked one is for any threads at the same time, but
 * for reset and destroy. Memory of a heap is freed to that heap only.
 */
#ifndef TARN_HEAP_H
#define TARN_HEAP_H

#include "tarn/base.h"

#ifdef __cplusplus
extern "C" {
#endif

#define TARN_HEAP_VERSION 1u
#define TARN_HEAP_CLASSES_MAX 64

typedef struct tarn_heap tarn_heap;

enum tarn_heap_flags {
    TARN_HEAP_LOCKED = 1, /* any thread may use it at any time */
    /* Every free, resize and usable size is checked in full: a pointer that is not the start of a live object
     * of this heap ends the program with one of tarn's messages. Without it, only what a look at the chunk's
     * header shows is found: usually a pointer of another heap. */
    TARN_HEAP_CHECKED = 2
};

enum tarn_heap_event {
    TARN_HEAP_SOFT_LIMIT = 1, /* the request at hand takes the heap above its soft limit */
    TARN_HEAP_QUOTA = 2,      /* the request at hand does not fit the quota */
    TARN_HEAP_NO_MEMORY = 3   /* it fits, but there is no memory for it */
};

/* Called by the function that allocates, before it serves or refuses `wanted` usable bytes. The callback may
 * use the heap, the reserve included: free what can be missed, raise a limit; not reset or destroy it. Not
 * called again while it runs. After TARN_HEAP_QUOTA and TARN_HEAP_NO_MEMORY the request is tried once more.
 * An interpreter's allocator is no place to call the interpreter: set a flag there for it to look at. */
typedef void tarn_heap_callback(tarn_heap* heap, enum tarn_heap_event event, size_t wanted, void* user);

/* All zero but the version: no limit, no callback, for one thread at a time. */
typedef struct tarn_heap_options {
    uint32_t version;             /* TARN_HEAP_VERSION */
    uint32_t flags;               /* of tarn_heap_flags */
    uint64_t quota;               /* most usable bytes; 0: no quota */
    uint64_t reserve;             /* bytes beyond the quota; their chunks are taken when the heap is made */
    uint64_t soft_limit;          /* 0: none */
    tarn_heap_callback* callback; /* NULL: none */
    void* user;                   /* for the callback */
} tarn_heap_options;

/* tarn_heap_options options = TARN_HEAP_OPTIONS_INIT; then what shall be different. C and C++. */
#define TARN_HEAP_OPTIONS_INIT \
    { TARN_HEAP_VERSION, 0, 0, 0, 0, NULL, NULL }

/* `options` may be NULL; `size` is sizeof *options (0 with NULL). NULL and EINVAL: another version, an
 * unknown flag, a size that does not hold version and flags. NULL and ENOMEM: no memory for the heap or its
 * reserve.
 * Example:
 *     const tarn_heap_options options = {.version = TARN_HEAP_VERSION, .quota = 1 << 20};
 *     tarn_heap* heap = tarn_heap_create(&options, sizeof options);
 *     char* line = tarn_heap_allocate(heap, 100);
 *     line = tarn_heap_reallocate(heap, line, 200);
 *     tarn_heap_destroy(heap);  // the line goes with it
 */
TARN_API tarn_heap* tarn_heap_create(const tarn_heap_options* options, size_t size);
/* All of the heap's memory goes back to tarn, live objects included. */
TARN_API void tarn_heap_destroy(tarn_heap* heap);
/* The same, but the heap stays, empty, with its limits and counters and at most 16 chunks (1 MiB) at hand; a
 * released reserve is restored as far as there is memory. */
TARN_API void tarn_heap_reset(tarn_heap* heap);
/* Empty chunks kept by the heap, and those that all heaps keep in common, go back to tarn; bytes given. */
TARN_API size_t tarn_heap_trim(tarn_heap* heap);

/* What the heap takes from tarn from now on (segments of 1 MiB, which all heaps share, and blocks) stands under this name in
 * profiles (docs/profile.md), as the innermost frame; NULL: under none. The name is not copied: it must be valid as long
 * as the heap has it. By one thread at a time. */
TARN_API void tarn_heap_name(tarn_heap* heap, const char* name);

/* At least `size` bytes (0 counts as 1), aligned to 16 bytes. NULL and ENOMEM: the quota refuses it, or there
 * is no memory. */
TARN_API void* tarn_heap_allocate(tarn_heap* heap, size_t size);
/* count * size bytes, all zero. ENOMEM also when that overflows. */
TARN_API void* tarn_heap_allocate_zeroed(tarn_heap* heap, size_t count, size_t size);
/* `alignment` is any power of two; NULL and EINVAL otherwise. */
TARN_API void* tarn_heap_allocate_aligned(tarn_heap* heap, size_t alignment, size_t size);
/* realloc's contract: `pointer` NULL allocates, size 0 frees and returns NULL. Smaller always succeeds.
 * Aligned to 16 bytes, whatever the old object was. What moves counts twice while it is copied, but for
 * blocks above 256 KiB, which tarn moves by the kernel where it can. */
TARN_API void* tarn_heap_reallocate(tarn_heap* heap, void* pointer, size_t size);
/* NULL does nothing. Keeps errno. */
TARN_API void tarn_heap_free(tarn_heap* heap, void* pointer);
/* 0 for NULL. */
TARN_API size_t tarn_heap_usable_size(tarn_heap* heap, void* pointer);

/* A lua_Alloc; `heap` is the tarn_heap, the old size is not needed. lua_newstate(tarn_heap_lua_allocate,
 * heap). Other interpreters' interfaces take the functions above, with the heap as their opaque pointer. */
TARN_API void* tarn_heap_lua_allocate(void* heap, void* pointer, size_t old_size, size_t size);

/* A new quota, in usable bytes; 0: none. Below what is live, nothing is served until enough is freed. */
TARN_API void tarn_heap_set_quota(tarn_heap* heap, uint64_t quota);
/* A new soft limit, in usable bytes; 0: none. */
TARN_API void tarn_heap_set_soft_limit(tarn_heap* heap, uint64_t soft_limit);

/* From now on the reserve may be used: to report the error, to unwind, to save what can be saved. Once it is
 * released, chunks that were set aside serve when tarn itself has no memory. */
TARN_API void tarn_heap_release_reserve(tarn_heap* heap);
/* Sets it aside again. -1: more is live than the quota (EBUSY), or no memory for its chunks (ENOMEM); it is
 * still released then. */
TARN_API int tarn_heap_restore_reserve(tarn_heap* heap);

typedef struct tarn_heap_class_stats {
    uint64_t object_size; /* bytes; large blocks are in no class */
    uint64_t allocations; /* counter */
    uint64_t live_objects;
    uint64_t chunks; /* now, of 64 KiB */
} tarn_heap_class_stats;

/* Exact, as of now. Always: live_objects = allocations - frees, live_bytes <= peak_bytes. */
typedef struct tarn_heap_stats {
    uint32_t version; /* TARN_HEAP_VERSION of the library that filled it */
    uint32_t classes; /* entries of class_stats that were filled */
    uint64_t live_bytes;
    uint64_t peak_bytes; /* most live_bytes has been since the heap was made */
    uint64_t quota;      /* 0: none */
    uint64_t soft_limit; /* 0: none */
    uint64_t reserve;
    uint64_t refusals; /* counter: requests that got NULL */
    uint64_t allocations;
    uint64_t frees; /* those by a reset included */
    uint64_t live_objects;
    uint64_t large_blocks; /* of the live objects */
    uint64_t chunks;       /* now, of 64 KiB, those of the reserve and empty ones included */
    uint64_t empty_chunks; /* of these, kept for later */
    tarn_heap_class_stats class_stats[TARN_HEAP_CLASSES_MAX];
} tarn_heap_stats;

/* Fills the first `size` bytes; pass `sizeof *stats`, or offsetof(tarn_heap_stats, class_stats) to leave the
 * classes out. Walks the heap's chunks. -1 and EINVAL: `stats` is NULL, or `size` does not hold version and
 * classes. */
TARN_API int tarn_heap_stats_get(tarn_heap* heap, tarn_heap_stats* stats, size_t size);
/* Usable bytes that are live; a few instructions. */
TARN_API uint64_t tarn_heap_live_bytes(tarn_heap* heap);

#ifdef __cplusplus
}
#endif
#endif
