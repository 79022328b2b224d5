/* SPDX-License-Identifier: MIT
 *
 * Copy-on-write strings: text that is copied when it is written to, not when it is passed on.
 * Example:
 *     tarn_string line, word;
 *     tarn_string_copy("GET /index.html HTTP/1.1", 24, &line);  // copies, once
 *     tarn_string_slice(&line, 4, 11, &word);                   // shares line's buffer
 *     tarn_string_lower(&word, &word);                          // copies only if a letter changes
 *     tarn_string_destroy(&word);
 *     tarn_string_destroy(&line);
 *
 * A tarn_string is a value of 24 bytes that the program places; not a handle. One of zeros is the empty
 * string and needs no destroying. A string may be moved by copying its bytes, if the old ones are then
 * forgotten. It is one of three:
 * - short: up to TARN_STRING_SHORT bytes, kept inside the value;
 * - owned: a part of a counted buffer, which the last string that has a part of it frees; a slice of an owned
 *   string keeps the whole buffer alive, and tarn_string_own undoes that;
 * - borrowed: text of the program's, which must stay there, unchanged, as long as any string made from it.
 *
 * `result` is a place for a new string, whatever was there before, which the caller destroys; only where a
 * function says "or text itself" it may be that, and the string is then changed. Functions that return int
 * return -1 and set ENOMEM when there is no memory; their strings are then untouched.
 *
 * Threads: as std::shared_ptr. Different strings may be used by any threads, also where they share a buffer;
 * one string by one thread at a time, or any number that only read it (const).
 *
 * Lengths are in bytes, at most PTRDIFF_MAX - 64; bytes may be 0. lower, upper and trim know ASCII only.
 */
#ifndef TARN_COW_STRING_H
#define TARN_COW_STRING_H

#include <string.h>

#include "tarn/base.h"

/* glibc, from 2.32 on, tells whether the process has one thread. */
#ifdef __has_include
#if __has_include(<sys/single_threaded.h>)
#include <sys/single_threaded.h>
#define TARN_STRING_LIBC_COUNTS_THREADS 1
#endif
#endif

