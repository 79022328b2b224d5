// SPDX-License-Identifier: MIT
// The heap of tarn/heap.h: what its files share. After mimalloc's pages (D. Leijen, B. Zorn, L. de Moura,
// APLAS 2019): a chunk of 64 KiB holds objects of one class and their free list, and is found from an
// object's address by a mask.
//
//     chunk:  128 bytes unused | bitmap, if checked | objects, carved page by page ... | never touched
//     block:  32 bytes: its record | user's memory
//             page-aligned, so the pointer is 32 past a page's start
//     aligned block:  ... | 8 bytes: its start | 32 bytes: its record | user's memory
//             at a multiple of 64 KiB
//
// So a pointer 32 past a multiple of 4 KiB, or at a multiple of 64 KiB, is a block's: no object is carved
// there. Every other pointer is an object's; its chunk's record is in the segment (chunks.h).
//
// `headroom` is what the nearest limit leaves: one subtraction counts what is live and asks the quota.
// Locked and checked heaps have no fast path: every `current` is the empty chunk, and a free reads no header.
#pragma once
#include <array>
#include <cstddef>
#include <cstdint>

#include "api/heap/chunks.h"
#include "cache/thread_cache.h"
#include "cache/totals.h"
#include "os/lock.h"
#include "stats/meters.h"
#include "tarn/heap.h"

namespace tarn::user_heap {

inline constexpr size_t kFirstObject = 128;  // of a chunk, and what that is a multiple of
inline constexpr size_t kBitmap = kChunkSize / 16 / 8;
inline constexpr size_t kPage = 4096;      // granularity of carving and of blocks
inline constexpr size_t kBlockStart = 32;  // of a block's memory, in its first page
inline constexpr size_t kObjectMax = 32704;
inline constexpr unsigned kPlainClasses = 42;
inline constexpr unsigned kClassCount = kPlainClasses + 7;
inline constexpr size_t kAlignedMin = 256, kAlignedMax = 16384;  // classes of one size and alignment each
static_assert(kClassCount <= TARN_HEAP_CLASSES_MAX);

using ClassIndex = unsigned;

// Every 16 bytes up to 256, four per doubling up to 2 KiB, then what divides a chunk by 26 .. 2.
constexpr std::array<uint32_t, kClassCount> make_sizes() {
    std::array<uint32_t, kClassCount> sizes{};
    ClassIndex c = 0;
    while (c < 16)
        ++c, sizes[c - 1] = c * 16;
    for (uint32_t base = 256; base < 2048; base *= 2)
        for (uint32_t step = 1; step <= 4; ++step)
            sizes[c++] = base + base / 4 * step;
    for (const uint32_t parts : {26u, 21u, 18u, 15u, 13u, 11u, 9u, 8u, 7u, 6u, 5u, 4u, 3u, 2u})
        sizes[c++] = static_cast<uint32_t>((kChunkSize - kFirstObject) / parts / 64 * 64);
    for (uint32_t size = kAlignedMin; size <= kAlignedMax; size *= 2)
        sizes[c++] = size;
    return sizes;
}
inline constexpr std::array<uint32_t, kClassCount> kSizes = make_sizes();
static_assert(kSizes[kPlainClasses - 1] == kObjectMax && kSizes[kClassCount - 1] == kAlignedMax);

constexpr auto make_table() {
    std::array<uint8_t, kObjectMax / 16 + 1> table{};
    ClassIndex c = 0;
    for (size_t i = 0; i < table.size(); ++i) {
        while (kSizes[c] < i * 16)
            ++c;
        table[i] = static_cast<uint8_t>(c);
    }
    return table;
}
inline constexpr auto kTable = make_table();  // by (size + 15) / 16
inline ClassIndex class_for(size_t size) {
    return kTable[(size + 15) / 16];
}

struct Free {
    Free* next;
};

enum class ChunkState : uint8_t { kPartial, kFull, kEmpty };

// Its first 64 bytes are all that the fast paths read.
struct Chunk {
    Free* free;
    uint64_t counts;  // allocations << 16 | used
    tarn_heap* owner;
    Chunk** current;    // the owner's, for this class
    uint32_t size;      // of an object
    uint16_t dense_at;  // a free that leaves more used than this makes it the current one
    uint16_t cold_at;   // one that leaves no more than this goes to the cold end, too; at most dense_at
    uint64_t seal;      // seal_of(this): it is a chunk of some heap's
    Chunk* next;
    Chunk* previous;
    uint32_t carved, capacity, first;
    uint8_t class_index;
    ChunkState state;

