/* SPDX-License-Identifier: MIT
 *
 * Interning: of equal strings one copy is kept, so that strings are compared by address.
 *
 * A table (tarn_interner) hands out interned strings (const tarn_interned*). Two strings interned in the same
 * table are equal if and only if their addresses are. Each has its length, its hash, perhaps a keyword's
 * number, and its text, which is NUL-terminated; none of these ever changes. Text may hold any
 * bytes, also NUL.
 *
 * An ordinary table keeps its strings until it is destroyed: looking up a string that is present takes no
 * lock and writes nothing that another thread reads. A table made with TARN_INTERNER_COUNTED counts
 * references, drops a string with its last one, and takes a lock for each look-up.
 *
 * Every function may be called by any thread at any time, on the same table too, but that
 * tarn_interner_create must have returned before and tarn_interner_destroy needs the table to itself. A child
 * of fork finds every table usable, whatever other threads were doing. In what follows, "fails" means NULL
 * and errno.
 */
#ifndef TARN_INTERNER_H
#define TARN_INTERNER_H

#include "tarn/base.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct tarn_interner tarn_interner;

/* An interned string; its text follows it in memory. For the inline functions below only. Aligned to 4 bytes,
 * valid until its table is destroyed (in a counted table: until its last reference is released). */
typedef struct tarn_interned {
    uint32_t hash_bits;
    uint32_t length_bits; /* the length; the top bit: a keyword, whose number stands before this struct */
} tarn_interned;

enum { TARN_INTERNED_KEYWORD_BIT = 31 };

/* The text, terminated. A pointer that identifies the string just as well: see tarn_interned_of. */
static inline const char* tarn_interned_text(const tarn_interned* string) {
    return (const char*)(string + 1);
}

/* Bytes of text, the terminating NUL not counted. */
static inline size_t tarn_interned_length(const tarn_interned* string) {
    return string->length_bits & ~((uint32_t)1 << TARN_INTERNED_KEYWORD_BIT);
}

/* The same for equal text in tables of the same seed. All 32 bits are of use. */
static inline uint32_t tarn_interned_hash(const tarn_interned* string) {
    return string->hash_bits;
}

/* The number of a keyword, 0 and up in the order the keywords were given in; -1 of any other string. */
static inline int tarn_interned_keyword(const tarn_interned* string) {
    return string->length_bits >> TARN_INTERNED_KEYWORD_BIT ? (int)((const uint32_t*)string)[-1] : -1;
}

/* The string whose text begins at `text`, which must be a result of tarn_interned_text. */
static inline const tarn_interned* tarn_interned_of(const char* text) {
    return (const tarn_interned*)(const void*)text - 1;
}

/* Flags of a table. */
#define TARN_INTERNER_COUNTED 1u /* references are counted, unused strings dropped */
#define TARN_INTERNER_SEEDED 2u  /* hashes depend on options.seed alone, not on a random number */

#define TARN_INTERNER_SHARDS_MOST 16u

/* All zero but `version` is the default. */
typedef struct tarn_interner_options {
    uint32_t version; /* TARN_INTERNER_OPTIONS_VERSION */
    uint32_t flags;   /* TARN_INTERNER_..., or 0 */
    uint32_t shards;  /* parts that threads can insert into at the same time: a power of two up to
                         TARN_INTERNER_SHARDS_MOST; 0: 8 */
    uint32_t keyword_count;
    const char* const* keywords; /* keyword_count terminated words, each different; copied. See
                                    tarn/keywords.h for sets of them */
    size_t expected;             /* strings that room is made for at once; 0: little */
    uint64_t seed;               /* with TARN_INTERNER_SEEDED */
} tarn_interner_options;

#define TARN_INTERNER_OPTIONS_VERSION 1u

/* tarn_interner_options options = TARN_INTERNER_OPTIONS_INIT; then what shall be different. C and C++. */
#define TARN_INTERNER_OPTIONS_INIT \
    { TARN_INTERNER_OPTIONS_VERSION, 0, 0, 0, NULL, 0, 0 }

/* A new table. `options` may be NULL: the default; `size` is sizeof *options. Time: in proportion to
 * `expected` and the keywords. Fails with ENOMEM; with EINVAL when a flag is unknown, `shards` is no power of
 * two or too large, a keyword is NULL or given twice, or the version is not known.
 * Example:
 *     static const char* const words[] = {"if", "else"};
 *     const tarn_interner_options options = {
 *         .version = TARN_INTERNER_OPTIONS_VERSION, .keyword_count = 2, .keywords = words};
 *     tarn_interner* table = tarn_interner_create(&options, sizeof options);
 *     printf("%d\n", tarn_interned_keyword(tarn_intern(table, "else", 4)));  // 1
 *     tarn_interner_destroy(table);
 */
