// SPDX-License-Identifier: MIT
// Where mremap puts a mapping that may have huge pages, and what is left where it was.
#include "backend/map/remap.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <cstring>

#include "backend/ranges/huge_pages.h"
#include "os/os.h"

namespace tarn {
namespace {

constexpr size_t kMiB = size_t{1} << 20;

// A mapping at an offset from huge pages, with room behind it or a wall.
class Mapping {
  public:
    enum class Behind { kRoom, kWall };
    Mapping(size_t size, Behind behind, size_t offset = 0) : size_(size) {
        area_ = static_cast<char*>(os::reserve(kArea));
        const size_t lead = kHugePage - reinterpret_cast<uintptr_t>(area_) % kHugePage;
        at = area_ + lead + offset;
        EXPECT_TRUE(os::commit(at, size));
        memset(at, 5, size);
        // What was reserved before goes, so that the mapping is one, and what lies behind stays or not.
        os::unmap(area_, static_cast<size_t>(at - area_));
        char* const end = at + size;
        char* const rest = behind == Behind::kWall ? end + os::page_size() : end;
        os::unmap(rest, static_cast<size_t>(area_ + kArea - rest));
    }
    // Of so many bytes at `to`, the first are what was written.
    bool moved_whole(const void* to, size_t bytes) const {
        const char* const first = static_cast<const char*>(to);
        const size_t same = bytes < size_ ? bytes : size_;
        return first[0] == 5 && memcmp(first, first + 1, same - 1) == 0 &&
               (bytes <= size_ || (first[size_] == 0 && first[bytes - 1] == 0));
    }
    char* at;

  private:
    static constexpr size_t kArea = 64 * kMiB;
    size_t size_;
    char* area_;
};

class Remap : public testing::Test {
  protected:
    void TearDown() override { os::fail_none(); }
};

TEST_F(Remap, InPlaceWhereThereIsRoom) {
    const Mapping mapping(4 * kMiB, Mapping::Behind::kRoom, os::page_size());
    ASSERT_EQ(remap_by_huge_pages(mapping.at, 4 * kMiB, 12 * kMiB), mapping.at);
    EXPECT_TRUE(mapping.moved_whole(mapping.at, 12 * kMiB));
    ASSERT_EQ(remap_by_huge_pages(mapping.at, 12 * kMiB, 3 * kMiB), mapping.at);
    EXPECT_FALSE(os::readable(mapping.at + 3 * kMiB, 1)) << "what is no longer needed is gone";
    os::unmap(mapping.at, 3 * kMiB);
}

TEST_F(Remap, WhatMovesKeepsItsOffsetFromHugePages) {
    for (size_t offset : {size_t{0}, os::page_size(), kMiB, kHugePage - os::page_size()}) {
        const Mapping mapping(4 * kMiB, Mapping::Behind::kWall, offset);
        void* const moved = remap_by_huge_pages(mapping.at, 4 * kMiB, 9 * kMiB);
        ASSERT_TRUE(moved);
        ASSERT_NE(moved, mapping.at);
        EXPECT_EQ(reinterpret_cast<uintptr_t>(moved) % kHugePage, offset);
        EXPECT_TRUE(mapping.moved_whole(moved, 9 * kMiB));
        EXPECT_FALSE(os::readable(mapping.at, 1)) << "the old place is empty";
        EXPECT_FALSE(os::readable(static_cast<char*>(moved) + 9 * kMiB, 1)) << "nothing is left behind it";
        os::unmap(moved, 9 * kMiB);
        os::unmap(mapping.at + 4 * kMiB, os::page_size());
    }
}

TEST_F(Remap, WhatHasNoHugePageMovesAnywhereAndReservesNothing) {
    const Mapping mapping(kMiB, Mapping::Behind::kWall);
    const long reserved = os::calls(os::Call::kReserve);
    void* const moved = remap_by_huge_pages(mapping.at, kMiB, 8 * kMiB);
    ASSERT_TRUE(moved);
    EXPECT_EQ(os::calls(os::Call::kReserve), reserved);
    EXPECT_TRUE(mapping.moved_whole(moved, 8 * kMiB));
    os::unmap(moved, 8 * kMiB);
}

TEST_F(Remap, WithoutAddressSpaceToAlignInItMovesAnywhere) {
    const Mapping mapping(4 * kMiB, Mapping::Behind::kWall);
    os::fail_after(os::Call::kReserve, 0);
    void* const moved = remap_by_huge_pages(mapping.at, 4 * kMiB, 8 * kMiB);
    ASSERT_TRUE(moved);
    EXPECT_TRUE(mapping.moved_whole(moved, 8 * kMiB));
    os::unmap(moved, 8 * kMiB);
}

// The last one: nothing is aligned in this process any more.
TEST_F(Remap, RefusedItLeavesAllAsItWasAndAlignsNoMore) {
    const Mapping mapping(4 * kMiB, Mapping::Behind::kWall);
    os::fail_after(os::Call::kRemap, 0);
    EXPECT_EQ(remap_by_huge_pages(mapping.at, 4 * kMiB, 8 * kMiB), nullptr);
    EXPECT_TRUE(mapping.moved_whole(mapping.at, 4 * kMiB));
    os::fail_none();
    const long reserved = os::calls(os::Call::kReserve);
    void* const moved = remap_by_huge_pages(mapping.at, 4 * kMiB, 8 * kMiB);
    ASSERT_TRUE(moved);
    EXPECT_EQ(os::calls(os::Call::kReserve), reserved) << "a second target might be another's by then";
    EXPECT_TRUE(mapping.moved_whole(moved, 8 * kMiB));
    os::unmap(moved, 8 * kMiB);
}

}  // namespace
}  // namespace tarn