    uint16_t used() const { return static_cast<uint16_t>(counts); }
    uint64_t allocations() const { return counts >> 16; }
};
static_assert(sizeof(Chunk) <= kRecordSpace);
inline constexpr uint64_t kTaken = uint64_t{1} << 16 | 1;
inline constexpr uint16_t kAlwaysCold = 0xffff;

struct Block {
    Block* next;
    Block* previous;
    tarn_heap* heap;
    size_t usable;
};
static_assert(sizeof(Block) == kBlockStart);

inline Chunk* chunk_of(const void* pointer) {
    return static_cast<Chunk*>(record_in_segment(pointer));
}
inline bool is_aligned_block(const void* pointer) {
    return reinterpret_cast<uintptr_t>(pointer) % kChunkSize == 0;
}
inline bool is_block(const void* pointer) {
    return (reinterpret_cast<uintptr_t>(pointer) - kBlockStart) % kPage == 0 || is_aligned_block(pointer);
}
// A pointer with none of these is a block's, NULL, or an object's at the start of a page: for the cold end.
inline constexpr uintptr_t kObjectBits = (kPage - 1) & ~uintptr_t{kBlockStart};
inline Block* block_of(const void* pointer) {
    return static_cast<Block*>(const_cast<void*>(pointer)) - 1;
}
inline void* memory_of(Block* block) {
    return block + 1;
}

// stats.cpp, for the reports: of a heap, what is in no chunk, since each of those counts for itself.
void count_heap(const Meter& meter, MeterCounts& counts);
void count_chunks();  // from now on
struct HeapMeter : Meter {
    explicit HeapMeter(const tarn_heap& of) : Meter(count_heap), heap(of) {}
    const tarn_heap& heap;
};

}  // namespace tarn::user_heap

struct tarn_heap {
    int64_t headroom;       // the nearest limit - live
    int64_t least;          // headroom: the least it has been under this limit; the peak follows from it
    int64_t rearm;          // headroom from which the soft limit holds again
    uintptr_t quick;        // kObjectBits if it has a fast path: it is neither locked nor checked; else 0
    uint64_t large_served;  // counter
    // What serves next: the chunk that an object was freed into last, or the first partial one.
    tarn::user_heap::Chunk* current[tarn::user_heap::kClassCount];

    tarn::user_heap::Chunk* partial[tarn::user_heap::kClassCount];
    tarn::user_heap::Chunk* full[tarn::user_heap::kClassCount];
    uint64_t past_allocations[tarn::user_heap::kClassCount];  // of chunks that have left the class
    tarn::user_heap::Chunk* empty;
    tarn::user_heap::Chunk* reserved;  // for the reserve
    tarn::user_heap::Block* blocks;
    size_t chunks, empty_chunks, reserved_chunks, block_count;  // `chunks`: all of them
    int64_t limit;                                              // what headroom counts down from
    int64_t quota, reserve, soft_limit;                         // kNoLimit: none
    uint64_t refusals;
    tarn_heap_callback* callback;
    void* user;
    const char* name;  // in profiles; NULL: none
    bool locked, checked;
    bool armed;  // the soft limit
    bool reserve_released, calling;
    tarn::Lock lock;
    tarn::user_heap::HeapMeter meter{*this};  // listed while the heap is there

    int64_t live() const { return limit - headroom; }
    int64_t peak() const { return limit - least; }
};

namespace tarn::user_heap {

inline constexpr int64_t kNoLimit = INT64_MAX / 4;
inline int64_t limit_from(uint64_t bytes) {
    return bytes == 0 || bytes > static_cast<uint64_t>(kNoLimit) ? kNoLimit : static_cast<int64_t>(bytes);
}

class HeapGuard {
  public:
    explicit HeapGuard(tarn_heap& heap) : heap_(heap) {
        if (heap_.locked) heap_.lock.lock();
    }
    ~HeapGuard() {
        if (heap_.locked) heap_.lock.unlock();
    }
    HeapGuard(const HeapGuard&) = delete;
    HeapGuard& operator=(const HeapGuard&) = delete;

  private:
    tarn_heap& heap_;
};

struct Request {
    size_t size, alignment;
};

// Of all heaps, for the reports: chunks, and usable bytes of blocks.
inline void count_memory(int64_t bytes) {
    tally(Tally::kUserHeapBytes, bytes);
}

inline void charge(tarn_heap& heap, int64_t bytes) {
    heap.headroom -= bytes;
    if (heap.headroom < heap.least) heap.least = heap.headroom;
}

// objects.cpp. All but verify expect that the lock is held, if there is one.
extern Chunk empty_chunk;  // never written
uint64_t seal_of(const Chunk* chunk);
void* take_object(tarn_heap& heap, ClassIndex c);  // NULL: no memory; charges nothing
void put_object(tarn_heap& heap, Chunk& chunk, void* object);
void chunk_changed(tarn_heap& heap, Chunk& chunk);  // after a free: it is empty now, or was full
bool fill_reserve(tarn_heap& heap);
void drop_reserve(tarn_heap& heap);
void empty_all(tarn_heap& heap, size_t keep);  // every object is gone; keeps so many chunks
size_t drop_empty(tarn_heap& heap, size_t keep);

// blocks.cpp
size_t block_usable(size_t size);
void* take_block(tarn_heap& heap, Request request);
void put_block(tarn_heap& heap, void* pointer);
void* resize_block(tarn_heap& heap, void* pointer, size_t size);  // in its class of blocks; NULL: not so
void drop_blocks(tarn_heap& heap);
bool is_live_block(const void* pointer);  // of some heap; reads nothing that cannot be read

// check.cpp: dies unless the pointer is a live object's of this heap, as far as the heap checks.
void verify(tarn_heap& heap, const void* pointer);
// From now on free() says of a heap's object whose it is.
void claim_objects();
void note_taken(Chunk& chunk, const void* object);
void note_free(Chunk& chunk, const void* object);

// limits.cpp
void update_limit(tarn_heap& heap);
void* serve(tarn_heap& heap, Request request);          // with its callbacks; NULL and ENOMEM
void* serve_quietly(tarn_heap& heap, Request request);  // NULL when a limit is met; counts no refusal
void rearm_soft_limit(tarn_heap& heap);

}  // namespace tarn::user_heap
