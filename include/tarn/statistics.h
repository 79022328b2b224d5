/* SPDX-License-Identifier: MIT
 *
 * Statistics, trimming and the version. None of these functions allocates and none changes errno.
 * Counters start at 0 when the process starts (a child of fork goes on from its parent's).
 */
#ifndef TARN_STATISTICS_H
#define TARN_STATISTICS_H

#include "tarn/base.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Goes up when fields are added. They are added at the end; none is ever moved, removed or given another
 * meaning. */
#define TARN_STATS_VERSION 6u
#define TARN_SIZE_CLASSES_MAX 96

/* One size class. Always: frees <= allocations, remote_frees <= frees, fresh + reused = allocations,
 * live_objects = allocations - frees.
 * fresh counts an object when it is first carved from its slab; a thread carves a few ahead (no further than
 * the end of a page), so fresh may be that many too high per thread, and reused that many too low. */
typedef struct tarn_class_stats {
    uint64_t object_size;  /* largest request it serves, and what each of its objects takes */
    uint64_t allocations;  /* counter */
    uint64_t frees;        /* counter */
    uint64_t live_objects; /* now */
    uint64_t live_bytes;   /* now: live_objects * object_size */
    uint64_t fresh;  /* counter: of the allocations, those from memory not used since its slab was made */
    uint64_t reused; /* allocations - fresh: those that got an object freed before */
    uint64_t remote_frees; /* counter: of the frees, those by another thread than the slab's owner */
    uint64_t slabs;        /* now */
    uint64_t slab_bytes;   /* now: address space of these slabs, and of its objects in mixed ones */
} tarn_class_stats;

/* A snapshot of the whole process. Each number is exact when no other thread allocates or frees meanwhile.
 * Otherwise counters were read one by one while others ran, and may be a few calls apart: frees may even read
 * a few lower than the time before (TARN_STATS_PROMETHEUS shows the higher number then, since its counters
 * must not fall). The equations hold in either case, and nothing is ever negative. */
typedef struct tarn_stats {
    uint32_t version; /* TARN_STATS_VERSION of the library that filled it */
    uint32_t classes; /* number of entries filled in class_stats, smallest objects first */

    /* All requests, small and large together. */
    uint64_t allocations;  /* counter: small_allocations + large_allocations */
    uint64_t frees;        /* counter: small_frees + large_frees */
    uint64_t live_objects; /* now: allocations - frees */
    uint64_t live_bytes;   /* now: small_live_bytes + large_live_bytes; usable bytes, not those asked for */

    /* Small: served by size classes. Sums over class_stats. */
    uint64_t small_allocations; /* counter */
    uint64_t small_frees;       /* counter */
    uint64_t small_live_bytes;  /* now */
    uint64_t fresh;             /* counter */
    uint64_t reused;            /* small_allocations - fresh */
    uint64_t remote_frees;      /* counter */
    uint64_t slabs;             /* now */

    /* Large: served by the backend. */
    uint64_t large_allocations;    /* counter */
    uint64_t large_frees;          /* counter */
    uint64_t large_live_objects;   /* now: large_allocations - large_frees */
    uint64_t large_live_bytes;     /* now */
    uint64_t large_peak_bytes;     /* most that large_live_bytes has been */
    uint64_t large_grown_in_place; /* counter: realloc of a large block that copied nothing */

    uint64_t foreign_frees; /* counter: pointers that another allocator had made, handed to libc */

    uint64_t threads;       /* now: heaps that belong to a living thread */
    uint64_t threads_ended; /* counter: heaps given up by threads that ended */
    uint64_t orphan_slabs;  /* now: slabs that no thread has, with live objects */

    /* The region that small objects live in. */
    uint64_t reserved;  /* now: address space */
    uint64_t committed; /* now: of it, readable and writable */
    uint64_t in_use;    /* now: of it, in slabs and other runs handed out */
    uint64_t dirty;     /* now: free, but still resident */
    uint64_t returned;  /* counter: bytes given back to the operating system */

    /* The backend's own word; 0 where it does not know. */
    uint64_t backend_committed; /* now: address space it may touch */
    uint64_t backend_cached;    /* now: held for reuse, still resident */

    /* The whole process, as the kernel counts; 0 when /proc cannot be read. */
    uint64_t resident;      /* now */
    uint64_t peak_resident; /* most it has been since exec */

    double pool_share;          /* small_allocations / allocations, 0..1; 0 before the first */
    double pool_hit_rate;       /* reused / small_allocations, 0..1; 0 before the first */
    double fragmentation_ratio; /* resident / live_bytes; 0 when nothing is live */

    char backend[32]; /* who serves large requests; terminated */
    tarn_class_stats class_stats[TARN_SIZE_CLASSES_MAX];

    /* From version 2 on: the explicit interface. What its parts are made of is malloc's, and counted above
     * as well; buffers, batches and strings are blocks of malloc's and nothing more. */
    uint64_t arenas;                   /* now: made by tarn_arena_create, idle ones of arena pools included */
    uint64_t arenas_made;              /* counter */
    uint64_t arena_bytes;              /* now: what all arenas hold of malloc's */
    uint64_t arena_bytes_taken;        /* counter: what they took from malloc, ever */
    uint64_t object_pools;             /* now */
    uint64_t object_pools_made;        /* counter */
    uint64_t object_pool_allocations;  /* counter */
    uint64_t object_pool_fresh;        /* counter: of them, those from memory not used before */
    uint64_t object_pool_live_objects; /* now */
    uint64_t object_pool_bytes;        /* now: memory for objects */
    uint64_t interners;                /* now: tables, the process's own included */
    uint64_t interners_made;           /* counter */
    uint64_t interned_strings;         /* now: in all tables; keywords included */
    uint64_t intern_requests;          /* counter: strings that were looked for, found or not */
    uint64_t interner_bytes;           /* now: what the tables and their strings took from malloc */
    uint64_t user_heaps;               /* now: of tarn_heap_create */
    uint64_t user_heaps_made;          /* counter */
    uint64_t user_heap_bytes;          /* now: their chunks and large blocks */
    double object_pool_hit_rate;       /* share that was reused, 0..1; 0 before the first */

    /* From version 3 on. */
    uint64_t user_heap_allocations;  /* counter */
    uint64_t user_heap_live_objects; /* now */
    uint64_t user_heap_live_bytes;   /* now: usable bytes */

    /* From version 4 on: what the resident memory is. The part of live_bytes that the program has never touched is
     * not resident, so other_bytes may be too low by so much. */
    uint64_t kept_bytes;    /* now: free memory that is resident: the two below, dirty and backend_cached */
    uint64_t kept_in_bins;  /* now: free objects that threads have at hand */
    uint64_t kept_in_slabs; /* now: free objects in slabs in use, and in empty ones that are kept */
    uint64_t other_bytes;   /* now: resident - live_bytes - kept_bytes, 0 at least: not malloc's */

    /* From version 5 on: the most that was ever live, in bytes. Small objects are not counted as they come
     * and go. They are summed up in each snapshot, and whenever the memory in slabs and large blocks has become
     * more than at any sum before, by a 32nd, 256 KiB or 128 KiB for each thread, whichever is most. So these two may be
     * too low, by so much at most and what lay free in slabs at the highest sum. They are not too high, but as every
     * number while other threads run; never lower than the time before, nor than what is live. large_peak_bytes
     * is exact. */
    uint64_t peak_live_bytes;  /* most that live_bytes has been; at least each of the other two peaks */
    uint64_t small_peak_bytes; /* most that small_live_bytes has been */

    /* From version 6 on: guarded samples (TARN_GUARD). They are among the small allocations, too. */
    uint64_t guarded_allocations; /* counter */
    uint64_t guarded_live;        /* now: of them, those not freed */
    uint64_t guard_faults;        /* counter: accesses and frees that were found to be wrong */

    /* The same: the hardened mode (TARN_HARDENED). What it finds ends the process. */
    uint64_t hardened_checks; /* counter: objects that were looked at, when freed and when handed out again */
    uint64_t quarantine_bytes; /* now: freed, and waiting for reuse; blocks of more than 32 KiB not counted */
} tarn_stats;

