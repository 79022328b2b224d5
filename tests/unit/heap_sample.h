// SPDX-License-Identifier: MIT
// Heaps for tests: opened as a thread's would be, and closed so that nothing is left to the orphans.
#pragma once
#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <set>
#include <vector>

#include "base/options.h"
#include "base/os.h"
#include "heap/heap.h"

namespace tarn::sample {

inline void start(size_t region = size_t{512} << 20) {
    options.region = region;
    start_pages();
    start_heaps();
}

// Ids are never given back, so a test that wants many threads uses few of these again and again.
inline Heap* new_heap() {
    Heap* heap = new Heap;  // lives as long as the process, as its id does
    const HeapId id = register_heap(*heap);
    heap->open(id, reinterpret_cast<uintptr_t>(heap));
    heap->revive();
    return heap;
}

inline void add(std::vector<Object*>& objects, const Batch& batch) {
    uint32_t count = 0;
    for (Object* object = batch.head; object; object = object->next, ++count)
        objects.push_back(object);
    EXPECT_EQ(count, batch.count);
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
    EXPECT_EQ(slab.carved(), slab.used + free);
    EXPECT_LE(slab.carved(), slab.info().objects);
    EXPECT_EQ(slab.state, slab.exhausted() ? SlabState::kFull : SlabState::kPartial);
    const HeapId owner = slab.owner.load();
    EXPECT_EQ(entry_at(slab.begin()), heap_of(owner)->tag() | code_of_class(slab.size_class));
}

inline size_t slabs_of(const Heap& heap) {
    size_t total = 0;
    for (SizeClass c = 0; c < kClasses; ++c)
        total += heap.counters(c).slabs.load();
    return total;
}

inline void give_all(Heap& heap, std::vector<Object*>& objects) {
    for (Object* object : objects)
        heap.give(*slab_of(object), object);
    objects.clear();
}

}  // namespace tarn::sample
