// SPDX-License-Identifier: MIT
// batch.h implemented: the handle, its one block of columns, and what moves rows. Sorting is in
// batch_sort.cpp.
#include "api/batch/batch.h"

#include <errno.h>
#include <stdint.h>
#include <string.h>

#include "entry/entry.h"

namespace tarn {

namespace {

constexpr size_t kLine = 64;
constexpr size_t kPage = 4096;
constexpr size_t kAlignmentMost = 1 << 20;
constexpr size_t kFieldsMost = 1 << 16;
constexpr size_t kFirstRows = 16;
constexpr size_t kChunk = 512;  // rows tested before any moves

int fail(int error) {
    errno = error;
    return -1;
}

size_t at_least(size_t a, size_t b) {
    return a > b ? a : b;
}

size_t alignment_of(const tarn_batch_field& field) {
    if (field.alignment) return field.alignment;
    const size_t divisor = field.size & -field.size;
    return divisor < kLine ? divisor : kLine;
}

bool makes_sense(const tarn_batch_field& field) {
    const size_t alignment = alignment_of(field);
    return field.size != 0 && (alignment & (alignment - 1)) == 0 && alignment <= kAlignmentMost &&
           field.size % alignment == 0;
}

// Where a column of so many rows that begins at `begin` ends; SIZE_MAX when it cannot be. The line more keeps
// columns of equal size from beginning at equal offsets within a page.
size_t column_end(const Columns& batch, size_t begin, size_t rows, size_t field) {
    size_t bytes, end;
    if (rows > UINT32_MAX || __builtin_mul_overflow(rows, batch.sizes[field], &bytes) ||
        __builtin_add_overflow(begin, bytes, &end) || end > PTRDIFF_MAX - 2 * kAlignmentMost)
        return SIZE_MAX;
    if (bytes >= kPage) end += kLine;
    return (end + batch.alignment - 1) / batch.alignment * batch.alignment;
}

void* allocate_columns(const Columns& batch, size_t rows) {
    size_t end = 0;
    for (size_t i = 0; i < batch.fields && end != SIZE_MAX; ++i)
        end = column_end(batch, end, rows, i);
    if (end == SIZE_MAX) {
        errno = ENOMEM;
        return nullptr;
    }
    return allocate_aligned(batch.alignment, end);
}

// To a block of its own of so many rows, at least as many as there are. The caller frees `old`.
int relocate(Columns& batch, size_t rows, void*& old) {
    char* const block = static_cast<char*>(allocate_columns(batch, rows));
    if (!block) return -1;
    old = batch.column[0];
    size_t begin = 0;
    for (size_t i = 0; i < batch.fields; ++i) {
        if (batch.length) memcpy(block + begin, batch.column[i], batch.length * batch.sizes[i]);
        batch.column[i] = block + begin;
        begin = column_end(batch, begin, rows, i);
    }
    batch.capacity = rows;
    return 0;
}

int relocate(Columns& batch, size_t rows) {
    void* old = nullptr;
    const int result = relocate(batch, rows, old);
    release(old);
    return result;
}

int grow(Columns& batch, size_t rows, void*& old) {
    if (rows > UINT32_MAX) return fail(ENOMEM);
    size_t room = at_least(kFirstRows, at_least(rows, 2 * batch.capacity));
    if (room > UINT32_MAX) room = UINT32_MAX;
    return relocate(batch, room, old);
}

char* object(const Columns& batch, size_t field, size_t row) {
    return static_cast<char*>(batch.column[field]) + row * batch.sizes[field];
}

// Constant sizes where they are common: a call of memcpy per object is saved.
template <size_t kSize>
void move_objects(char* column, size_t to, const uint32_t* rows, size_t count, size_t size) {
    const size_t bytes = kSize ? kSize : size;
    for (size_t i = 0; i < count; ++i)
        memmove(column + (to + i) * bytes, column + rows[i] * bytes, bytes);
}

// Moves rows, given in order, up to where `to` is.
void move_up(Columns& batch, size_t to, const uint32_t* rows, size_t count) {
    if (count == 0 || rows[count - 1] == to + count - 1) return;  // they are there
    for (size_t i = 0; i < batch.fields; ++i) {
        char* const column = static_cast<char*>(batch.column[i]);
        const size_t size = batch.sizes[i];
        if (size == 8)
            move_objects<8>(column, to, rows, count, size);
        else if (size == 4)
            move_objects<4>(column, to, rows, count, size);
        else
            move_objects<0>(column, to, rows, count, size);
    }
}

size_t select(const Columns& batch, size_t field, size_t first, size_t end, tarn_batch_test test,
              void* context, uint32_t* rows) {
    size_t found = 0;
    for (size_t row = first; row < end; ++row) {
        rows[found] = static_cast<uint32_t>(row);
        found += test(object(batch, field, row), context) != 0;
    }
    return found;
}

}  // namespace

}  // namespace tarn

using tarn::Columns;
using tarn::columns_of;

