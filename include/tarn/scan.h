/* SPDX-License-Identifier: MIT
 *
 * Scanning bytes: find one of a set of bytes, or the first that is none of them; skip blanks; count; compare;
 * hash. Each function has several versions (AVX2, SSE4.2, NEON, plain C++), and the first call of any chooses
 * the best that the processor can run; the results are the same.
 *
 * Positions are counted from the start of what is scanned, 0 to `length`; `length` says "none". Bytes may
 * have any value and any alignment. No byte outside of the given length is read, but by the functions whose
 * name ends in _padded: there the caller promises that TARN_SCAN_PADDING bytes behind the end may be read
 * (their values do not matter), which is so for the contents of a tarn_buffer. A length of 0 is allowed, and
 * the pointer may then be NULL.
 *
 * None of these functions allocates, locks, or changes errno, except where it is said; all may be called by
 * any threads at once. Times grow with the position that is found, and are independent of the set.
 */
#ifndef TARN_SCAN_H
#define TARN_SCAN_H

#include "tarn/base.h"

#ifdef __cplusplus
extern "C" {
#endif

enum { TARN_SCAN_PADDING = 64 };

/* A set of bytes. Byte c is in it when bit (c >> 4) % 8 of rows[(c & 15) + (c & 128 ? 16 : 0)] is set: two
 * rows of 16, by the low half of the byte, which is what a byte shuffle of a processor looks up at once.
 * (Wojciech Mula, "SIMD byte lookup", 2018; after Geoff Langdale and Daniel Lemire in simdjson and
 * Hyperscan's shufti.) All zero: the empty set. It may be copied. */
typedef struct tarn_byte_set {
    uint8_t rows[32];
} tarn_byte_set;

/* The set of these bytes, 0 to any number of them; doubles do no harm. */
TARN_API void tarn_byte_set_make(tarn_byte_set* set, const void* bytes, size_t count);

/* Adds a byte, which may be in the set already. */
static inline void tarn_byte_set_add(tarn_byte_set* set, unsigned char byte) {
    uint8_t* row = &set->rows[(byte & 15) | ((byte & 128) >> 3)];
    *row = (uint8_t)(*row | (1u << ((byte >> 4) & 7)));
}
/* 1 or 0. */
static inline int tarn_byte_set_has(const tarn_byte_set* set, unsigned char byte) {
    return (set->rows[(byte & 15) | ((byte & 128) >> 3)] >> ((byte >> 4) & 7)) & 1;
}

/* The first byte with this value. */
TARN_API size_t tarn_find_byte(const void* bytes, size_t length, unsigned char byte);
/* The same in padded bytes. */
TARN_API size_t tarn_find_byte_padded(const void* bytes, size_t length, unsigned char byte);
/* The first byte that is in the set.
 * Example:
 *     const char* text = "name = rope;";
 *     tarn_byte_set ends;
 *     tarn_byte_set_make(&ends, " =;", 3);
 *     printf("%zu\n", tarn_find_any(text, strlen(text), &ends));  // 4
 */
TARN_API size_t tarn_find_any(const void* bytes, size_t length, const tarn_byte_set* set);
/* The same in padded bytes. */
TARN_API size_t tarn_find_any_padded(const void* bytes, size_t length, const tarn_byte_set* set);
/* The first byte that is not in the set. */
TARN_API size_t tarn_find_not(const void* bytes, size_t length, const tarn_byte_set* set);
/* The same in padded bytes. */
TARN_API size_t tarn_find_not_padded(const void* bytes, size_t length, const tarn_byte_set* set);

/* Which bytes are in the set, all at once: bit i % 64 of marks[i / 64] says so of byte i. Fills as many
 * numbers as that takes, (length + 63) / 64; bits beyond the last byte are 0. For tokenisers: the end of a
 * run and the next hit are then found by counting zeros. */
TARN_API void tarn_mark_any(const void* bytes, size_t length, const tarn_byte_set* set, uint64_t* marks);

/* How many bytes have this value. */
TARN_API size_t tarn_count_byte(const void* bytes, size_t length, unsigned char byte);

/* The first position at which the two differ. */
TARN_API size_t tarn_mismatch(const void* one, const void* other, size_t length);

/* Which blanks; may be added up. */
enum tarn_blanks {
    TARN_BLANK_SPACE = 1,
    TARN_BLANK_TAB = 2,
    TARN_BLANK_CR = 4,
    TARN_BLANK_LF = 8,
    TARN_BLANKS_IN_LINE = 3, /* space and tab */
    TARN_BLANKS = 15
};
/* For tarn_skip_blanks only. */
TARN_API size_t tarn_skip_blanks_slow(const void* bytes, size_t length, unsigned blanks);

/* The first byte that is none of these blanks. */
static inline size_t tarn_skip_blanks(const void* bytes, size_t length, unsigned blanks) {
    /* Most often there is none, or one. */
    if (length > 0 && *(const unsigned char*)bytes > ' ') return 0;
    return tarn_skip_blanks_slow(bytes, length, blanks);
}

/* The first line feed. */
static inline size_t tarn_find_newline(const void* bytes, size_t length) {
    return tarn_find_byte(bytes, length, '\n');
}
/* How many line feeds there are. */
static inline size_t tarn_count_newlines(const void* bytes, size_t length) {
    return tarn_count_byte(bytes, length, '\n');
}

/* 1 or 0. */
static inline int tarn_equal(const void* one, const void* other, size_t length) {
    return tarn_mismatch(one, other, length) == length;
}

/* Less than, equal to or greater than 0, as by memcmp over the shorter length; when that is equal, the
 * shorter one is less. */
static inline int tarn_compare(const void* one, size_t one_length, const void* other, size_t other_length) {
    const size_t shorter = one_length < other_length ? one_length : other_length;
    const size_t at = tarn_mismatch(one, other, shorter);
    if (at < shorter) return ((const unsigned char*)one)[at] - ((const unsigned char*)other)[at];
    return (one_length > other_length) - (one_length < other_length);
}

/* 64 bits of hash, the same on every processor and in every version of the library with the same major
 * number. All bits depend on all bytes and on the seed. Built from 64 by 64 to 128 bit multiplications after
 * wyhash (Wang Yi, 2019). Not for cryptography, and not for tables whose keys come from strangers unless the
 * seed is secret and random; even then it makes collisions hard to guess, not impossible to compute for
 * somebody who sees hashes. */
TARN_API uint64_t tarn_hash(const void* bytes, size_t length, uint64_t seed);

/* For tests and measurements: the versions that this processor can run, the best first. NULL past the last.
 * Names: "avx2", "sse4.2", "neon", "scalar". Valid for ever. */
TARN_API const char* tarn_scan_version(size_t index);
/* The version in force. Never NULL. */
TARN_API const char* tarn_scan_selected(void);
/* Puts a version in force, for the whole process; NULL: the best. -1 and EINVAL when this processor cannot
 * run it, or when there is no such version. */
TARN_API int tarn_scan_select(const char* name);

#ifdef __cplusplus
}
#endif
#endif
