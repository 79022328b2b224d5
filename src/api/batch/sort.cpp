// SPDX-License-Identifier: MIT
// Sorting of batch.h: the order as numbers of rows (by a stable merge sort, or by radix for numbers), which
// is then applied to one column after the other. Both sorts: Knuth, The Art of Computer Programming 3, 5.2.4
// and 5.2.5.
#include <errno.h>
#include <stdint.h>
#include <string.h>

#include "api/batch/batch.h"
#include "entry/entry.h"

namespace {

using tarn::Columns;

struct Comparison {
    const char* column;
    size_t size;
    tarn_batch_compare compare;
    void* context;

    bool before(uint32_t first, uint32_t second) const {
        return compare(column + first * size, column + second * size, context) < 0;
    }
};

constexpr size_t kRun = 16;  // rows sorted by insertion first

void sort_run(uint32_t* rows, size_t count, const Comparison& comparison) {
    for (size_t i = 1; i < count; ++i) {
        const uint32_t row = rows[i];
        size_t at = i;
        for (; at > 0 && comparison.before(row, rows[at - 1]); --at)
            rows[at] = rows[at - 1];
        rows[at] = row;
    }
}

// Equal rows of the left come first.
void merge(const uint32_t* left, size_t left_count, const uint32_t* right, size_t right_count, uint32_t* to,
           const Comparison& comparison) {
    const uint32_t* const left_end = left + left_count;
    const uint32_t* const right_end = right + right_count;
    while (left < left_end && right < right_end)
        *to++ = comparison.before(*right, *left) ? *right++ : *left++;
    memcpy(to, left, static_cast<size_t>(left_end - left) * sizeof *to);
    memcpy(to + (left_end - left), right, static_cast<size_t>(right_end - right) * sizeof *to);
}

// Bottom up, between two arrays; the one that holds the result.
uint32_t* merge_sort(uint32_t* rows, uint32_t* other, size_t count, const Comparison& comparison) {
    for (size_t at = 0; at < count; at += kRun)
        sort_run(rows + at, count - at < kRun ? count - at : kRun, comparison);
    for (size_t width = kRun; width < count; width *= 2) {
        for (size_t at = 0; at < count; at += 2 * width) {
            const size_t left = count - at < width ? count - at : width;
            const size_t rest = count - at - left;
            merge(rows + at, left, rows + at + left, rest < width ? rest : width, other + at, comparison);
        }
        uint32_t* const sorted = other;
        other = rows;
        rows = sorted;
    }
    return rows;
}

struct Keyed {
    uint64_t key;
    uint32_t row;
};

// Keys in the order of the numbers; -0.0 as 0.0.
uint64_t float_key(double value) {
    uint64_t bits;
    value += 0.0;
    memcpy(&bits, &value, sizeof bits);
    return bits >> 63 ? ~bits : bits | uint64_t{1} << 63;
}

template <class T>
T read(const char* object) {
    T value;
    memcpy(&value, object, sizeof value);
    return value;
}

uint64_t key_of(const char* object, enum tarn_batch_number number) {
    constexpr uint64_t sign = uint64_t{1} << 63;
    switch (number) {
        case TARN_BATCH_INT32:
            return static_cast<uint64_t>(int64_t{read<int32_t>(object)}) ^ sign;
        case TARN_BATCH_UINT32:
            return read<uint32_t>(object);
        case TARN_BATCH_INT64:
            return read<uint64_t>(object) ^ sign;
        case TARN_BATCH_UINT64:
            return read<uint64_t>(object);
        case TARN_BATCH_FLOAT:
            return float_key(double{read<float>(object)});
        case TARN_BATCH_DOUBLE:
            return float_key(read<double>(object));
    }
    return 0;
}

size_t size_of(enum tarn_batch_number number) {
    switch (number) {
        case TARN_BATCH_INT32:
        case TARN_BATCH_UINT32:
        case TARN_BATCH_FLOAT:
            return 4;
        case TARN_BATCH_INT64:
        case TARN_BATCH_UINT64:
        case TARN_BATCH_DOUBLE:
            return 8;
    }
    return 0;
}

// Least significant byte first; bytes that are the same in all keys are left out.
Keyed* radix_sort(Keyed* rows, Keyed* other, size_t count) {
    static_assert(UINT32_MAX == 0xffffffff, "counts of rows fit");
    uint32_t counts[8][256];
    memset(counts, 0, sizeof counts);
    for (size_t i = 0; i < count; ++i)
        for (unsigned byte = 0; byte < 8; ++byte)
            ++counts[byte][rows[i].key >> 8 * byte & 255];
    for (unsigned byte = 0; byte < 8; ++byte) {
        uint32_t* const at = counts[byte];
        if (at[rows[0].key >> 8 * byte & 255] == count) continue;
        uint32_t begin = 0;
        for (size_t value = 0; value < 256; ++value) {
            const uint32_t here = at[value];
            at[value] = begin;
            begin += here;
        }
        for (size_t i = 0; i < count; ++i)
            other[at[rows[i].key >> 8 * byte & 255]++] = rows[i];
        Keyed* const sorted = other;
        other = rows;
        rows = sorted;
    }
    return rows;
}

template <size_t kSize>
void gather(const char* column, char* to, const uint32_t* rows, size_t count, size_t size) {
    const size_t bytes = kSize ? kSize : size;
    for (size_t i = 0; i < count; ++i)
        memcpy(to + i * bytes, column + rows[i] * bytes, bytes);
}

// Through one scratch column.
void apply(Columns& batch, const uint32_t* rows, char* scratch) {
    for (size_t i = 0; i < batch.fields; ++i) {
        char* const column = static_cast<char*>(batch.column[i]);
        const size_t size = batch.sizes[i];
        if (size == 8)
            gather<8>(column, scratch, rows, batch.length, size);
        else if (size == 4)
            gather<4>(column, scratch, rows, batch.length, size);
        else
            gather<0>(column, scratch, rows, batch.length, size);
        memcpy(column, scratch, batch.length * size);
    }
}

char* scratch_column(const Columns& batch) {
    size_t size = 0;
    for (size_t i = 0; i < batch.fields; ++i)
        if (batch.sizes[i] > size) size = batch.sizes[i];
    return static_cast<char*>(tarn::allocate(size * batch.length));
}

int sort_by(Columns& batch, const Comparison& comparison, uint32_t* rows, char* scratch) {
    if (!rows || !scratch) return -1;
    for (size_t i = 0; i < batch.length; ++i)
        rows[i] = static_cast<uint32_t>(i);
    apply(batch, merge_sort(rows, rows + batch.length, batch.length, comparison), scratch);
    return 0;
}

int sort_numbers(Columns& batch, size_t field, enum tarn_batch_number number, Keyed* keyed, char* scratch) {
    if (!keyed || !scratch) return -1;
    const char* const column = static_cast<const char*>(batch.column[field]);
    for (size_t i = 0; i < batch.length; ++i)
        keyed[i] = {key_of(column + i * batch.sizes[field], number), static_cast<uint32_t>(i)};
    const Keyed* const sorted = radix_sort(keyed, keyed + batch.length, batch.length);
    // The numbers alone, over the pairs: each is read before its place is written.
    uint32_t* const rows = reinterpret_cast<uint32_t*>(keyed);
    for (size_t i = 0; i < batch.length; ++i) {
        const uint32_t row = sorted[i].row;
        memcpy(rows + i, &row, sizeof row);
    }
    apply(batch, rows, scratch);
    return 0;
}

}  // namespace

