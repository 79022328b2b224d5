// SPDX-License-Identifier: MIT
// A pool's memory: chunks, cut into objects at a constant distance. Guarded by the pool's lock.
//
//   chunk:  | object | object | ... carved ... | not yet carved ... | capacity
//
// Records of chunks are kept apart from the objects, in one array sorted by address.
#pragma once
#include <cstddef>
#include <cstdint>

#include "base/published.h"

namespace tarn::pool {

struct Chunk {
    char* begin;
    size_t capacity, carved;  // in objects
    size_t free;              // while trimming: objects found free
    Chunk* next_open;
    uint64_t* live;  // a bit per object in a checked pool, otherwise NULL
};

enum class Checks { kOff, kOn };

class Chunks {
  public:
    static constexpr size_t kFirstBytes = 4096;            // of the first chunks
    static constexpr size_t kMostBytes = size_t{1} << 20;  // of a chunk that was not reserved
    static constexpr size_t kManyBytes = 64 << 10;         // up to here, a chunk has room for kManyObjects
    static constexpr size_t kManyObjects = 8;

    Chunks(size_t stride, size_t alignment, Checks checks)
        : stride_(stride), alignment_(alignment), checks_(checks) {}

    void name(const char* text) { name_ = text; }

    // Up to `most` objects that lie one after another and were never handed out; how many, 0 when there is no
    // memory (errno is then ENOMEM).
    size_t carve(void** objects, size_t most);
    // Room for that many more objects. False: no memory.
    bool reserve(size_t objects);
    // The chunk that an address lies in, or NULL.
    Chunk* find(const void* address) const;
    // Gives back the chunks whose `free` is what was carved; bytes.
    size_t release_free_ones();
    void release_all();

    void forget_free_counts();
    static bool all_free(const Chunk& chunk) { return chunk.free == chunk.carved; }

    size_t stride() const { return stride_; }
    size_t count() const { return count_; }
    size_t bytes() const { return capacity_ * stride_; }
    size_t carved() const { return carved_; }  // now in chunks
    uint64_t ever_carved() const { return ever_carved_; }

  private:
    size_t next_capacity() const;
    bool add(size_t capacity);
    bool make_room_in_array();
    Chunk* make(size_t capacity);
    void release(Chunk* chunk);
    size_t position(const void* address) const;

    const char* name_ = nullptr;  // in profiles
    const size_t stride_, alignment_;
    const Checks checks_;
    Chunk** sorted_ = nullptr;
    size_t count_ = 0, room_ = 0;  // chunks in the array, and what it has room for
    Chunk* open_ = nullptr;        // chunks with objects not yet carved
    Published capacity_, carved_, ever_carved_;
};

}  // namespace tarn::pool
