// SPDX-License-Identifier: MIT
// Doors: found by the id of their heap, in chunks that are made as ids need them, up to the last id there is.
#include "heap/door.h"

#include "heap/orphans.h"
#include "heap_sample.h"

namespace tarn {
namespace {

constexpr size_t kChunks = kHeapsMax / kDoorsAtATime;

struct Start {
    Start() { sample::start(); }
} start;

class Door : public testing::Test {
  protected:
    void TearDown() override { os::fail_none(); }
    // Until the next id is the first of a chunk; heaps that only stand in the list.
    static void fill_chunk() {
        while (heap_count() % kDoorsAtATime)
            ASSERT_NE(register_heap(stand_in), kNoHeap);
    }
    static inline Heap& stand_in = *new Heap;
};

TEST_F(Door, TheFirstChunkIsThereAtOnceAndTheOrphansAreInIt) {
    ASSERT_TRUE(door_chunks[0]);
    EXPECT_EQ(door_chunks[1], nullptr);
    EXPECT_EQ(heap_of(kOrphanHeap), &orphans.heap);
    EXPECT_EQ(&orphans.heap.door(), &heap_door(kOrphanHeap));
    EXPECT_EQ(heap_of(kNoHeap), nullptr);
}

TEST_F(Door, IdsCountUpAndNameTheirHeap) {
    const HeapId next = heap_count();
    Heap& heap = *sample::new_heap();
    EXPECT_EQ(heap.id(), next);
    EXPECT_EQ(heap_count(), next + 1);
    EXPECT_EQ(heap_of(next), &heap);
    EXPECT_EQ(&heap.door(), &heap_door(next));
    heap.retire();
}

TEST_F(Door, WithoutMemoryForAChunkThereIsNoIdAndTheNextAttemptGetsIt) {
    fill_chunk();
    const HeapId next = heap_count();
    ASSERT_EQ(next, kDoorsAtATime);
    os::fail_after(os::Call::kCommit, 0);
    EXPECT_EQ(register_heap(stand_in), kNoHeap);
    EXPECT_EQ(heap_count(), next);
    os::fail_none();
    EXPECT_EQ(register_heap(stand_in), next);
    EXPECT_EQ(heap_of(next), &stand_in);
    EXPECT_TRUE(door_chunks[1]);
    EXPECT_EQ(door_chunks[2], nullptr) << "no chunk is made before its time";
}

TEST_F(Door, DoorsOfTheSecondChunkAreWholeAndApart) {
    while (heap_count() < kDoorsAtATime + 20)
        ASSERT_NE(register_heap(stand_in), kNoHeap);
    for (HeapId id = 1; id < heap_count(); ++id) {
        HeapDoor& door = heap_door(id);
        ASSERT_EQ(reinterpret_cast<uintptr_t>(&door) % alignof(HeapDoor), 0u);
        ASSERT_TRUE(door.heap) << id;
        ASSERT_TRUE(door.mail.empty());
        ASSERT_TRUE(door.lock.try_lock()) << "nobody has had it";
        door.lock.unlock();
    }
    EXPECT_EQ(&heap_door(kDoorsAtATime + 1), &heap_door(kDoorsAtATime) + 1);
}

// As in the first chunk: slabs name the heap by its id, and what others free finds its mail.
TEST_F(Door, AHeapOfTheSecondChunkServesAndGetsItsMail) {
    while (heap_count() <= kDoorsAtATime)
        ASSERT_NE(register_heap(stand_in), kNoHeap);
    static Heap& heap = *sample::new_heap();  // LeakSanitizer does not look into that chunk
    ASSERT_GT(heap.id(), kDoorsAtATime);
    auto objects = sample::take(heap, 4).objects;
    Slab& slab = *slab_of(objects[0]);
    ASSERT_EQ(slab.owner.load(), heap.id());
    sample::expect_sound(slab);
    free_remote(slab, objects.back(), nullptr);
    EXPECT_FALSE(heap.door().mail.empty());
    objects.pop_back();
    const HeapGuard guard(heap);
    heap.drain_mail();
    EXPECT_TRUE(heap.door().mail.empty());
    sample::give_all(heap, objects);
    heap.dissolve_empty();
    EXPECT_EQ(run_stats().in_use, 0u);
    heap.retire();
}

// The last one: no id is left.
TEST_F(Door, TheLastIdIsTheLast) {
    HeapId last = kNoHeap;
    while (const HeapId id = register_heap(stand_in))
        last = id;
    EXPECT_EQ(last, kHeapsMax - 1);
    EXPECT_EQ(heap_count(), kHeapsMax);
    EXPECT_EQ(register_heap(stand_in), kNoHeap);
    EXPECT_EQ(heap_of(last), &stand_in);
    EXPECT_TRUE(door_chunks[kChunks - 1]);
}

}  // namespace
}  // namespace tarn
