/* SPDX-License-Identifier: MIT
 *
 * Arenas: memory that is handed out by moving one pointer, and given back all at once. There is no free for a
 * single object; the last one may grow, shrink or go.
 *
 * An arena hands out the memory of its first chunk (a block of its own, or a buffer of the caller's), then of
 * chunks from malloc, each twice as large as the one before up to a limit. A request that would leave much of
 * the chunk in use, or need much of the next one, gets a block of exactly its size; the chunk stays in use.
 *
 * One arena is for one thread at a time, all functions. Alignments are powers of two, of any size. Size 0 is
 * allowed: the address is aligned and not NULL, and may be that of another object. Sizes are rounded up to 8.
 * Out of memory: NULL and ENOMEM; an alignment that is not a power of two: NULL and EINVAL. The arena is then
 * as it was.
 */
#ifndef TARN_ARENA_H
#define TARN_ARENA_H

#include <stdarg.h>
#include <string.h>

#include "tarn/base.h"

#ifdef __cplusplus
extern "C" {
#endif

struct tarn_arena_chunk;

/* Runs when the arena is rewound past it. */
typedef struct tarn_arena_cleanup {
    struct tarn_arena_cleanup* previous;
    void (*run)(void* context);
    void* context;
} tarn_arena_cleanup;

/* Its fields are for the inline functions only. It must not be copied or moved. */
typedef struct tarn_arena {
    char* next; /* the first byte not handed out; a multiple of 8 */
    char* end;  /* of the chunk in use; a multiple of 16 */
    char* base; /* the first chunk's memory */
    char* base_end;
    struct tarn_arena_chunk* chunk; /* in use; NULL: the first */
    struct tarn_arena_chunk* large; /* blocks for one object each, newest first */
    size_t larges;                  /* how many */
    tarn_arena_cleanup* cleanups;   /* newest first */
    struct tarn_arena_chunk* spare; /* chunks that were rewound, in the order of their use */
    char* base_left;                /* where next was when the first chunk was left */
    size_t next_chunk;              /* bytes of the next chunk from malloc */
    size_t largest_chunk;
    size_t heap_bytes; /* of all that came from malloc: 0 says that there are no such chunks */
    struct tarn_arena* link;
    const char* name; /* tarn_arena_name; NULL: none */
    void* reserved[1];
} tarn_arena;

/* A point in an arena's life. Its fields are for the inline functions only. */
typedef struct tarn_arena_mark {
    char* next;
    struct tarn_arena_chunk* chunk;
    tarn_arena_cleanup* cleanups;
    size_t larges;
} tarn_arena_mark;

enum {
    TARN_ARENA_FIRST_CHUNK = 4096,
    TARN_ARENA_LARGEST_CHUNK = 1 << 20,
    TARN_ARENA_FIRST_CHUNK_LEAST = 512,
    TARN_ARENA_UNIT = 8,             /* of which every size is made a multiple */
    TARN_ARENA_MALLOC_ALIGNMENT = 16 /* up to which the inline function serves */
};

/* A new arena. `first_chunk`: what it takes from malloc at once, its own 128 bytes included (at least 512;
 * 0: 4096). `largest_chunk`: where chunks stop growing (0: 1 MiB, or first_chunk when that is more).
 * EINVAL when the largest is smaller than the first.
 * Example:
 *     tarn_arena* arena = tarn_arena_create(0, 0);
 *     char* name = tarn_arena_string(arena, "rope", 4);
 *     puts(name);
 *     tarn_arena_destroy(arena);  // the name is gone
 */
TARN_API tarn_arena* tarn_arena_create(size_t first_chunk, size_t largest_chunk);

/* Ends an arena, also one made by tarn_arena_init_buffer: runs all cleanups, frees all chunks. */
TARN_API void tarn_arena_destroy(tarn_arena* arena);

/* For the inline functions below. */
TARN_API void* tarn_arena_allocate_slow(tarn_arena* arena, size_t size, size_t alignment);
TARN_API void tarn_arena_rewind_slow(tarn_arena* arena, const tarn_arena_mark* mark);
TARN_API void tarn_arena_release_slow(tarn_arena* arena);

/* Makes an arena of a tarn_arena that the caller holds, whose first chunk is the caller's buffer (NULL:
 * none), of any alignment, which must outlive it. No memory is taken from malloc until the buffer is full. To
 * be ended by tarn_arena_release or tarn_arena_destroy.
 * Example:
 *     char room[1024];
 *     tarn_arena arena;
 *     tarn_arena_init_buffer(&arena, room, sizeof room);
 *     int* squares = tarn_arena_allocate(&arena, 10 * sizeof *squares, sizeof *squares);
 *     squares[0] = 0;
 *     tarn_arena_release(&arena);
 */
static inline void tarn_arena_init_buffer(tarn_arena* arena, void* buffer, size_t size) {
    const uintptr_t unit = TARN_ARENA_MALLOC_ALIGNMENT;
    uintptr_t base = ((uintptr_t)buffer + TARN_ARENA_UNIT - 1) & ~(uintptr_t)(TARN_ARENA_UNIT - 1);
    uintptr_t end = ((uintptr_t)buffer + size) & ~(unit - 1);
    if (!buffer || end < base) base = end = (uintptr_t)arena & ~(unit - 1); /* empty, and not NULL */
    arena->next = arena->base = arena->base_left = (char*)base;
    arena->end = arena->base_end = (char*)end;
    arena->chunk = NULL;
    arena->large = NULL;
    arena->larges = 0;
    arena->cleanups = NULL;
    arena->spare = NULL;
    arena->next_chunk = TARN_ARENA_LARGEST_CHUNK;
    if (size < TARN_ARENA_LARGEST_CHUNK / 2) arena->next_chunk = 2 * size & ~(size_t)(unit - 1);
    if (size < TARN_ARENA_FIRST_CHUNK / 2) arena->next_chunk = TARN_ARENA_FIRST_CHUNK;
    arena->largest_chunk = TARN_ARENA_LARGEST_CHUNK;
    arena->heap_bytes = 0;
    arena->link = NULL;
    arena->name = NULL;
}

/* Runs all cleanups and frees every chunk but the first; the arena is as new. What tarn_arena_init_buffer
 * made needs no other end. */
static inline void tarn_arena_release(tarn_arena* arena) {
    if (arena->heap_bytes || arena->cleanups)
        tarn_arena_release_slow(arena);
    else
        arena->next = arena->base;
}

/* The bytes that an object of this size takes, when an arena has as many. */
static inline size_t tarn_arena_rounded(size_t size) {
    return (size + TARN_ARENA_UNIT - 1) & ~(size_t)(TARN_ARENA_UNIT - 1);
}

static inline int tarn_arena_aligns(size_t alignment) {
    return alignment - 1 < TARN_ARENA_MALLOC_ALIGNMENT && (alignment & (alignment - 1)) == 0;
}

/* Whether an object fits at this address. A size that the compiler knows cannot make an address overflow, and
 * the address behind the object serves twice. */
static inline int tarn_arena_fits(const tarn_arena* arena, const char* at, size_t size) {
    if (__builtin_constant_p(size) && size < TARN_ARENA_LARGEST_CHUNK)
        return (uintptr_t)at + tarn_arena_rounded(size) <= (uintptr_t)arena->end;
    return size <= (size_t)(arena->end - at); /* then it fits rounded */
}

/* Memory of any size and alignment, not cleared. In both cases `next` is written here last, so that the
 * compiler knows it, and keeps it in a register in a loop that allocates. */
static inline void* tarn_arena_allocate(tarn_arena* arena, size_t size, size_t alignment) {
    char* at = arena->next;
    char* next;
    if (alignment > TARN_ARENA_UNIT) at += -(uintptr_t)at & (alignment - 1); /* not beyond the end */
    if (__builtin_expect(tarn_arena_aligns(alignment) && tarn_arena_fits(arena, at, size), 1)) {
        next = at + tarn_arena_rounded(size);
    } else {
        at = (char*)tarn_arena_allocate_slow(arena, size, alignment);
        next = *(char* volatile*)&arena->next;
    }
    arena->next = next;
    return at;
}

/* Makes the object larger or smaller where it is, if it is the last and the chunk has room; what it was given
 * back is handed out next. 0 when it has its new size; -1, and nothing changed, when it is not the last or
 * there is no room. An object that is not the last stays as it is when it shall shrink, and 0 is returned.
 * Never touches errno. */
static inline int tarn_arena_extend(tarn_arena* arena, void* object, size_t old_size, size_t new_size) {
    char* at = (char*)object;
    if (at + tarn_arena_rounded(old_size) != arena->next) return new_size <= old_size ? 0 : -1;
    if (__builtin_expect(new_size > (size_t)(arena->end - at), 0)) return -1;
    arena->next = at + tarn_arena_rounded(new_size);
    return 0;
}

/* For the inline functions below. */
TARN_API void* tarn_arena_resize_slow(tarn_arena* arena, void* object, size_t old_size, size_t new_size,
                                      size_t alignment);

/* The object with a new size, its contents kept: where it is if tarn_arena_extend can, or else in new memory
 * (the old is then lost until the arena is rewound). The last object gets room to grow when it moves, so that
 * growing it piece by piece takes constant time per byte. `object` NULL with old_size 0 is a new object.
 * NULL: the object is as it was. */
static inline void* tarn_arena_resize(tarn_arena* arena, void* object, size_t old_size, size_t new_size,
                                      size_t alignment) {
    if (object && tarn_arena_extend(arena, object, old_size, new_size) == 0) return object;
    return tarn_arena_resize_slow(arena, object, old_size, new_size, alignment);
}

/* A copy of `length` bytes, and a NUL. `text` may be NULL when length is 0. */
static inline char* tarn_arena_string(tarn_arena* arena, const char* text, size_t length) {
    /* length + 1 being 0, no copy is made: the request is for more than there can be. */
    char* copy = (char*)tarn_arena_allocate(arena, length + 1 ? length + 1 : length, 1);
    if (!copy) return NULL;
    if (length > 0) memcpy(copy, text, length);
    copy[length] = 0;
    return copy;
}

/* A copy of an array of `count` objects of `size` bytes. */
TARN_API void* tarn_arena_copy(tarn_arena* arena, const void* objects, size_t count, size_t size,
                               size_t alignment);

/* The text that printf would print, and a NUL. `length`, unless NULL, gets its length. When the format fails:
 * NULL, and errno as vsnprintf sets it. */
TARN_API char* tarn_arena_format(tarn_arena* arena, size_t* length, const char* format, ...)
    __attribute__((format(printf, 3, 4)));
/* The same with the arguments in a list. */
TARN_API char* tarn_arena_vformat(tarn_arena* arena, size_t* length, const char* format, va_list arguments)
    __attribute__((format(printf, 3, 0)));

/* `run(context)` is called once, when the arena is rewound past this point, reset, released or destroyed;
 * the newest first, before any memory goes. It may allocate from the arena, whose memory goes with the
 * rest, but not rewind it. 0; -1 with ENOMEM. */
TARN_API int tarn_arena_on_rewind(tarn_arena* arena, void (*run)(void* context), void* context);

/* The same, without failure, in memory of the caller's that lives as long (such as in the object itself). */
static inline void tarn_arena_push_cleanup(tarn_arena* arena, tarn_arena_cleanup* cleanup,
                                           void (*run)(void* context), void* context) {
    cleanup->previous = arena->cleanups;
    cleanup->run = run;
    cleanup->context = context;
    arena->cleanups = cleanup;
}

/* The point that the arena is at. */
static inline tarn_arena_mark tarn_arena_mark_get(const tarn_arena* arena) {
    tarn_arena_mark mark;
    mark.next = arena->next;
    mark.chunk = arena->chunk;
    mark.cleanups = arena->cleanups;
    mark.larges = arena->larges;
    return mark;
}

/* Gives back all that was handed out since the mark was taken. A mark may be used again until the arena is
 * rewound past it; then it is gone, and using it is misuse, which ends the program where it is noticed.
 * Objects older than the mark may be lost as well, if they were resized since. Chunks are kept for reuse,
 * blocks of single large objects are freed.
 * Example:
 *     tarn_arena* arena = tarn_arena_create(0, 0);
 *     tarn_arena_mark before = tarn_arena_mark_get(arena);
 *     puts(tarn_arena_format(arena, NULL, "%d of %d", 3, 7));
 *     tarn_arena_rewind(arena, before);  // the text is gone
 *     tarn_arena_destroy(arena);
 */
static inline void tarn_arena_rewind(tarn_arena* arena, tarn_arena_mark mark) {
    if (arena->chunk == mark.chunk && arena->larges == mark.larges && arena->cleanups == mark.cleanups)
        arena->next = mark.next;
    else
        tarn_arena_rewind_slow(arena, &mark);
}

/* Gives back everything, as a rewind to the beginning does. */
static inline void tarn_arena_reset(tarn_arena* arena) {
    tarn_arena_mark mark;
    mark.next = arena->base;
    mark.chunk = NULL;
    mark.cleanups = NULL;
    mark.larges = 0;
    tarn_arena_rewind(arena, mark);
}

/* What the arena takes from now on stands under this name in profiles (docs/profile.md), as the innermost frame; NULL: under
 * none. The name is not copied: it must be valid as long as the arena has it. One that goes back to an arena pool loses it.
 * Example:
 *     tarn_arena* arena = tarn_arena_create(0, 0);
 *     tarn_arena_name(arena, "syntax trees");
 *     tarn_arena_destroy(arena);
 */
static inline void tarn_arena_name(tarn_arena* arena, const char* name) {
    arena->name = name;
}

/* Frees the chunks that are kept for reuse; the bytes freed. */
TARN_API size_t tarn_arena_trim(tarn_arena* arena);

#define TARN_ARENA_STATS_VERSION 1u

/* Always: used + wasted + left = capacity. */
typedef struct tarn_arena_stats {
    uint32_t version;  /* TARN_ARENA_STATS_VERSION of the library that filled it */
    uint32_t chunks;   /* in use, the first included */
    uint64_t larges;   /* blocks of single large objects */
    uint64_t capacity; /* bytes for objects in both */
    uint64_t used;     /* of it, handed out, with what alignment took */
    uint64_t wasted;   /* of it, at the ends of chunks that were too short for the next object */
    uint64_t left;     /* of it, in the chunk in use */
    uint64_t spare;    /* bytes in chunks that are kept for reuse */
    uint64_t cleanups; /* that are to run */
} tarn_arena_stats;

/* Fills the first `size` bytes of `stats` (pass `sizeof *stats`), as tarn_stats_get does. Takes time for each
 * chunk and cleanup. -1 when `stats` is NULL or `size` does not hold `version` and `chunks`. */
TARN_API int tarn_arena_stats_get(const tarn_arena* arena, tarn_arena_stats* stats, size_t size);

#ifdef __cplusplus
}
#endif
#endif
