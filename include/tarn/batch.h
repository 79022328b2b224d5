/* SPDX-License-Identifier: MIT
 *
 * Structure-of-arrays batches: rows whose fields are stored apart, each in a column of its own, so that a
 * pass over one field reads nothing of the others. Fields are plain memory (what memcpy may copy); C++ has
 * tarn/batch.hpp for fields of any type.
 * Example:
 *     const tarn_batch_field fields[] = {{sizeof(double), 0}, {sizeof(uint32_t), 0}};
 *     tarn_batch* batch = tarn_batch_create(fields, 2);
 *     tarn_batch_resize(batch, 1000);
 *     double* prices = tarn_batch_column(batch, 0);
 *     prices[0] = 9.5;
 *     tarn_batch_destroy(batch);
 *
 * All columns are one allocation. A column begins on a 64-byte line (or at its field's alignment, if that is
 * more) and is padded to whole lines; the padding may be read and written. A batch holds at most 2^32 - 1
 * rows. Pointers to columns are valid until rows are added beyond tarn_batch_capacity, or the batch is shrunk
 * or destroyed. One thread at a time for each batch (reading, any number); callbacks must not change the
 * batch. Rows and fields that are not there: undefined, unless a function says otherwise.
 */
#ifndef TARN_BATCH_H
#define TARN_BATCH_H

#include "tarn/base.h"

#ifdef __cplusplus
extern "C" {
#endif

/* size: of one object, not 0, a multiple of the alignment. alignment: a power of two, at most 2^20; 0 stands
 * for the largest power of two, up to 64, that divides the size. */
typedef struct tarn_batch_field {
    size_t size;
    size_t alignment;
} tarn_batch_field;

/* For the inline functions only. */
typedef struct tarn_batch {
    void* const* columns;
    size_t length;
    size_t capacity;
} tarn_batch;

/* An empty batch, which has no columns in memory yet. NULL and EINVAL when there are no fields, more than
 * 65,536, or a field makes no sense; ENOMEM. */
TARN_API tarn_batch* tarn_batch_create(const tarn_batch_field* fields, size_t count);
/* Frees the batch and its columns; NULL does nothing. */
TARN_API void tarn_batch_destroy(tarn_batch* batch);

/* How many rows there are. */
static inline size_t tarn_batch_length(const tarn_batch* batch) {
    return batch->length;
}
/* How many rows there is room for. */
static inline size_t tarn_batch_capacity(const tarn_batch* batch) {
    return batch->capacity;
}
/* The objects of one field, one after the other; NULL while capacity is 0. */
static inline void* tarn_batch_column(const tarn_batch* batch, size_t field) {
    return batch->columns[field];
}

/* Room for that many rows; ENOMEM. */
TARN_API int tarn_batch_reserve(tarn_batch* batch, size_t rows);
/* No more room than there are rows; ENOMEM, which leaves the room. */
TARN_API int tarn_batch_shrink(tarn_batch* batch);
/* New rows are zeros; room grows at least twofold. ENOMEM. */
TARN_API int tarn_batch_resize(tarn_batch* batch, size_t rows);
/* Adds a row: `row` has a pointer per field to the object to copy, NULL for zeros. The objects may be in the
 * batch. Amortised constant time. ENOMEM. */
TARN_API int tarn_batch_push(tarn_batch* batch, const void* const* row);

/* Takes out rows first .. first + count - 1; those behind move up, in order. -1 and EINVAL when some
 * are not there. */
TARN_API int tarn_batch_erase(tarn_batch* batch, size_t first, size_t count);
/* Takes out one row, whose place the last one takes: constant time. -1 and EINVAL when it is not there. */
TARN_API int tarn_batch_swap_erase(tarn_batch* batch, size_t row);

/* Less than 0, 0, more than 0: the first object comes before, with, after the second. */
typedef int (*tarn_batch_compare)(const void* first, const void* second, void* context);
/* Sorts the rows by one field; rows with equal fields keep their order. n log n comparisons at most, two
 * numbers of rows and one column as scratch memory. ENOMEM. */
TARN_API int tarn_batch_sort(tarn_batch* batch, size_t field, tarn_batch_compare compare, void* context);

/* The kind of number in a field, for sorting without a callback. */
enum tarn_batch_number {
    TARN_BATCH_INT32 = 1,
    TARN_BATCH_UINT32 = 2,
    TARN_BATCH_INT64 = 3,
    TARN_BATCH_UINT64 = 4,
    TARN_BATCH_FLOAT = 5,
    TARN_BATCH_DOUBLE = 6
};
/* Sorts the rows by a field of numbers, ascending; equal numbers (-0.0 is equal to 0.0) keep their order.
 * NaN: at one of the ends, by its sign. Linear time, by radix. EINVAL when the number is unknown or is not of
 * the field's size; ENOMEM.
 * Example:
 *     const tarn_batch_field field = {sizeof(double), 0};
 *     tarn_batch* batch = tarn_batch_create(&field, 1);
 *     const double price = 9.5;
 *     const void* const row[] = {&price};
 *     tarn_batch_push(batch, row);
 *     tarn_batch_sort_numbers(batch, 0, TARN_BATCH_DOUBLE);
 *     tarn_batch_destroy(batch);
 */
TARN_API int tarn_batch_sort_numbers(tarn_batch* batch, size_t field, enum tarn_batch_number number);

/* Not 0: the row whose object this is stays, or is selected. */
typedef int (*tarn_batch_test)(const void* object, void* context);
/* Takes out, in place, the rows whose field fails the test, and allocates nothing; the number of rows that
 * went. */
TARN_API size_t tarn_batch_keep_if(tarn_batch* batch, size_t field, tarn_batch_test test, void* context);
/* Fills `rows`, which has room for all rows of the batch, with the numbers of those that pass, lowest first;
 * how many they are. */
TARN_API size_t tarn_batch_select_if(const tarn_batch* batch, size_t field, tarn_batch_test test,
                                     void* context, uint32_t* rows);
/* Takes out, in place, all rows but these, which are in order, each once. -1 and EINVAL when they are not. */
TARN_API int tarn_batch_keep(tarn_batch* batch, const uint32_t* rows, size_t count);

#ifdef __cplusplus
}
#endif
#endif
