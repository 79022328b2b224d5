// SPDX-License-Identifier: MIT
#include "api/pool/chunks.h"

#include <errno.h>
#include <string.h>

#include "entry/entry.h"
#include "entry/resize.h"
#include "os/os.h"
#include "seam/named.h"

namespace tarn::pool {

namespace {

constexpr size_t kMallocAlignment = 16;
constexpr size_t kBits = 64;

}  // namespace

// The first chunk that begins above the address.
size_t Chunks::position(const void* address) const {
    size_t low = 0, high = count_;
    while (low < high) {
        const size_t middle = (low + high) / 2;
        if (static_cast<const char*>(address) < sorted_[middle]->begin)
            high = middle;
        else
            low = middle + 1;
    }
    return low;
}

Chunk* Chunks::find(const void* address) const {
    const size_t above = position(address);
    if (above == 0) return nullptr;
    Chunk* chunk = sorted_[above - 1];
    const size_t offset = static_cast<size_t>(static_cast<const char*>(address) - chunk->begin);
    return offset / stride_ < chunk->capacity ? chunk : nullptr;
}

// Geometric: a power of two of bytes, no more than half of what there is already.
size_t Chunks::next_capacity() const {
    size_t bytes = kFirstBytes;
    while (bytes < kMostBytes && bytes * 2 <= this->bytes() / 2)
        bytes *= 2;
    size_t capacity = bytes / stride_;
    if (capacity < kManyObjects)
        capacity = kManyBytes / stride_ < kManyObjects ? kManyBytes / stride_ : kManyObjects;
    return capacity > 0 ? capacity : 1;
}

Chunk* Chunks::make(size_t capacity) {
    size_t bytes;
    if (__builtin_mul_overflow(capacity, stride_, &bytes) || bytes > PTRDIFF_MAX - alignment_) {
        errno = ENOMEM;
        return nullptr;
    }
    const Named scope(name_);
    const size_t words = checks_ == Checks::kOn ? (capacity + kBits - 1) / kBits : 0;
    auto* chunk = static_cast<Chunk*>(allocate(sizeof(Chunk) + words * sizeof(uint64_t)));
    if (!chunk) return nullptr;
    void* begin = alignment_ <= kMallocAlignment ? allocate(bytes) : allocate_aligned(alignment_, bytes);
    if (!begin) {
        tarn::release(chunk);
        return nullptr;
    }
    *chunk = Chunk{static_cast<char*>(begin), capacity, 0, 0, nullptr, nullptr};
    if (words > 0) {
        chunk->live = reinterpret_cast<uint64_t*>(chunk + 1);
        memset(chunk->live, 0, words * sizeof(uint64_t));
    }
    return chunk;
}

bool Chunks::make_room_in_array() {
    if (count_ < room_) return true;
    const size_t room = room_ == 0 ? 8 : room_ * 2;
    auto** larger = static_cast<Chunk**>(reallocate(sorted_, room * sizeof(Chunk*)));
    if (!larger) return false;
    sorted_ = larger;
    room_ = room;
    return true;
}

bool Chunks::add(size_t capacity) {
    if (!make_room_in_array()) return false;
    Chunk* chunk = make(capacity);
    if (!chunk) return false;
    const size_t at = position(chunk->begin);
    memmove(sorted_ + at + 1, sorted_ + at, (count_ - at) * sizeof(Chunk*));
    sorted_[at] = chunk;
    ++count_;
    capacity_ += capacity;
    chunk->next_open = open_;
    open_ = chunk;
    return true;
}

bool Chunks::reserve(size_t objects) {
    const size_t room = capacity_ - carved_;
    return objects <= room || add(objects - room);
}

size_t Chunks::carve(void** objects, size_t most) {
    if (!open_ && !add(next_capacity()) && !add(1)) return 0;
    Chunk& chunk = *open_;
    const size_t left = chunk.capacity - chunk.carved;
    const size_t count = most < left ? most : left;
    char* object = chunk.begin + chunk.carved * stride_;
    for (size_t i = 0; i < count; ++i, object += stride_)
        objects[i] = object;
    chunk.carved += count;
    carved_ += count;
    ever_carved_ += count;
    if (chunk.carved == chunk.capacity) open_ = chunk.next_open;
    return count;
}

void Chunks::forget_free_counts() {
    for (size_t i = 0; i < count_; ++i)
        sorted_[i]->free = 0;
}

void Chunks::release(Chunk* chunk) {
    tarn::release(chunk->begin);
    tarn::release(chunk);
}

size_t Chunks::release_free_ones() {
    const size_t before = bytes();
    for (Chunk** link = &open_; *link;) {
        if (all_free(**link))
            *link = (*link)->next_open;
        else
            link = &(*link)->next_open;
    }
    size_t kept = 0;
    for (size_t i = 0; i < count_; ++i) {
        Chunk* chunk = sorted_[i];
        if (!all_free(*chunk)) {
            sorted_[kept++] = chunk;
            continue;
        }
        capacity_ -= chunk->capacity;
        carved_ -= chunk->carved;
        release(chunk);
    }
    count_ = kept;
    return before - bytes();
}

void Chunks::release_all() {
    for (size_t i = 0; i < count_; ++i)
        release(sorted_[i]);
    tarn::release(sorted_);
    sorted_ = nullptr;
    count_ = room_ = 0;
}

}  // namespace tarn::pool