#ifdef __cplusplus
extern "C" {
#endif

enum { TARN_STRING_SHORT = 22 };

/* For the inline functions only, which read little-endian words:
 *   short     byte 0 is twice the length; the text follows, and zeros.
 *   others    bit 0 of owner is set, bit 1 when borrowed text has a NUL behind it; the rest is the buffer,
 *             or 0. */
typedef struct tarn_string {
    uintptr_t owner;
    const char* text;
    size_t length;
} tarn_string;
/* For the inline functions only; text and a NUL follow. */
typedef struct tarn_string_buffer {
    size_t strings;
    size_t capacity;
} tarn_string_buffer;

/* What strings did in one thread; never falls. A copy is a call that copied text, from wherever, into a
 * string's own memory (also inside the value); an append counts the bytes it adds, and those it must move to
 * a larger buffer; a push of one byte only the latter. A copy avoided is a new string made without: shared,
 * sliced, borrowed, or unchanged. */
typedef struct tarn_string_counters {
    uint64_t version;
    uint64_t copies;
    uint64_t bytes_copied;
    uint64_t copies_avoided;
    uint64_t bytes_not_copied;
} tarn_string_counters;

#define TARN_STRING_COUNTERS_VERSION 1u

/* Fills the first `size` bytes; pass sizeof *counters. Of the calling thread, exact. -1 when NULL or not even
 * the version fits. */
TARN_API int tarn_string_counters_get(tarn_string_counters* counters, size_t size);

/* For the inline functions only. */
typedef struct tarn_string_tally {
    uint64_t copies, bytes_copied, copies_avoided, bytes_not_copied;
} tarn_string_tally;
extern TARN_API __thread tarn_string_tally tarn_string_thread_tally
    __attribute__((tls_model("initial-exec"), aligned(8)));
TARN_API void tarn_string_free_buffer(tarn_string_buffer* buffer);
TARN_API int tarn_string_append_slow(tarn_string* text, const char* added, size_t length);
TARN_API int tarn_string_push_slow(tarn_string* text, char added);
TARN_API void tarn_string_slice_short(const tarn_string* text, size_t position, size_t length,
                                      tarn_string* result);

/* Whether the text lies inside the value. */
static inline int tarn_string_is_short(const tarn_string* text) {
    return (text->owner & 1) == 0;
}
static inline tarn_string_buffer* tarn_string_buffer_of(const tarn_string* text) {
    return text->owner & 1 ? (tarn_string_buffer*)(text->owner & ~(uintptr_t)3) : NULL;
}
/* An empty statement between the additions keeps compilers from making one of 16 bytes out of them: where
 * calls follow each other, that one waits each time until it can load what was just stored, and takes five
 * times as long. */
static inline void tarn_string_count_avoided(size_t bytes) {
    ++tarn_string_thread_tally.copies_avoided;
    __asm__("" : "+m"(tarn_string_thread_tally.copies_avoided));
    tarn_string_thread_tally.bytes_not_copied += bytes;
}
static inline void tarn_string_count_copied(size_t bytes) {
    ++tarn_string_thread_tally.copies;
    __asm__("" : "+m"(tarn_string_thread_tally.copies));
    tarn_string_thread_tally.bytes_copied += bytes;
}

/* Bytes. */
static inline size_t tarn_string_length(const tarn_string* text) {
    return text->owner & 1 ? text->length : (text->owner & 255) / 2;
}
/* Its bytes, NOT terminated (see tarn_string_c_str). They are valid until the string is changed, moved or
 * destroyed. */
static inline const char* tarn_string_text(const tarn_string* text) {
    return text->owner & 1 ? text->text : (const char*)text + 1;
}
/* How many strings have a part of the buffer; 0 for short and borrowed ones. */
static inline size_t tarn_string_sharers(const tarn_string* text) {
    const tarn_string_buffer* const buffer = tarn_string_buffer_of(text);
    return buffer ? __atomic_load_n(&buffer->strings, __ATOMIC_ACQUIRE) : 0;
}
/* Whether the text is the program's. */
static inline int tarn_string_is_borrowed(const tarn_string* text) {
    return (text->owner & ~(uintptr_t)2) == 1;
}
/* Whether the string has these bytes. */
static inline int tarn_string_equal(const tarn_string* a, const char* text, size_t length) {
    return tarn_string_length(a) == length && (length == 0 || memcmp(tarn_string_text(a), text, length) == 0);
}

/* Whether this is the one thread for certain. No other may come while a string is changed. */
static inline int tarn_string_single_threaded(void) {
#ifdef TARN_STRING_LIBC_COUNTS_THREADS
    return __libc_single_threaded;
#else
    return 0;
#endif
}

/* For the inline functions only. NULL does nothing. */
static inline void tarn_string_remove_sharer(tarn_string_buffer* buffer) {
    if (!buffer) return;
    if (tarn_string_single_threaded()) {
        if (--buffer->strings == 0) tarn_string_free_buffer(buffer);
    } else if (__atomic_load_n(&buffer->strings, __ATOMIC_ACQUIRE) == 1 ||
               __atomic_sub_fetch(&buffer->strings, 1, __ATOMIC_ACQ_REL) == 0) {
        tarn_string_free_buffer(buffer); /* alone, so nobody can share it meanwhile */
    }
}

/* Ends it, and leaves the empty string. */
static inline void tarn_string_destroy(tarn_string* text) {
    tarn_string_buffer* const buffer = tarn_string_buffer_of(text);
    text->owner = 0;
    text->text = NULL;
    text->length = 0;
    tarn_string_remove_sharer(buffer);
}

static inline void tarn_string_add_sharer(tarn_string_buffer* buffer) {
    if (!buffer) return;
    if (tarn_string_single_threaded())
        ++buffer->strings;
    else
        (void)__atomic_add_fetch(&buffer->strings, 1, __ATOMIC_RELAXED);
}

/* The same text again: shares a buffer or borrowed text, copies a short string. `result` is not `text`. */
static inline void tarn_string_share(const tarn_string* text, tarn_string* result) {
    *result = *text;
    if (text->owner & 1) {
        tarn_string_add_sharer(tarn_string_buffer_of(text));
        tarn_string_count_avoided(text->length);
    } else if (text->owner) {
        tarn_string_count_copied((text->owner & 255) / 2);
    }
}

/* Text that stays where it is. */
static inline void tarn_string_borrow(const char* text, size_t length, tarn_string* result) {
    result->owner = length != 0;
    result->text = length ? text : NULL;
    result->length = length;
    if (length) tarn_string_count_avoided(length);
}
/* The same, with a NUL behind it, as literals have: c_str never copies it. */
static inline void tarn_string_borrow_terminated(const char* text, tarn_string* result) {
    tarn_string_borrow(text, strlen(text), result);
    if (result->owner) result->owner |= 2;
}

/* Bytes position .. position + length - 1, as far as they are there. `result`: or text itself. */
static inline void tarn_string_slice(const tarn_string* text, size_t position, size_t length,
                                     tarn_string* result) {
    const size_t whole = tarn_string_length(text);
    tarn_string slice;
    if (position > whole) position = whole;
    if (length > whole - position) length = whole - position;
    if (tarn_string_is_short(text) || length == 0) {
        tarn_string_slice_short(text, position, length, result);
        return;
    }
    /* Bit 1 is only ever set in borrowed text. */
    slice.owner = position + length == whole ? text->owner : text->owner & ~(uintptr_t)2;
    slice.text = text->text + position;
    slice.length = length;
    if (result != text) {
        tarn_string_add_sharer(tarn_string_buffer_of(text));
        tarn_string_count_avoided(length);
    }
    *result = slice;
}

/* Copies. */
TARN_API int tarn_string_copy(const char* text, size_t length, tarn_string* result);
/* The same text, depending on nobody's memory and keeping no buffer alive that is more than twice as large as
 * it: borrowed text and small slices are copied, others shared. `result`: or text itself. */
TARN_API int tarn_string_own(const tarn_string* text, tarn_string* result);
/* The text terminated by a NUL; the string is copied if it is not. NULL and ENOMEM. */
TARN_API const char* tarn_string_c_str(tarn_string* text);
/* The text, to be written to: in place if no other string has the buffer, else copied. NULL and ENOMEM. */
TARN_API char* tarn_string_edit(tarn_string* text);
/* A buffer of its own, with room for so many bytes. */
TARN_API int tarn_string_reserve(tarn_string* text, size_t capacity);
/* Adds text at the end: in place if no other string has the buffer and there is room, which grows twofold.
 * `added` may be within it. */
static inline int tarn_string_append(tarn_string* text, const char* added, size_t length) {
    tarn_string_buffer* const buffer = tarn_string_buffer_of(text);
    char* end;
    if (!buffer || tarn_string_sharers(text) != 1) return tarn_string_append_slow(text, added, length);
    end = (char*)text->text + text->length;
    if (length == 0 || length > (size_t)((char*)(buffer + 1) + buffer->capacity - end))
        return tarn_string_append_slow(text, added, length);
    memmove(end, added, length);
    end[length] = 0;
    text->length += length;
    tarn_string_count_copied(length);
    return 0;
}
/* The same for one byte. It counts as no copy, but for what is moved to a larger buffer. */
static inline int tarn_string_push(tarn_string* text, char added) {
    const uintptr_t owner = text->owner;
    const size_t length = text->length;
    const tarn_string_buffer* const buffer = (const tarn_string_buffer*)(owner - 1); /* if owned */
    char* end;
    /* Bit 0 on top: owned ones are above all short and borrowed ones. */
    if (__builtin_expect((owner >> 1 | owner << 63) <= ((uintptr_t)1 << 63 | 1), 0))
        return tarn_string_push_slow(text, added);
    end = (char*)text->text + length;
    if (__builtin_expect(__atomic_load_n(&buffer->strings, __ATOMIC_ACQUIRE) != 1 ||
                             end == (const char*)(buffer + 1) + buffer->capacity,
                         0))
        return tarn_string_push_slow(text, added);
    end[0] = added;
    end[1] = 0;
    text->length = length + 1;
    return 0;
}
/* Left and right; shares the one when the other is empty. */
TARN_API int tarn_string_concat(const tarn_string* left, const tarn_string* right, tarn_string* result);
/* Less than 0, 0, more than 0: by bytes, as memcmp; a beginning comes before the whole. */
TARN_API int tarn_string_compare(const tarn_string* a, const tarn_string* b);

enum tarn_string_side { TARN_STRING_START = 1, TARN_STRING_END = 2, TARN_STRING_BOTH = 3 };
/* Without spaces (those of isspace in the C locale) at that side: a slice. `result`: or text itself. */
TARN_API void tarn_string_trim(const tarn_string* text, enum tarn_string_side side, tarn_string* result);
/* In ASCII small letters; shared when nothing changes. `result`: or text itself. */
TARN_API int tarn_string_lower(const tarn_string* text, tarn_string* result);
/* In ASCII capital letters; likewise. */
TARN_API int tarn_string_upper(const tarn_string* text, tarn_string* result);
/* With each `from`, found from the left, replaced by `to`; shared when there is none, and when `from` is
 * empty or the same as `to`. `result`: or text itself. */
TARN_API int tarn_string_replace(const tarn_string* text, const char* from, size_t from_length,
                                 const char* to, size_t to_length, tarn_string* result);
/* The piece at *position, which begins at 0, up to the next separator, as a slice that the caller destroys;
 * moves *position on. 0, and no piece, behind the last; 1 otherwise. The empty string has one piece, itself;
 * without separator (length 0) every string has.
 * Example:
 *     tarn_string path, piece;
 *     size_t position = 0;
 *     tarn_string_borrow("usr/local/bin", 13, &path);
 *     while (tarn_string_split_next(&path, "/", 1, &position, &piece))
 *         tarn_string_destroy(&piece);
 */
TARN_API int tarn_string_split_next(const tarn_string* text, const char* separator, size_t separator_length,
                                    size_t* position, tarn_string* piece);

#ifdef __cplusplus
}
#endif
#endif
