/* SPDX-License-Identifier: MIT
 *
 * Buffers for SIMD code: contiguous bytes that begin at an aligned address and have room behind their end.
 *
 * Of a buffer `b` these hold after every function here:
 * - data is a multiple of the buffer's alignment, or NULL while nothing was ever put in;
 * - size <= capacity, and the contents are data[0 .. size);
 * - data[size .. size + 64) may be read, and is all zero: the padding. So a load of 64 bytes that begins at
 *   any byte of the contents is legal, and what it finds behind the end is known.
 * - data[0 .. capacity + 64) may be written. A program that writes at or behind `size` itself makes the
 *   padding what it wrote, until the next function that changes the size.
 *
 * A buffer that is full grows to twice its capacity, to one and a half times from 256 KiB on: appending n
 * bytes one by one copies less than 2 * n in all, and blocks from 256 KiB on grow in place or are moved by
 * mremap, which copies nothing, unless the kernel refuses.
 */
#ifndef TARN_BUFFER_H
#define TARN_BUFFER_H

#include "tarn/base.h"

#include <string.h>

#ifdef __cplusplus
extern "C" {
#endif

enum {
    TARN_BUFFER_PADDING = 64,         /* bytes behind the contents */
    TARN_BUFFER_ALIGNMENT_MAX = 4096, /* bytes */
    TARN_BUFFER_HUGE_FROM = 4 << 20   /* bytes from which on huge pages are asked for */
};

/* May be added up. */
enum tarn_buffer_options {
    TARN_BUFFER_DEFAULT = 0,
    TARN_BUFFER_HUGE_PAGES =
        1 /* transparent huge pages (MADV_HUGEPAGE) for large buffers; a hint, no error */
};

/* Its first words, for the inline functions only; more follows. */
typedef struct tarn_buffer {
    unsigned char* data;
    size_t size;
    size_t capacity;
} tarn_buffer;

/* An empty buffer. `alignment` in bytes, 1 to 4096; less than 16 counts as 16. NULL: EINVAL for another
 * alignment or unknown options; ENOMEM.
 * Example:
 *     tarn_buffer* text = tarn_buffer_create(64, TARN_BUFFER_DEFAULT);
 *     tarn_buffer_append(text, "one line\n", 9);
 *     fwrite(tarn_buffer_data(text), 1, tarn_buffer_size(text), stdout);
 *     tarn_buffer_destroy(text);
 */
TARN_API tarn_buffer* tarn_buffer_create(size_t alignment, unsigned options);
/* Frees the buffer and its memory; NULL does nothing. */
TARN_API void tarn_buffer_destroy(tarn_buffer* buffer);

/* NULL, or aligned; valid until the next function that may change the capacity. */
static inline unsigned char* tarn_buffer_data(const tarn_buffer* buffer) {
    return buffer->data;
}
/* Bytes. */
static inline size_t tarn_buffer_size(const tarn_buffer* buffer) {
    return buffer->size;
}
/* Bytes that the contents can have before memory is asked for. */
static inline size_t tarn_buffer_capacity(const tarn_buffer* buffer) {
    return buffer->capacity;
}
/* Bytes; 16 to 4096. */
TARN_API size_t tarn_buffer_alignment(const tarn_buffer* buffer);

/* Of the functions that return int: 0, or -1 and ENOMEM; the buffer is then as it was. */

/* Room for `capacity` bytes in all, no more than that rounded up: it does not grow geometrically. */
TARN_API int tarn_buffer_reserve(tarn_buffer* buffer, size_t capacity);
/* `size` bytes; new ones are zero. */
TARN_API int tarn_buffer_resize(tarn_buffer* buffer, size_t size);
/* `size` bytes; new ones have any value. */
TARN_API int tarn_buffer_resize_uninitialized(tarn_buffer* buffer, size_t size);
/* `count` more bytes of any value, to be written by the caller: their address. NULL: ENOMEM, and for a
 * `count` of 0 in a buffer that has no memory yet. Capacity grows geometrically. */
TARN_API void* tarn_buffer_extend(tarn_buffer* buffer, size_t count);
/* The first `size` bytes are kept, or all when there are less; the memory is kept. */
TARN_API void tarn_buffer_truncate(tarn_buffer* buffer, size_t size);
/* Gives back memory that is not needed for the contents, where that can be done: blocks above 32 KiB keep up
 * to a quarter more than they need, smaller ones up to half of their size. Never fails. */
TARN_API void tarn_buffer_shrink_to_fit(tarn_buffer* buffer);
/* Exchanges contents, alignments and options. */
TARN_API void tarn_buffer_swap(tarn_buffer* one, tarn_buffer* other);
/* The memory, which is the caller's from now on, for `free`; the buffer is empty and has none. NULL when it
 * had none. The padding stays zero until somebody writes there. */
TARN_API void* tarn_buffer_detach(tarn_buffer* buffer);

/* For tarn_buffer_append only. */
TARN_API int tarn_buffer_append_slow(tarn_buffer* buffer, const void* bytes, size_t count);

/* Adds bytes at the end; they may lie in the buffer's own contents. */
static inline int tarn_buffer_append(tarn_buffer* buffer, const void* bytes, size_t count) {
    unsigned char* const end = buffer->data + buffer->size;
    if (count == 0 || count > buffer->capacity - buffer->size)
        return tarn_buffer_append_slow(buffer, bytes, count);
    memcpy(end, bytes, count);
    memset(end + count, 0, TARN_BUFFER_PADDING);
    buffer->size += count;
    return 0;
}

/* The memory that buffers are made of, for containers of other kinds. */

/* Memory for *capacity bytes and the padding behind them, and in *capacity how many there is room for (at
 * least as many). `memory` is NULL or came from this function with the same alignment: its first `used` bytes
 * are kept, and it is no longer valid. All other bytes have any value, the padding too. Alignment and options
 * as for tarn_buffer_create. NULL: EINVAL; ENOMEM; `memory` is then untouched. */
TARN_API void* tarn_buffer_memory_resize(void* memory, size_t alignment, size_t used, size_t* capacity,
                                         unsigned options);
/* NULL does nothing. `free` may be called instead. */
TARN_API void tarn_buffer_memory_free(void* memory);
/* The capacity that a container of `capacity` bytes best grows to when it needs `needed`. */
TARN_API size_t tarn_buffer_memory_growth(size_t capacity, size_t needed);

#ifdef __cplusplus
}
#endif
#endif
