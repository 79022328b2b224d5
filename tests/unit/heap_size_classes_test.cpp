// SPDX-License-Identifier: MIT
// The table of size classes, looked at from outside: the static_asserts beside it prove the rest.
#include "heap/size_classes.h"

#include <gtest/gtest.h>

namespace tarn {
namespace {

TEST(SizeClasses, EverySizeGetsTheSmallestClassThatFits) {
    for (size_t size = 0; size <= kSmallMax; ++size) {
        const SizeClass c = class_of_size(size);
        ASSERT_LT(c, kClasses);
        ASSERT_GE(kSizeClasses[c].size, size);
        if (c > 0) {
            ASSERT_LT(kSizeClasses[c - 1].size, size);
        }
    }
}

TEST(SizeClasses, NoObjectIsMoreThanAQuarterLargerThanAsked) {
    for (size_t size = 257; size <= kSmallMax; ++size)
        ASSERT_LE(kSizeClasses[class_of_size(size)].size, size + size / 4 + 16) << size;
    for (size_t size = 1; size <= 256; ++size)
        ASSERT_EQ(kSizeClasses[class_of_size(size)].size, (size + 15) / 16 * 16);
}

TEST(SizeClasses, SlabsHoldEnoughAndWasteLittle) {
    for (const SizeClassInfo& info : kSizeClasses) {
        const size_t bytes = info.units.bytes();
        EXPECT_GE(info.objects, 8u);
        EXPECT_LE(size_t{info.objects} * info.size, bytes);
        EXPECT_LE((bytes - size_t{info.objects} * info.size) * 100, bytes * 3);
        EXPECT_GE(info.bin_limit, 4u);
        EXPECT_LE(info.bin_limit, 128u);
    }
}

TEST(SizeClasses, EveryByteBelongsToItsObject) {
    for (const SizeClassInfo& info : kSizeClasses)
        for (size_t offset = 0; offset < info.units.bytes(); ++offset)
            ASSERT_EQ(index_in_slab(info, offset), offset / info.size) << info.size << ' ' << offset;
}

TEST(SizeClasses, TheDivisorTellsWhereObjectsBegin) {
    for (const SizeClassInfo& info : kSizeClasses)
        for (uint64_t offset = 0; offset < info.units.bytes(); ++offset)
            ASSERT_EQ(offset * divisor(info) < divisor(info), offset % info.size == 0)
                << info.size << ' ' << offset;
}

TEST(SizeClasses, PowersOfTwoHaveAClassOfTheirOwn) {
    for (size_t size = 16; size <= kSmallMax; size *= 2)
        EXPECT_EQ(kSizeClasses[class_of_size(size)].size, size);
}

}  // namespace
}  // namespace tarn
