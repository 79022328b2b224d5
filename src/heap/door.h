// SPDX-License-Identifier: MIT
// Doors: what others touch of a heap, found by the heap's id, which every slab of it names.
#pragma once
#include <atomic>
#include <cstddef>
#include <cstdint>

#include "heap/remote.h"
#include "os/lock.h"

namespace tarn {

class Heap;

inline constexpr size_t kHeapsMax = size_t{40} << 10;

// Apart from the heap, and never given back: a thread may still be about to post.
struct alignas(64) HeapDoor {
    Lock lock{LockRank::kDoor};     // unlocked by unlock_unwaited(): who else wants it waits by lock_within()
    Mail mail;                      // remote.h
    std::atomic<bool> held{false};  // by a thread that lives, or did not tell that it ended
    Heap* heap = nullptr;           // set once
    void* cache = nullptr;          // what the layer above has it in; set once
    uintptr_t thread = 0;           // the holder's thread pointer; for the layer above
    bool forking = false;           // the holder has taken the lock for the time of a fork
    bool lost = false;              // its thread ended in the middle of a cold end: nobody goes in again
};
// By id, for whoever finds one in a slab or counts up to heap_count(). In chunks, since few processes need more than
// the first; register_heap puts a chunk there before the first id of it.
inline constexpr size_t kDoorsAtATime = 512;
extern HeapDoor* door_chunks[kHeapsMax / kDoorsAtATime];
inline HeapDoor& heap_door(HeapId id) {
    return door_chunks[id / kDoorsAtATime][id % kDoorsAtATime];
}

// Set once per id.
Heap* heap_of(HeapId id);
// A new id for this heap; kNoHeap when there are kHeapsMax already.
HeapId register_heap(Heap& heap);
HeapId heap_count();  // ids 1 .. heap_count() - 1 have been given out

}  // namespace tarn
