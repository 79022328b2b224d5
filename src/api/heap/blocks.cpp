// SPDX-License-Identifier: MIT
// Requests that no class of a heap serves: blocks of tarn's own, on the heap's list.
#include "backend/blocks.h"
#include "api/heap/state.h"
#include "base/options.h"
#include "entry/entry.h"
#include "entry/resize.h"
#include "os/os.h"
#include "seam/named.h"

namespace tarn::user_heap {

namespace {

constexpr size_t kLargest = PTRDIFF_MAX / 2;
// Above all size classes of tarn's, so that it is a block there, too.
constexpr size_t kSmallestBlock = 9 * kPage;
static_assert(kSmallestBlock > kSmallMax && kObjectMax + kBlockStart <= kSmallestBlock);
constexpr size_t kMovableFrom = size_t{256} << 10;

void link(tarn_heap& heap, Block* block) {
    block->previous = nullptr;
    block->next = heap.blocks;
    if (heap.blocks) heap.blocks->previous = block;
    heap.blocks = block;
    ++heap.block_count;
}

void unlink(tarn_heap& heap, Block* block) {
    (block->previous ? block->previous->next : heap.blocks) = block->next;
    if (block->next) block->next->previous = block->previous;
    --heap.block_count;
}

// Of an aligned block: what tarn gave.
void** start_before(Block* block) {
    return reinterpret_cast<void**>(block) - 1;
}

Block* make_aligned(size_t usable, size_t alignment) {
    if (alignment < kChunkSize) alignment = kChunkSize;
    if (alignment > kLargest) return nullptr;
    auto* const memory = static_cast<char*>(allocate_aligned(alignment, alignment + usable));
    if (!memory) return nullptr;
    char* const pointer = memory + alignment;
    *start_before(block_of(pointer)) = memory;
    return block_of(pointer);
}

void* start_of(Block* block) {
    return is_aligned_block(memory_of(block)) ? *start_before(block) : block;
}

// What tarn serves by mappings of its own, which stay page-aligned wherever the kernel moves them.
bool is_mapping(size_t usable) {
    return usable >= kMovableFrom && usable >= options.map_from;
}

}  // namespace

size_t block_usable(size_t size) {
    if (size > kLargest) return kLargest;
    const size_t total = (size + kBlockStart + kPage - 1) / kPage * kPage;
    return (total < kSmallestBlock ? kSmallestBlock : total) - kBlockStart;
}

void* take_block(tarn_heap& heap, Request request) {
    if (request.size > kLargest) return nullptr;
    const size_t usable = block_usable(request.size);
    const Named scope(heap.name);
    Block* const block = request.alignment <= kBlockStart
                             ? static_cast<Block*>(allocate_aligned(kPage, usable + kBlockStart))
                             : make_aligned(usable, request.alignment);
    if (!block) return nullptr;
    block->heap = &heap;
    block->usable = usable;
    count_memory(static_cast<int64_t>(usable));
    link(heap, block);
    ++heap.large_served;
    return memory_of(block);
}

void put_block(tarn_heap& heap, void* pointer) {
    Block* const block = block_of(pointer);
    unlink(heap, block);
    const auto usable = static_cast<int64_t>(block->usable);
    heap.headroom += usable;
    count_memory(-usable);
    block->heap = nullptr;
    release(start_of(block));
}

void* resize_block(tarn_heap& heap, void* pointer, size_t size) {
    Block* const block = block_of(pointer);
    const size_t usable = block_usable(size);
    if (size > kLargest || !is_mapping(usable) || !is_mapping(block->usable)) return nullptr;
    const int64_t more = static_cast<int64_t>(usable) - static_cast<int64_t>(block->usable);
    if (is_aligned_block(pointer) || more > heap.headroom) return nullptr;
    unlink(heap, block);
    const Named scope(heap.name);
    auto* const there = static_cast<Block*>(reallocate(block, usable + kBlockStart));
    link(heap, there ? there : block);
    if (!there) return nullptr;
    there->usable = usable;
    count_memory(more);
    charge(heap, more);
    return memory_of(there);
}

bool is_live_block(const void* pointer) {
    Block* const block = block_of(pointer);
    const bool aligned = is_aligned_block(pointer);
    const void* const record = aligned ? static_cast<void*>(start_before(block)) : block;
    const auto bytes =
        static_cast<size_t>(static_cast<const char*>(pointer) - static_cast<const char*>(record));
    if (!os::readable(record, bytes)) return false;
    const size_t whole = block_size(start_of(block));
    if (whole < kSmallestBlock || block->usable > whole - kBlockStart) return false;
    // Its heap's list, or the block before it, leads here: the program's own bytes do not.
    Block* const* const link = block->previous ? &block->previous->next : &block->heap->blocks;
    return os::readable(link, sizeof *link) && *link == block;
}

void drop_blocks(tarn_heap& heap) {
    while (heap.blocks)
        put_block(heap, memory_of(heap.blocks));
}

}  // namespace tarn::user_heap
