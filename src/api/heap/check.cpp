// SPDX-License-Identifier: MIT
// Whether a pointer is what its heap's user says it is.
#include "api/heap/state.h"
#include "backend/blocks.h"
#include "base/message.h"
#include "os/os.h"

namespace tarn::user_heap {

namespace {

struct Bit {
    uint8_t* byte;
    uint8_t mask;
};

Bit bit_of(Chunk& chunk, size_t index) {
    auto* const bitmap = reinterpret_cast<uint8_t*>(chunk_of_record(&chunk)) + kFirstObject;
    return {bitmap + index / 8, static_cast<uint8_t>(1u << index % 8)};
}

size_t offset_of(const Chunk& chunk, const void* object) {
    return static_cast<size_t>(static_cast<const char*>(object) - chunk_of_record(&chunk)) - chunk.first;
}

void verify_block(tarn_heap& heap, const void* pointer) {
    Block* const block = block_of(pointer);
    if (heap.checked && block_size(block) == 0)
        die(Fault::kNeverHandedOut, pointer, "no block of this heap, or freed before");
    if (block->heap != &heap) die(Fault::kWrongHeap, pointer);
}

void verify_aligned_block(tarn_heap& heap, const void* pointer) {
    const Block* block = heap.blocks;
    while (block && block + 1 != pointer)
        block = block->next;
    if (!block) die(Fault::kNeverHandedOut, pointer, "no block of this heap, or freed before");
}

// Reads a chunk's header only where there is one.
void verify_object(tarn_heap& heap, const void* pointer) {
    Chunk& chunk = *chunk_of(pointer);
    if (!in_chunk(pointer) || (chunk.seal != seal_of(&chunk) && chunk.state != ChunkState::kEmpty))
        die(Fault::kNeverHandedOut, pointer);
    if (chunk.seal != seal_of(&chunk)) die(Fault::kDoubleFree, pointer, "in a chunk that is empty by now");
    if (chunk.owner != &heap) die(Fault::kWrongHeap, pointer);
    const size_t offset = offset_of(chunk, pointer);
    if (static_cast<const char*>(pointer) < chunk_of_record(&chunk) + chunk.first ||
        offset / chunk.size >= chunk.carved)
        die(Fault::kNeverHandedOut, pointer);
    if (offset % chunk.size != 0) die(Fault::kInsideObject, pointer, "into one of", chunk.size, "bytes");
    const Bit bit = bit_of(chunk, offset / chunk.size);
    if (!(*bit.byte & bit.mask)) die(Fault::kDoubleFree, pointer, "an object of", chunk.size, "bytes");
}

void verify_header(tarn_heap& heap, const void* pointer) {
    const Chunk& chunk = *chunk_of(pointer);
    if (chunk.owner == &heap) return;
    if (chunk.seal == seal_of(&chunk)) die(Fault::kWrongHeap, pointer);
    die(Fault::kNeverHandedOut, pointer);
}

constexpr const char* kTakesIt = "of a tarn_heap; tarn_heap_free takes it";

const char* whose(const void* pointer) {
    if (is_block(pointer)) return is_live_block(pointer) ? kTakesIt : nullptr;
    if (!in_chunk(pointer)) return nullptr;
    const Chunk& chunk = *chunk_of(pointer);
    if (!os::readable(&chunk, sizeof chunk) || chunk.seal != seal_of(&chunk)) return nullptr;
    const size_t offset = offset_of(chunk, pointer);
    const bool is_start = offset / chunk.size < chunk.carved && offset % chunk.size == 0;
    return is_start ? kTakesIt : "of a tarn_heap";
}

constinit Claim claim{whose};

}  // namespace

void claim_objects() {
    join_claims(claim);
}

void verify(tarn_heap& heap, const void* pointer) {
    if (!is_block(pointer)) return heap.checked ? verify_object(heap, pointer) : verify_header(heap, pointer);
    if (heap.checked && is_aligned_block(pointer)) return verify_aligned_block(heap, pointer);
    verify_block(heap, pointer);
}

void note_taken(Chunk& chunk, const void* object) {
    const Bit bit = bit_of(chunk, offset_of(chunk, object) / chunk.size);
    *bit.byte |= bit.mask;
}

void note_free(Chunk& chunk, const void* object) {
    const Bit bit = bit_of(chunk, offset_of(chunk, object) / chunk.size);
    *bit.byte = static_cast<uint8_t>(*bit.byte & ~bit.mask);
}

}  // namespace tarn::user_heap
