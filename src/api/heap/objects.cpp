// SPDX-License-Identifier: MIT
// Objects of a heap: chunks by class, carved as they are needed. A chunk is on the list of partial or of full
// ones of its class, or is empty and of no class.
#include "api/heap/state.h"
#include "os/os.h"
#include "seam/named.h"

namespace tarn::user_heap {

constinit Chunk empty_chunk = {};

namespace {

// Empty chunks a heap keeps: one, and an eighth of all.
constexpr size_t kKeptShare = 8;
// A chunk with no more than this share of what was carved free is dense. What is freed into it is handed out next; what is freed into others
// is not, so that they may come empty.
constexpr uint32_t kDenseShare = 8;

void push(Chunk*& list, Chunk& chunk) {
    chunk.previous = nullptr;
    chunk.next = list;
    if (list) list->previous = &chunk;
    list = &chunk;
}

void unlink(Chunk*& list, Chunk& chunk) {
    (chunk.previous ? chunk.previous->next : list) = chunk.next;
    if (chunk.next) chunk.next->previous = chunk.previous;
}

Chunk* pop(Chunk*& list) {
    Chunk* const chunk = list;
    if (chunk) unlink(list, *chunk);
    return chunk;
}

void set_current(tarn_heap& heap, ClassIndex c) {
    if (heap.quick) heap.current[c] = heap.partial[c] ? heap.partial[c] : &empty_chunk;
}

uint16_t dense_at(const Chunk& chunk) {
    return static_cast<uint16_t>(chunk.carved - chunk.carved / kDenseShare);
}

void prepare(tarn_heap& heap, Chunk& chunk, ClassIndex c) {
    chunk = {};
    const uint32_t size = kSizes[c];
    size_t first = heap.checked ? kFirstObject + kBitmap : kFirstObject;
    if (c >= kPlainClasses) first = (first + size - 1) / size * size;
    chunk.owner = &heap;
    chunk.current = &heap.current[c];
    chunk.size = size;
    chunk.seal = seal_of(&chunk);
    chunk.first = static_cast<uint32_t>(first);
    chunk.capacity = static_cast<uint32_t>((kChunkSize - first) / size);
    chunk.class_index = static_cast<uint8_t>(c);
    chunk.state = ChunkState::kPartial;
    if (heap.checked) __builtin_memset(chunk_of_record(&chunk) + kFirstObject, 0, kBitmap);
}

Chunk* chunk_from_pool(tarn_heap& heap) {
    const Named scope(heap.name);
    void* const memory = take_chunk();
    if (!memory) return nullptr;
    ++heap.chunks;
    count_memory(kChunkSize);
    return chunk_of(memory);
}

Chunk* spare_chunk(tarn_heap& heap) {
    Chunk* const chunk = pop(heap.empty);
    if (!chunk) return chunk_from_pool(heap);
    --heap.empty_chunks;
    return chunk;
}

Chunk* any_chunk(tarn_heap& heap) {
    if (Chunk* const chunk = spare_chunk(heap)) return chunk;
    if (!heap.reserve_released && !heap.calling) return nullptr;
    Chunk* const chunk = pop(heap.reserved);
    if (chunk) --heap.reserved_chunks;
    return chunk;
}

void give(tarn_heap& heap, Chunk& chunk) {
    --heap.chunks;
    count_memory(-int64_t{kChunkSize});
    chunk.seal = 0;
    give_chunk(chunk_of_record(&chunk));
}

// The chunk is on no list.
void make_empty(tarn_heap& heap, Chunk& chunk) {
    heap.past_allocations[chunk.class_index] += chunk.allocations();
    chunk.counts = 0;
    chunk.state = ChunkState::kEmpty;
    chunk.owner = nullptr;
    chunk.seal = 0;
    push(heap.empty, chunk);
    ++heap.empty_chunks;
}

// What lies in the page that the next object begins in, that object at least. False: nothing is left.
bool carve(Chunk& chunk) {
    char* const objects = chunk_of_record(&chunk) + chunk.first;
    Free* first = nullptr;
    Free** tail = &first;
    uintptr_t page_end = 0;
    for (; chunk.carved < chunk.capacity; ++chunk.carved) {
        char* const at = objects + size_t{chunk.carved} * chunk.size;
        const auto address = reinterpret_cast<uintptr_t>(at);
        if (is_block(at)) continue;
        if (first && address + chunk.size > page_end) break;
        if (!first) page_end = (address / kPage + 1) * kPage;
        *tail = reinterpret_cast<Free*>(at);
        tail = &(*tail)->next;
    }
    *tail = nullptr;
    chunk.free = first;
    chunk.dense_at = dense_at(chunk);
    return first;
}

void set_full(tarn_heap& heap, Chunk& chunk) {
    const ClassIndex c = chunk.class_index;
    unlink(heap.partial[c], chunk);
    push(heap.full[c], chunk);
    chunk.state = ChunkState::kFull;
    chunk.dense_at = chunk.cold_at = kAlwaysCold;
}

// Second in its list: the first is fuller, likely.
void set_partial(tarn_heap& heap, Chunk& chunk) {
    const ClassIndex c = chunk.class_index;
    unlink(heap.full[c], chunk);
    Chunk* const head = heap.partial[c];
    push(head ? head->next : heap.partial[c], chunk);
    chunk.previous = head;
    chunk.state = ChunkState::kPartial;
    chunk.dense_at = dense_at(chunk);
    chunk.cold_at = 0;
}

// NULL: no memory.
Chunk* chunk_with_free(tarn_heap& heap, ClassIndex c) {
    while (Chunk* const chunk = heap.partial[c]) {
        if (chunk->free || carve(*chunk)) return chunk;
        set_full(heap, *chunk);
    }
    Chunk* const chunk = any_chunk(heap);
    if (!chunk) return nullptr;
    prepare(heap, *chunk, c);
    push(heap.partial[c], *chunk);
    carve(*chunk);
    return chunk;
}

}  // namespace

uint64_t seal_of(const Chunk* chunk) {
    static constinit uint64_t secret = 0;
    uint64_t known = __atomic_load_n(&secret, __ATOMIC_RELAXED);
    if (known == 0) {
        known = os::random() | 1;
        __atomic_store_n(&secret, known, __ATOMIC_RELAXED);
    }
    return known ^ reinterpret_cast<uintptr_t>(chunk);
}

void* take_object(tarn_heap& heap, ClassIndex c) {
    Chunk* const chunk = chunk_with_free(heap, c);
    set_current(heap, c);
    if (!chunk) return nullptr;
    Free* const object = chunk->free;
    chunk->free = object->next;
    chunk->counts += kTaken;
    if (heap.checked) note_taken(*chunk, object);
    return object;
}

void put_object(tarn_heap& heap, Chunk& chunk, void* object) {
    if (heap.checked) note_free(chunk, object);
    auto* const freed = static_cast<Free*>(object);
    freed->next = chunk.free;
    chunk.free = freed;
    --chunk.counts;
    heap.headroom += chunk.size;
    if (chunk.used() <= chunk.cold_at) chunk_changed(heap, chunk);
}

void chunk_changed(tarn_heap& heap, Chunk& chunk) {
    const ClassIndex c = chunk.class_index;
    if (chunk.state == ChunkState::kFull) set_partial(heap, chunk);
    const bool alone = !chunk.next && !chunk.previous;
    if (chunk.used() == 0 && !alone) {
        unlink(heap.partial[c], chunk);
        make_empty(heap, chunk);
        drop_empty(heap, 1 + heap.chunks / kKeptShare);
        set_current(heap, c);
    }
}

bool fill_reserve(tarn_heap& heap) {
    constexpr size_t kServes = kChunkSize - kFirstObject;
    const size_t wanted = (static_cast<size_t>(heap.reserve) + kServes - 1) / kServes;
    while (heap.reserved_chunks < wanted) {
        Chunk* const chunk = spare_chunk(heap);
        if (!chunk) return false;
        push(heap.reserved, *chunk);
        ++heap.reserved_chunks;
    }
    return true;
}

void drop_reserve(tarn_heap& heap) {
    while (Chunk* const chunk = pop(heap.reserved))
        give(heap, *chunk);
    heap.reserved_chunks = 0;
}

size_t drop_empty(tarn_heap& heap, size_t keep) {
    size_t dropped = 0;
    for (; heap.empty_chunks > keep; --heap.empty_chunks, ++dropped)
        give(heap, *pop(heap.empty));
    return dropped;
}

void empty_all(tarn_heap& heap, size_t keep) {
    for (ClassIndex c = 0; c < kClassCount; ++c) {
        for (Chunk** const list : {&heap.partial[c], &heap.full[c]})
            while (Chunk* const chunk = pop(*list))
                make_empty(heap, *chunk);
        set_current(heap, c);
    }
    drop_empty(heap, keep);
}

}  // namespace tarn::user_heap