tarn_batch* tarn_batch_create(const tarn_batch_field* fields, size_t count) {
    bool sense = fields && count != 0 && count <= tarn::kFieldsMost;
    for (size_t i = 0; sense && i < count; ++i)
        sense = tarn::makes_sense(fields[i]);
    if (!sense) {
        errno = EINVAL;
        return nullptr;
    }
    // The handle, then a pointer and a size per field.
    const size_t bytes = sizeof(Columns) + count * (sizeof(void*) + sizeof(size_t));
    Columns* const batch = static_cast<Columns*>(tarn::allocate(bytes));
    if (!batch) return nullptr;
    memset(batch, 0, bytes);
    batch->column = reinterpret_cast<void**>(batch + 1);
    batch->sizes = reinterpret_cast<size_t*>(batch->column + count);
    batch->columns = batch->column;
    batch->fields = count;
    batch->alignment = tarn::kLine;
    for (size_t i = 0; i < count; ++i) {
        batch->sizes[i] = fields[i].size;
        batch->alignment = tarn::at_least(batch->alignment, tarn::alignment_of(fields[i]));
    }
    return batch;
}

void tarn_batch_destroy(tarn_batch* handle) {
    if (!handle) return;
    tarn::release(columns_of(handle).column[0]);
    tarn::release(handle);
}

int tarn_batch_reserve(tarn_batch* handle, size_t rows) {
    return rows > handle->capacity ? tarn::relocate(columns_of(handle), rows) : 0;
}

int tarn_batch_shrink(tarn_batch* handle) {
    Columns& batch = columns_of(handle);
    if (batch.length == batch.capacity) return 0;
    if (batch.length) return tarn::relocate(batch, batch.length);
    tarn::release(batch.column[0]);
    memset(batch.column, 0, batch.fields * sizeof *batch.column);
    batch.capacity = 0;
    return 0;
}

int tarn_batch_resize(tarn_batch* handle, size_t rows) {
    Columns& batch = columns_of(handle);
    void* old = nullptr;
    if (rows > batch.capacity && tarn::grow(batch, rows, old) != 0) return -1;
    tarn::release(old);
    if (rows > batch.length)
        for (size_t i = 0; i < batch.fields; ++i)
            memset(tarn::object(batch, i, batch.length), 0, (rows - batch.length) * batch.sizes[i]);
    batch.length = rows;
    return 0;
}

int tarn_batch_push(tarn_batch* handle, const void* const* row) {
    Columns& batch = columns_of(handle);
    void* old = nullptr;
    if (batch.length == batch.capacity && tarn::grow(batch, batch.length + 1, old) != 0) return -1;
    for (size_t i = 0; i < batch.fields; ++i) {
        char* const to = tarn::object(batch, i, batch.length);
        if (row[i])
            memcpy(to, row[i], batch.sizes[i]);
        else
            memset(to, 0, batch.sizes[i]);
    }
    ++batch.length;
    tarn::release(old);  // not before: the row may have been in it
    return 0;
}

int tarn_batch_erase(tarn_batch* handle, size_t first, size_t count) {
    Columns& batch = columns_of(handle);
    if (first > batch.length || count > batch.length - first) return tarn::fail(EINVAL);
    const size_t behind = batch.length - first - count;
    for (size_t i = 0; behind && count && i < batch.fields; ++i)
        memmove(tarn::object(batch, i, first), tarn::object(batch, i, first + count),
                behind * batch.sizes[i]);
    batch.length -= count;
    return 0;
}

int tarn_batch_swap_erase(tarn_batch* handle, size_t row) {
    Columns& batch = columns_of(handle);
    if (row >= batch.length) return tarn::fail(EINVAL);
    const size_t last = --batch.length;
    for (size_t i = 0; row != last && i < batch.fields; ++i)
        memcpy(tarn::object(batch, i, row), tarn::object(batch, i, last), batch.sizes[i]);
    return 0;
}

size_t tarn_batch_keep_if(tarn_batch* handle, size_t field, tarn_batch_test test, void* context) {
    Columns& batch = columns_of(handle);
    uint32_t rows[tarn::kChunk];
    size_t kept = 0;
    for (size_t first = 0; first < batch.length; first += tarn::kChunk) {
        const size_t left = batch.length - first;
        const size_t end = first + (left < tarn::kChunk ? left : tarn::kChunk);
        const size_t found = tarn::select(batch, field, first, end, test, context, rows);
        tarn::move_up(batch, kept, rows, found);
        kept += found;
    }
    const size_t gone = batch.length - kept;
    batch.length = kept;
    return gone;
}

size_t tarn_batch_select_if(const tarn_batch* handle, size_t field, tarn_batch_test test, void* context,
                            uint32_t* rows) {
    return tarn::select(columns_of(handle), field, 0, handle->length, test, context, rows);
}

int tarn_batch_keep(tarn_batch* handle, const uint32_t* rows, size_t count) {
    for (size_t i = 0; i < count; ++i)
        if (rows[i] >= handle->length || (i && rows[i] <= rows[i - 1])) return tarn::fail(EINVAL);
    Columns& batch = columns_of(handle);
    tarn::move_up(batch, 0, rows, count);
    batch.length = count;
    return 0;
}
