// SPDX-License-Identifier: MIT
// What a heap says when it is given a pointer that is not its own, or not any more.
#include <gtest/gtest.h>

#include <cstdlib>
#include <vector>

#include "tarn/heap.hpp"

namespace {

using tarn::Heap;
using tarn::HeapChecks;

void expect_caught(const char* message, void (*misuse)(Heap& heap)) {
    EXPECT_DEATH(
        {
            Heap heap({.checks = HeapChecks::kFull});
            misuse(heap);
        },
        message);
}

TEST(HeapDeathTest, MisuseIsFoundInCheckedHeaps) {
    expect_caught("tarn: double free: 0x", [](Heap& heap) {
        void* p = heap.allocate(100);
        heap.free(p);
        heap.free(p);
    });
    expect_caught("tarn: double free: 0x", [](Heap& heap) {  // its chunk is empty by now
        std::vector<void*> all;
        for (int i = 0; i < 1000; ++i)
            all.push_back(heap.allocate(1000));
        for (void* p : all)
            heap.free(p);
        for (void* p : all)
            heap.free(p);
    });
    expect_caught("tarn: pointer into an object: 0x",
                  [](Heap& heap) { heap.free(static_cast<char*>(heap.allocate(100)) + 16); });
    expect_caught("tarn: pointer never handed out: 0x", [](Heap& heap) { heap.free(std::malloc(100)); });
    expect_caught("tarn: pointer never handed out: 0x", [](Heap& heap) { heap.free(std::malloc(100000)); });
    expect_caught("tarn: pointer never handed out: 0x", [](Heap& heap) {
        int local;
        heap.free(&local);
    });
    expect_caught("tarn: pointer never handed out: 0x", [](Heap& heap) {  // not carved yet
        heap.free(static_cast<char*>(heap.allocate(16)) + 50000);
    });
    expect_caught("tarn: pointer never handed out: 0x", [](Heap& heap) {
        void* p = heap.allocate(100000);
        heap.free(p);
        heap.free(p);
    });
    expect_caught("tarn: pointer never handed out: 0x", [](Heap& heap) {
        void* p = heap.allocate(100000, 65536);
        heap.free(p);
        heap.free(p);
    });
    expect_caught("tarn: pointer of another heap: 0x", [](Heap& heap) {
        Heap other({.checks = HeapChecks::kFull});
        heap.free(other.allocate(100));
    });
    expect_caught("tarn: pointer of another heap: 0x", [](Heap& heap) {
        Heap other;
        heap.free(other.allocate(100000));
    });
    expect_caught("tarn: double free: 0x", [](Heap& heap) {
        void* p = heap.allocate(100);
        heap.free(p);
        static_cast<void>(tarn_heap_reallocate(heap.handle(), p, 1000));
    });
    expect_caught("tarn: double free: 0x", [](Heap& heap) {
        void* p = heap.allocate(100);
        heap.free(p);
        heap.usable_size(p);
    });
}

TEST(HeapDeathTest, AnotherHeapsPointersAreAlwaysFound) {
    Heap heap, other;
    void* const small = other.allocate(100);
    void* const large = other.allocate(100000);
    void* const aligned = other.allocate(100000, 65536);
    EXPECT_DEATH(heap.free(small), "tarn: pointer of another heap: 0x");
    EXPECT_DEATH(heap.free(large), "tarn: pointer of another heap: 0x");
    EXPECT_DEATH(heap.free(aligned), "tarn: pointer of another heap: 0x");
}

}  // namespace
