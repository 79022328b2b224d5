// SPDX-License-Identifier: MIT
// What is this pointer: each kind, how much of it may be used, and what is nobody's.
#include "entry/lookup.h"

#include <thread>
#include <vector>

#include "backend/blocks.h"
#include "entry/resize.h"
#include "entry_sample.h"
#include "os/os.h"

namespace tarn {
namespace {

void expect_nobodys(void* pointer) {
    const Found found = look_up(pointer);
    EXPECT_EQ(found.kind, Kind::kNobodys) << pointer;
    EXPECT_EQ(found.size, 0u);
    EXPECT_EQ(usable_size(pointer), 0u);
}

TEST(LookUp, AnObjectOfEveryClass) {
    for (SizeClass c = 0; c < kClasses; ++c) {
        void* const object = allocate(kSizeClasses[c].size);
        const Found found = look_up(object);
        EXPECT_EQ(found.kind, Kind::kObject);
        EXPECT_EQ(found.size, kSizeClasses[c].size);
        ASSERT_TRUE(is_object(object));
        EXPECT_EQ(slab_of(object)->size_class, c);
        release(object);
    }
}

TEST(LookUp, TheLastObjectOfASlabOfManyUnits) {
    constexpr SizeClass c = kClasses - 1;
    ASSERT_GT(kSizeClasses[c].units, Units{1});
    std::vector<void*> objects;
    for (uint32_t i = 0; i < 2 * kSizeClasses[c].objects; ++i)
        objects.push_back(allocate(kSizeClasses[c].size));
    for (void* object : objects) {
        EXPECT_EQ(look_up(object).kind, Kind::kObject);
        EXPECT_LT(slab_of(object)->index_of(object), kSizeClasses[c].objects);
    }
    for (void* object : objects)
        release(object);
}

TEST(LookUp, AnObjectOfAThreadThatHasEndedIsOne) {
    void* object = nullptr;
    std::thread([&] {
        sample::settle_thread();
        object = allocate(200);
    }).join();
    ASSERT_EQ(entry_at(object), kOrphanEntry);
    EXPECT_EQ(look_up(object).kind, Kind::kObject);
    EXPECT_EQ(look_up(object).size, 208u);
    release(object);
}

TEST(LookUp, AThreadsFirstObjectIsInAMixedSlab) {
    void* object = nullptr;
    std::thread([&] {
        for (BinTop& top : enter_thread()->tops)
            top.few = 1;
        object = allocate(200);
    }).join();
    ASSERT_EQ(entry_at(object), kMixedEntry);
    EXPECT_EQ(look_up(object).kind, Kind::kObject);
    EXPECT_EQ(look_up(object).size, 208u);
    EXPECT_EQ(reallocate(object, 201), object);
    release(object);
}

TEST(LookUp, ABlockByItsStartAlone) {
    for (size_t size : {size_t{32769}, size_t{100000}, size_t{5} << 20}) {
        char* const block = static_cast<char*>(allocate(size));
        const Found found = look_up(block);
        EXPECT_EQ(found.kind, Kind::kBlock);
        EXPECT_EQ(found.size, block_size(block));
        EXPECT_GE(found.size, size);
        EXPECT_FALSE(is_object(block));
        expect_nobodys(block + 4096);
        release(block);
        expect_nobodys(block);
    }
}

TEST(LookUp, LibcsOwn) {
    for (size_t size : {1, 24, 25, 100, 5000, 60000}) {
        void* const chunk = __libc_malloc(size);
        EXPECT_EQ(look_up(chunk).kind, Kind::kForeign);
        EXPECT_EQ(look_up(chunk).size, sample::libc_usable(size));
        EXPECT_EQ(usable_size(chunk), sample::libc_usable(size));
        EXPECT_FALSE(is_object(chunk));
        __libc_free(chunk);
    }
}

TEST(LookUp, NobodysIsWhatNoAllocatorMade) {
    char* const mapped = static_cast<char*>(os::map(os::page_size()));
    ASSERT_TRUE(mapped);
    for (void* pointer :
         {static_cast<void*>(mapped + 64), static_cast<void*>(mapped + 5), reinterpret_cast<void*>(0x10),
          reinterpret_cast<void*>(UINTPTR_MAX & ~uintptr_t{15}), reinterpret_cast<void*>(uintptr_t{1} << 47)})
        expect_nobodys(pointer);
    os::unmap(mapped, os::page_size());
    expect_nobodys(mapped + 64);
}

TEST(LookUp, NobodysIsAUnitThatNobodyHas) {
    void* const object = allocate(48);  // there is a window
    const UnitRange units = window_units(0);
    expect_nobodys(unit_address(units.end - 1));
    expect_nobodys(unit_address(units.first - 1));  // of the header
    release(object);
}

TEST(LookUp, NullMayBeAskedForItsSize) {
    EXPECT_EQ(usable_size(nullptr), 0u);
}

TEST(LookUpDeathTest, TheMiddleOfAnObjectIsNoAnswer) {
    char* const object = static_cast<char*>(allocate(500));
    EXPECT_DEATH(look_up(object + 16), "tarn: pointer into an object: 0x[0-9a-f]+, into one of 512 bytes");
    EXPECT_DEATH(usable_size(object + 511),
                 "tarn: pointer into an object: 0x[0-9a-f]+, into one of 512 bytes");
    release(object);
}

}  // namespace
}  // namespace tarn