TARN_API tarn_interner* tarn_interner_create(const tarn_interner_options* options, size_t size);

/* Frees the table and every string in it. NULL and the table of the process are left alone. */
TARN_API void tarn_interner_destroy(tarn_interner* table);

/* The table of the process: ordinary, without keywords, 16 shards; made at the first call, never destroyed.
 * Fails with ENOMEM. */
TARN_API tarn_interner* tarn_interner_process(void);

/* The interned string of `length` bytes at `text`; inserted when it is not present. In a counted table the
 * caller gets a reference. `text` may be NULL when `length` is 0.
 * Expected time: in proportion to `length`. Fails with ENOMEM (also of more than 2^31 - 65 bytes) and then
 * nothing has changed; with EINVAL when `table` is NULL, or `text` is and `length` is not 0.
 * Example:
 *     tarn_interner* table = tarn_interner_create(NULL, 0);
 *     const tarn_interned* one = tarn_intern(table, "rope", 4);
 *     const tarn_interned* other = tarn_intern(table, "ropes", 4);
 *     printf("%d\n", one == other);  // 1
 *     tarn_interner_destroy(table);
 */
TARN_API const tarn_interned* tarn_intern(tarn_interner* table, const char* text, size_t length);

/* The same for the text of `first` followed by that of `second`; the parts are not interned. */
TARN_API const tarn_interned* tarn_intern_pair(tarn_interner* table, const char* first, size_t first_length,
                                               const char* second, size_t second_length);

/* The interned string if it is present, else NULL; nothing is inserted, and errno stays. In a counted table
 * the caller gets a reference. Not counted as a request. */
TARN_API const tarn_interned* tarn_interner_find(tarn_interner* table, const char* text, size_t length);

/* The keyword with this number, NULL when there is none. The caller does not release it, not even in a
 * counted table. */
TARN_API const tarn_interned* tarn_interner_keyword(const tarn_interner* table, size_t number);

/* One more reference to a string of a counted table, by somebody who has one; returns `string`. Takes no
 * lock. In an ordinary table, and for keywords, which are never dropped, nothing is counted. A string with
 * 2^32 - 1 references stays for ever. */
TARN_API const tarn_interned* tarn_interned_retain(tarn_interner* table, const tarn_interned* string);

/* Gives a reference back; the last one frees the string. Takes a lock for the last one only. NULL does
 * nothing. Giving back what one does not have is misuse, as a double free is. */
TARN_API void tarn_interned_release(tarn_interner* table, const tarn_interned* string);

/* Calls `visit` once for each string that was present all the time, in no particular order; for those
 * inserted or dropped meanwhile, once or not at all. A result other than 0 ends it and is returned; 0 at the
 * end. `visit` may use the table; of a counted table each string is kept until the end, for which memory is
 * needed: -1 and ENOMEM when there is none, before any call. */
TARN_API int tarn_intern_each(tarn_interner* table, int (*visit)(void* context, const tarn_interned* string),
                              void* context);

#define TARN_INTERNER_STATS_VERSION 1u

/* The memory that a table has saved. Exact when no other thread uses the table meanwhile. */
typedef struct tarn_interner_stats {
    uint32_t version; /* TARN_INTERNER_STATS_VERSION */
    uint32_t keywords;
    uint64_t requests;   /* counter: calls of tarn_intern and tarn_intern_pair that returned a string */
    uint64_t strings;    /* now: different strings, keywords included */
    uint64_t text_bytes; /* now: the sum of their lengths */
    /* Bytes that separate copies would take, each a malloc(length + 1) as tarn's size classes round it
     * (blocks above 32 KiB: to whole pages): of an ordinary table one copy per request; of a counted table
     * one per reference that is held now, a keyword counting as one. */
    uint64_t copy_bytes;
    uint64_t allocated_bytes; /* now: all that the table has from malloc, itself included, by usable size */
    double saved; /* 1 - allocated_bytes / copy_bytes; below 0 while it costs more; 0 without copies */
} tarn_interner_stats;

/* Fills the first `size` bytes of `stats`; pass sizeof *stats (older and newer structs as in
 * tarn_stats_get). Takes time in proportion to the strings. -1 when `table` or `stats` is NULL, or `size`
 * does not hold the version. */
TARN_API int tarn_interner_stats_get(tarn_interner* table, tarn_interner_stats* stats, size_t size);

#ifdef __cplusplus
}
#endif
#endif