int tarn_batch_sort(tarn_batch* handle, size_t field, tarn_batch_compare compare, void* context) {
    Columns& batch = tarn::columns_of(handle);
    if (batch.length < 2) return 0;
    uint32_t* const rows = static_cast<uint32_t*>(tarn::allocate(2 * batch.length * sizeof(uint32_t)));
    char* const scratch = rows ? scratch_column(batch) : nullptr;
    const Comparison comparison{static_cast<const char*>(batch.column[field]), batch.sizes[field], compare,
                                context};
    const int result = sort_by(batch, comparison, rows, scratch);
    tarn::release(scratch);
    tarn::release(rows);
    return result;
}

int tarn_batch_sort_numbers(tarn_batch* handle, size_t field, enum tarn_batch_number number) {
    Columns& batch = tarn::columns_of(handle);
    if (size_of(number) == 0 || size_of(number) != batch.sizes[field]) {
        errno = EINVAL;
        return -1;
    }
    if (batch.length < 2) return 0;
    Keyed* const keyed = static_cast<Keyed*>(tarn::allocate(2 * batch.length * sizeof(Keyed)));
    char* const scratch = keyed ? scratch_column(batch) : nullptr;
    const int result = sort_numbers(batch, field, number, keyed, scratch);
    tarn::release(scratch);
    tarn::release(keyed);
    return result;
}