/* Fills the first `size` bytes of `stats`; pass `sizeof *stats`. A program compiled against an older,
 * smaller struct is never overrun, and one compiled against a newer, larger struct finds zeros in the
 * fields that this library does not know. `offsetof(tarn_stats, class_stats)` leaves the classes out.
 * -1 when `stats` is NULL or `size` does not hold `version` and `classes`.
 * Example:
 *     tarn_stats stats;
 *     tarn_stats_get(&stats, sizeof stats);
 *     printf("%llu bytes are live\n", (unsigned long long)stats.live_bytes);
 */
TARN_API int tarn_stats_get(tarn_stats* stats, size_t size);

/* TARN_STATS_TEXT shows those size classes of which the slabs are more than a tenth of the resident memory,
 * TARN_STATS_CLASSES all that were used. */
enum tarn_stats_format {
    TARN_STATS_TEXT = 1,
    TARN_STATS_JSON = 2,
    TARN_STATS_PROMETHEUS = 3,
    TARN_STATS_CLASSES = 4
};

/* Writes a report to a file descriptor, by one write where memory allows.
 * -1 when the format is unknown (nothing is written) or the descriptor did not take all of it. A program that
 * writes to a connection or a file does not die of it: a reader that is gone and the limit on the size of
 * files (RLIMIT_FSIZE) give -1, and no SIGPIPE or SIGXFSZ. A descriptor that blocks is waited for, as by
 * write(2); one that does not (O_NONBLOCK) is waited for as well, for two seconds in all, so that a slow
 * reader of a small pipe gets a whole report. An event loop, which must not wait, takes tarn_stats_print.
 * Example:
 *     tarn_stats_write(1, TARN_STATS_JSON);
 */
TARN_API int tarn_stats_write(int fd, enum tarn_stats_format format);

/* Hands a report to `sink` in pieces of at most 512 bytes, which are not terminated. All numbers are read
 * before the first piece, and no lock is held: the sink may do what it likes, even allocate.
 * -1 when `sink` is NULL or the format unknown; the sink is then not called. */
TARN_API int tarn_stats_print(void (*sink)(void* context, const char* text, size_t length), void* context,
                              enum tarn_stats_format format);

/* Gives all free memory that can be given back to the operating system; the number of bytes, 0 when there
 * was none. What living threads keep in their bins stays with them. */
TARN_API size_t tarn_trim(void);

/* The library's version, "major.minor.patch". Valid for ever; never NULL. */
TARN_API const char* tarn_version(void);

#ifdef __cplusplus
}
#endif
#endif
