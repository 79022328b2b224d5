// SPDX-License-Identifier: MIT
// Heaps for tests: opened as a thread's would be, and closed so that nothing is left to the orphans.
#pragma once
#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <set>
#include <vector>

#include "base/options.h"
#include "heap/heap.h"
#include "heap/orphans.h"
#include "os/os.h"
#include "pages/runs.h"

namespace tarn::sample {

inline void start(size_t region = size_t{512} << 20) {
    options.region = region;
    start_page_map();
    start_heaps();
}

// Ids are never given back, so a test that wants many threads uses few of these again and again.
inline Heap* new_heap() {
    Heap* heap = new Heap;  // lives as long as the process, as its id does
    const HeapId id = register_heap(*heap);
    // Entries that are slabs' and this heap's alone; no fast path is here to follow them.
    heap->open(id, reinterpret_cast<uintptr_t>(heap), -static_cast<Entry>(id * kClasses * Heap::kMarkStep));
    heap->revive();
    return heap;
}

// What a bin with room for so many would get.
struct Taken {
    std::vector<Object*> objects;
    bool zeroed;
};

inline Taken take(Heap& heap, SizeClass c, uint32_t room = 128) {
    std::vector<Object*> slots(room, nullptr);
    const Batch batch = heap.take(c, slots.data() + room, room);
    slots.erase(slots.begin(), slots.end() - batch.count);
    EXPECT_EQ(batch.first, slots.empty() ? nullptr : slots[0]);
    return {slots, batch.zeroed};
}

inline Taken take_one(Heap& heap, SizeClass c) {
    const Batch batch = heap.take_one(c);
    EXPECT_EQ(batch.count, batch.first ? 1u : 0u);
    return {std::vector<Object*>(batch.count, batch.first), batch.zeroed};
}

inline void add(std::vector<Object*>& objects, const Taken& taken) {
    objects.insert(objects.end(), taken.objects.begin(), taken.objects.end());
}

// Every object is in a slab of this class, at an object's start, and none is there twice.
inline void expect_distinct(const std::vector<Object*>& objects, SizeClass c) {
    std::set<Object*> seen;
    for (Object* object : objects) {
        const Slab& slab = *slab_of(object);
        ASSERT_EQ(slab.size_class, c);
        ASSERT_LT(slab.index_of(object), slab.carved());
        ASSERT_EQ(reinterpret_cast<uintptr_t>(object) % kAlignment, 0u);
        ASSERT_TRUE(seen.insert(object).second) << "handed out twice";
    }
}

// The equations of slab.h, for a slab that nobody else is at work on.
inline void expect_sound(const Slab& slab) {
    size_t free = 0;
    for (const Object* object = slab.free; object; object = object->next) {
        ASSERT_LT(slab.index_of(object), slab.carved());
        ASSERT_LE(++free, slab.carved());
    }
    EXPECT_EQ(free, slab.free_count());
    EXPECT_EQ(slab.carved(), slab.used + free + slab.away);
    EXPECT_LE(slab.carved(), slab.info().objects);
    EXPECT_EQ(slab.state, slab.fitting_state());
    const HeapId owner = slab.owner.load();
    EXPECT_EQ(entry_at(slab.begin()), heap_of(owner)->entry(slab.size_class));
}

inline size_t slabs_of(const Heap& heap) {
    size_t total = 0;
    for (SizeClass c = 0; c < kClasses; ++c)
        total += heap.counters(c).slabs;
    return total;
}

inline void give_all(Heap& heap, std::vector<Object*>& objects) {
    for (Object* object : objects)
        heap.give(*slab_of(object), object);
    objects.clear();
}

// The heap ends, and nothing is left of it, or in the orphans: every object came back.
inline void end_without_rest(Heap& heap) {
    heap.drain_mail();
    heap.retire();
    Guard guard(orphans.lock);
    orphans.heap.dissolve_empty();
    EXPECT_EQ(orphans.slabs(), 0u);
    EXPECT_EQ(run_stats().in_use, 0u);
}

// A heap that owns; nothing is left of it, or in the orphans, when a test ends.
class Owner : public testing::Test {
  protected:
    void SetUp() override { owner.revive(); }
    void TearDown() override { end_without_rest(owner); }
    // All objects of a slab.
    std::vector<Object*> whole_slab(SizeClass c) {
        std::vector<Object*> objects;
        while (objects.size() < kSizeClasses[c].objects)
            add(objects, take(owner, c));
        EXPECT_EQ(objects.size(), kSizeClasses[c].objects);
        return objects;
    }

    Heap& owner = one_for_all_tests();

  private:
    static Heap& one_for_all_tests() {
        static Heap& heap = *new_heap();
        return heap;
    }
};

}  // namespace tarn::sample
