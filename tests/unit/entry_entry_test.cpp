// SPDX-License-Identifier: MIT
// The cold ends one by one: what realloc keeps in place, alignments, zeroed memory, sizes, and messages on
// misuse.
#include "entry/resize.h"

#include <gtest/gtest.h>

#include <cerrno>
#include <cstdint>
#include <cstring>
#include <vector>

#include "entry/entry.h"
#include "entry/lookup.h"
#include "entry/misuse.h"
#include "os/os.h"
#include "process/start.h"

namespace tarn {
namespace {

struct Start {
    Start() {
        strcpy(options.backend, "map");
        options.region = size_t{512} << 20;
        tarn::start();
    }
} start_now;

TEST(SlowPath, ZeroedMemoryIsZeroFreshOrUsed) {
    for (size_t size : {1, 16, 17, 100, 4096, 32768, 32769, 300000}) {
        for (int round = 0; round < 20; ++round) {
            auto* at = static_cast<unsigned char*>(allocate_zeroed(1, size));
            ASSERT_TRUE(at);
            for (size_t i = 0; i < size; ++i)
                ASSERT_EQ(at[i], 0) << size << ' ' << i;
            memset(at, 0xff, usable_size(at));
            release(at);
        }
    }
}

TEST(SlowPath, AnOverflowingProductIsNoMemory) {
    errno = 0;
    EXPECT_FALSE(allocate_zeroed(SIZE_MAX / 2, 3));
    EXPECT_EQ(errno, ENOMEM);
}

TEST(SlowPath, SizesThatNoMachineHasAreNoMemory) {
    for (size_t size : {SIZE_MAX, SIZE_MAX - 4096, size_t{PTRDIFF_MAX}, size_t{1} << 62}) {
        errno = 0;
        EXPECT_FALSE(allocate(size));
        EXPECT_EQ(errno, ENOMEM);
        errno = 0;
        EXPECT_FALSE(allocate_aligned(65536, size));
        EXPECT_EQ(errno, ENOMEM);
        void* small = allocate(10);
        EXPECT_FALSE(reallocate(small, size));
        release(small);
    }
}

TEST(SlowPath, EveryAlignmentHolds) {
    for (size_t alignment = 1; alignment <= size_t{4} << 20; alignment *= 2) {
        std::vector<void*> blocks;
        for (size_t size : {1, 24, 100, 1000, 5000, 20000, 40000}) {
            for (int i = 0; i < 3; ++i) {
                void* at = allocate_aligned(alignment, size);
                ASSERT_TRUE(at);
                ASSERT_EQ(reinterpret_cast<uintptr_t>(at) % alignment, 0u) << alignment << ' ' << size;
                ASSERT_GE(usable_size(at), size);
                check_size(at, alignment, size);
                memset(at, 1, usable_size(at));
                blocks.push_back(at);
            }
        }
        for (void* at : blocks)
            release(at);
    }
}

TEST(SlowPath, ReallocStaysWhileHalfOfTheObjectIsUsed) {
    void* at = allocate(1000);
    const size_t usable = usable_size(at);
    EXPECT_EQ(reallocate(at, usable), at);
    EXPECT_EQ(reallocate(at, usable / 2), at);
    void* moved = reallocate(at, usable / 2 - 1);
    EXPECT_NE(moved, at);
    EXPECT_LT(usable_size(moved), usable);
    release(moved);
}

TEST(SlowPath, ReallocKeepsTheContentsAcrossAllKinds) {
    const size_t sizes[] = {1, 100, 5000, 32768, 32769, 140000, 3 << 20};
    for (size_t from : sizes) {
        for (size_t to : sizes) {
            auto* at = static_cast<unsigned char*>(reallocate(nullptr, from));
            for (size_t i = 0; i < from; ++i)
                at[i] = static_cast<unsigned char>(i * 7);
            at = static_cast<unsigned char*>(reallocate(at, to));
            ASSERT_TRUE(at);
            ASSERT_GE(usable_size(at), to);
            for (size_t i = 0; i < from && i < to; ++i)
                ASSERT_EQ(at[i], static_cast<unsigned char>(i * 7)) << from << ' ' << to;
            EXPECT_FALSE(reallocate(at, 0));
        }
    }
}

TEST(SlowPath, AlignedReallocKeepsAlignmentAndWhatIsUsed) {
    const size_t sizes[] = {1, 100, 5000, 32768, 32769, 140000, 3 << 20};
    for (size_t alignment = 16; alignment <= 8192; alignment *= 8)
        for (size_t from : sizes)
            for (size_t to : sizes) {
                auto* at = static_cast<unsigned char*>(allocate_aligned(alignment, from));
                for (size_t i = 0; i < from; ++i)
                    at[i] = static_cast<unsigned char>(i * 7);
                const size_t size = aligned_size(alignment, to);
                at = static_cast<unsigned char*>(reallocate_aligned(at, alignment, from / 2, size));
                ASSERT_TRUE(at);
                ASSERT_GE(usable_size(at), to);
                ASSERT_EQ(reinterpret_cast<uintptr_t>(at) % alignment, 0u);
                for (size_t i = 0; i < from / 2 && i < to; ++i)
                    ASSERT_EQ(at[i], static_cast<unsigned char>(i * 7)) << from << ' ' << to;
                release(at);
            }
}

TEST(SlowPath, ReleaseKeepsErrno) {
    std::vector<void*> blocks;
    for (size_t size : {16, 40000, 5 << 20})
        for (int i = 0; i < 300 && (size < 100000 || i < 3); ++i)
            blocks.push_back(allocate(size));
    errno = 77;
    for (void* at : blocks)
        release(at);
    release(nullptr);
    EXPECT_EQ(errno, 77);
}

TEST(SlowPath, NullHasNoSize) {
    EXPECT_EQ(usable_size(nullptr), 0u);
}

// Each runs in a process of its own.
class MisuseDeathTest : public testing::Test {
  protected:
    char* small = static_cast<char*>(allocate(100));
    char* large = static_cast<char*>(allocate(100000));
};

TEST_F(MisuseDeathTest, DoubleFree) {
    EXPECT_DEATH((release(small), release(small)), "tarn: double free: .* an object of 112 bytes");
    EXPECT_DEATH((release(large), release(large)), "tarn: double free: .* a large block");
}
TEST_F(MisuseDeathTest, IntoAnObject) {
    EXPECT_DEATH(release_cold(small + 16), "tarn: pointer into an object");
    EXPECT_DEATH(usable_size(small + 8), "tarn: pointer into an object");
    EXPECT_DEATH(reallocate(small + 8, 10), "tarn: pointer into an object");
    EXPECT_DEATH(release(large + 4096), "tarn: pointer into an object: .* into a large block");
}
TEST_F(MisuseDeathTest, NeverHandedOut) {
    EXPECT_DEATH(release_cold(reinterpret_cast<void*>(0x10)), "tarn: pointer never handed out");
    char* const mapped = static_cast<char*>(os::map(os::page_size()));  // readable, and nobody's object
    EXPECT_DEATH(release_cold(mapped + 64), "tarn: pointer never handed out");
    EXPECT_DEATH(release_cold(unit_address(window_units(0).end - 1)), "tarn: pointer never handed out");
}
TEST_F(MisuseDeathTest, WrongSize) {
    EXPECT_DEATH(check_size(small, 16, 113), "tarn: wrong size");
    EXPECT_DEATH(check_size(small, 16, 10), "tarn: wrong size");
}

}  // namespace
}  // namespace tarn
