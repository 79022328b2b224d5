// SPDX-License-Identifier: MIT
#include "heap/door.h"

#include <new>

#include "heap/orphans.h"

namespace tarn {

namespace {

constinit std::atomic<HeapId> next_id{kOrphanHeap + 1};
constinit HeapDoor first_doors[kDoorsAtATime];

}  // namespace

constinit HeapDoor* door_chunks[kHeapsMax / kDoorsAtATime] = {first_doors};

Heap* heap_of(HeapId id) {
    return heap_door(id).heap;
}
HeapId heap_count() {
    return next_id.load(std::memory_order_acquire);
}

HeapId register_heap(Heap& heap) {
    Guard guard(orphans.lock);
    const HeapId id = next_id.load(std::memory_order_relaxed);
    if (id == kHeapsMax) return kNoHeap;
    HeapDoor*& doors = door_chunks[id / kDoorsAtATime];
    if (!doors) doors = static_cast<HeapDoor*>(owner_memory(kDoorsAtATime * sizeof(HeapDoor)));
    if (!doors) return kNoHeap;
    if constexpr (kExpecting)
        if (id % kDoorsAtATime == 0)
            new (doors) HeapDoor[kDoorsAtATime];  // zeros say all but the lock's rank
    heap_door(id).heap = &heap;
    next_id.store(id + 1, std::memory_order_release);
    return id;
}

}  // namespace tarn
