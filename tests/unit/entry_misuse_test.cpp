// SPDX-License-Identifier: MIT
// What is said of a wrong pointer, and what is right although it looks wrong.
#include "entry/misuse.h"

#include <thread>
#include <vector>

#include "cache/bins.h"
#include "entry_sample.h"
#include "pages/runs.h"
#include "process/thread.h"

namespace tarn {
namespace {

constexpr size_t kSize = 112;

// The thread's cache, and objects of a class of which `keep` stays, so that there always is a slab and a window.
class Misuse : public testing::Test {
  protected:
    void SetUp() override {
        cache = enter_thread();
        ASSERT_TRUE(cache);
        keep = static_cast<Object*>(allocate(kSize));
        object = static_cast<Object*>(allocate(kSize));
    }
    // Every free object lies in its slab, and empty slabs go.
    void settle() {
        flush(*cache);
        const HeapGuard guard(cache->heap);
        cache->heap.dissolve_empty();
    }
    uintptr_t mark(const Object* of) const { return cache->heap.mark(slab_of(of)->size_class, of); }

    ThreadCache* cache = nullptr;
    Object *keep = nullptr, *object = nullptr;
};
using MisuseDeathTest = Misuse;

TEST_F(Misuse, TheStartOfAnObjectIsRightWhetherItIsUsedOrFree) {
    Slab& slab = *slab_of(object);
    check_object(slab, object);
    release(object);
    check_object(slab, object);
    EXPECT_TRUE(slab.is_object(object));
}

TEST_F(MisuseDeathTest, TheMiddleOfAnObject) {
    const char* const at = reinterpret_cast<char*>(object);
    for (size_t offset : {size_t{1}, size_t{16}, kSize - 1})
        EXPECT_DEATH(check_object(*slab_of(object), at + offset),
                     "tarn: pointer into an object: 0x[0-9a-f]+, into one of 112 bytes\n");
}

TEST_F(MisuseDeathTest, AnObjectThatWasNeverCarved) {
    constexpr size_t kFewUsed = 7168;  // a slab of this class has several pages that nobody has touched
    void* const first = allocate(kFewUsed);
    Slab& slab = *slab_of(first);
    ASSERT_LT(slab.carved(), slab.info().objects);
    char* const next = slab.begin() + slab.carved() * slab.info().size;
    EXPECT_DEATH(check_object(slab, next), "tarn: pointer never handed out: 0x[0-9a-f]+\n");
    EXPECT_DEATH(check_object(slab, next + 16), "tarn: pointer never handed out: 0x[0-9a-f]+\n");
    EXPECT_DEATH(release(next), "tarn: pointer never handed out: 0x[0-9a-f]+\n");
    release(first);
}

TEST_F(MisuseDeathTest, FreedTwiceIntoASlabThatIsEmptyByNow) {
    constexpr size_t kOwnSize = 1536;
    char* const alone = static_cast<char*>(allocate(kOwnSize));
    release(alone);
    settle();
    ASSERT_EQ(entry_at(alone), 0);
    EXPECT_DEATH(release(alone), "tarn: double free: 0x[0-9a-f]+, in a slab that is empty by now\n");
    EXPECT_DEATH(die_never_handed_out(alone), "tarn: double free: 0x");
    EXPECT_DEATH(release(alone + 16), "tarn: pointer never handed out: 0x[0-9a-f]+\n")
        << "no object began there";
}

TEST_F(MisuseDeathTest, WhatWasEmptyIsForgottenWhenItsUnitsAreUsedAgain) {
    constexpr size_t kOwnSize = 1536;
    char* const alone = static_cast<char*>(allocate(kOwnSize));
    char* const last = slab_of(alone)->begin();
    const Units units = slab_of(alone)->info().units;
    release(alone);
    settle();
    const auto run = take_run(units, RunUse::kBlock);
    ASSERT_EQ(run.at, last) << "the lowest address comes first";
    EXPECT_DEATH(release(alone + 16), "tarn: pointer into an object: 0x[0-9a-f]+, into a large block\n");
    give_run(run.at, units);
}

TEST_F(Misuse, AProgramMayWriteTheMarkItself) {
    object->mark = mark(object);
    check_marked(cache, *slab_of(object), object);
    EXPECT_EQ(object->mark, 0u);
    object->mark = mark(object);
    release(object);  // as free does it
}

TEST_F(MisuseDeathTest, AMarkedObjectInABinOrASlabIsFree) {
    for (int i = 0; i < 20; ++i)
        release(allocate(kSize));  // the bin has room
    release(object);
    ASSERT_TRUE(in_bin(*cache, slab_of(object)->size_class, object));
    EXPECT_DEATH(check_marked(cache, *slab_of(object), object),
                 "tarn: double free: 0x[0-9a-f]+, an object of 112 bytes\n");
    settle();
    ASSERT_FALSE(in_bin(*cache, slab_of(object)->size_class, object));
    EXPECT_DEATH(check_marked(cache, *slab_of(object), object),
                 "tarn: double free: 0x[0-9a-f]+, an object of 112 bytes\n");
}

TEST_F(MisuseDeathTest, AMarkedObjectOfAnotherHeapIsFree) {
    object->mark = mark(object);
    EXPECT_DEATH(check_marked(nullptr, *slab_of(object), object), "tarn: double free: 0x");
    std::thread([&] {
        ThreadCache* const other = enter_thread();
        EXPECT_DEATH(check_marked(other, *slab_of(object), object), "tarn: double free: 0x");
    }).join();
}

TEST_F(MisuseDeathTest, AnObjectFreedLastIsKnownWithoutItsMark) {
    Slab& slab = *slab_of(object);
    check_not_just_freed(*cache, slab, object);
    release(object);
    settle();
    object->mark = 0;
    EXPECT_DEATH(check_not_just_freed(*cache, slab, object),
                 "tarn: double free: 0x[0-9a-f]+, an object of 112 bytes\n");
    check_not_just_freed(*cache, slab, keep);
}

TEST_F(Misuse, SizesThatMayHaveBeenAskedFor) {
    check_size(nullptr, 16, 5);
    for (size_t size : {size_t{97}, kSize, kSize / 2}) {
        check_size(object, 16, size);
    }
    void* const aligned = allocate_aligned(1024, 10);
    check_size(aligned, 1024, 10);
    void* const block = allocate(40000);
    check_size(block, 16, 33000);
    release(aligned);
    release(block);
    EXPECT_EQ(slab_of(object)->info().size, kSize);
}

TEST_F(MisuseDeathTest, SizesThatCannotHaveBeen) {
    EXPECT_DEATH(check_size(object, 16, kSize + 1),
                 "tarn: wrong size: 0x[0-9a-f]+, freed as larger than its 112 bytes\n");
    EXPECT_DEATH(check_size(object, 16, 20),
                 "tarn: wrong size: 0x[0-9a-f]+, freed as less than half of its 112 bytes\n");
    void* const block = allocate(size_t{1} << 20);
    EXPECT_DEATH(check_size(block, 16, 1000), "tarn: wrong size: .* less than half of its 1048576 bytes\n");
    check_size(block, 16, 1025);  // it may have been found ready
    release(block);
}

}  // namespace
}  // namespace tarn
