// SPDX-License-Identifier: MIT
// Large blocks of the hardened mode: zero and exact, between guards, out of reach once freed, and their places had again by later blocks.
#include "backend/guarded/guarded.h"

#include <gtest/gtest.h>

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstring>
#include <random>
#include <set>
#include <vector>

#include "base/seal.h"
#include "os/guard.h"
#include "os/os.h"

namespace tarn::guarded {
namespace {

// The parameter: whether guards inside of mappings may be used.
class Guarded : public testing::TestWithParam<bool> {
  protected:
    void SetUp() override {
        make_seal_secret();
        os::allow_guards_inside(GetParam());
        if (GetParam() && !os::guards_inside_mappings()) GTEST_SKIP() << "the kernel is older than 6.13";
        trim();
        live_before_ = live_bytes();
    }
    void TearDown() override {
        EXPECT_EQ(live_bytes(), live_before_);
        trim();
        os::allow_guards_inside(true);
    }
    static Block make(size_t size, size_t alignment = 16) {
        const Block block = allocate(size, alignment);
        EXPECT_NE(block.at, nullptr) << size;
        EXPECT_EQ(reinterpret_cast<uintptr_t>(block.at) % alignment, 0u);
        return block;
    }
    static bool may_write(char* at) {
        const pid_t child = fork();
        if (child == 0) {
            signal(SIGSEGV, SIG_DFL);  // a sanitizer's handler would end it otherwise
            *const_cast<volatile char*>(at) = 1;
            _exit(0);
        }
        int status = 0;
        EXPECT_EQ(waitpid(child, &status, 0), child);
        return WIFEXITED(status);
    }
    static bool is_zero_all(const char* at, size_t size) {
        for (size_t i = 0; i < size; ++i)
            if (at[i]) return false;
        return true;
    }
    static char* bytes(const Block& block) { return static_cast<char*>(block.at); }
    size_t live_before_ = 0;
};

TEST_P(Guarded, ItEndsAtAGuardAndBeginsBehindOne) {
    const size_t size = 12 * os::page_size();
    const Block block = make(size);
    char* const at = bytes(block);
    EXPECT_TRUE(may_write(at) && may_write(at + size - 1));
    EXPECT_FALSE(may_write(at + size));
    EXPECT_FALSE(may_write(at - 1)) << "it begins with a page";
    free(at, block.record);
    EXPECT_FALSE(may_write(at));
    EXPECT_FALSE(may_write(at + size - 1));
    EXPECT_TRUE(is_waiting(at));
}

TEST_P(Guarded, ThePlaceIsHadAgainAfterOthersAndIsZeroHoweverMuchOfItWasWritten) {
    if (!GetParam()) GTEST_SKIP() << "what a mapping guards is not had again";
    const size_t size = 40 * os::page_size();
    for (const size_t written : {size_t{1}, size / 2, size}) {
        const Block first = make(size);
        memset(first.at, 7, written);
        free(first.at, first.record);
        size_t others = 0;
        for (; others < 200; ++others) {
            const Block block = make(size);
            ASSERT_TRUE(is_zero_all(bytes(block), size));
            memset(block.at, 9, written);
            free(block.at, block.record);
            if (block.at == first.at) break;
        }
        EXPECT_GE(others, 8u) << "of " << written << " written bytes";
        EXPECT_LT(others, 200u) << "of " << written << " written bytes";
    }
}

TEST_P(Guarded, ManyBlocksOfAllLengthsKeepTheirContents) {
    std::mt19937_64 random(3);
    struct One {
        Block block;
        size_t size;
        char key;
    };
    std::vector<One> live;
    for (size_t i = 0; i < 600; ++i) {
        if (live.size() < 12 || random() % 2) {
            const size_t size = 32769 + random() % 300000, alignment = size_t{16} << random() % 10;
            const Block block = make(size, alignment);
            ASSERT_TRUE(is_zero_all(bytes(block), size));
            const char key = static_cast<char>(1 + i % 100);
            for (size_t k = 0; k < size; k += random() % 3 ? 4096 : 1)
                bytes(block)[k] = key;
            bytes(block)[0] = bytes(block)[size - 1] = key;
            live.push_back({block, size, key});
        } else {
            std::swap(live[random() % live.size()], live.back());
            const One one = live.back();
            live.pop_back();
            ASSERT_EQ(bytes(one.block)[0], one.key);
            ASSERT_EQ(bytes(one.block)[one.size - 1], one.key);
            ASSERT_EQ(broken(one.block.at, one.block.record), Broken::kNone);
            free(one.block.at, one.block.record);
        }
    }
    for (const One& one : live)
        free(one.block.at, one.block.record);
}

TEST_P(Guarded, BrokenSealsAreToldFromEachOther) {
    const size_t size = 50001;
    const Block block = make(size);
    char* const at = bytes(block);
    EXPECT_EQ(broken(at, block.record), Broken::kNone);
    const char behind = at[size];
    at[size] = static_cast<char>(~behind);
    EXPECT_EQ(broken(at, block.record), Broken::kBehind);
    at[size] = behind;
    const char before = at[-1];
    at[-1] = static_cast<char>(~before);
    EXPECT_EQ(broken(at, block.record), Broken::kBefore);
    at[-1] = before;
    free(at, block.record);
}

// So that no text, terminating zero or row of ones passes for one.
TEST_P(Guarded, NoByteOfASealIsOddOrBelow128) {
    for (size_t i = 0; i < 50; ++i) {
        const size_t size = 50001 + 16 * i;
        const Block block = make(size);
        for (const char* byte : {bytes(block) - 8, bytes(block) + size})
            for (const char* const end = byte + 8; byte < end; ++byte)
                ASSERT_EQ(*byte & 0x81, 0x80) << byte - bytes(block);
        free(block.at, block.record);
    }
}

TEST_P(Guarded, ItGrowsAndShrinksWithItsContents) {
    Block block = make(100000);
    memset(block.at, 5, 100000);
    const Record less = resize_in_place(block.at, block.record, 60000);
    ASSERT_EQ(less.size, 60000u);
    const Record more = resize_in_place(block.at, less, 61000);
    ASSERT_EQ(more.size, 61000u);
    EXPECT_EQ(bytes(block)[59999], 5);
    EXPECT_TRUE(is_zero_all(bytes(block) + 60000, 1000));
    const uintptr_t end = reinterpret_cast<uintptr_t>(block.at) + 61000, page = os::page_size();
    EXPECT_FALSE(may_write(reinterpret_cast<char*>((end + page - 1) / page * page)));
    const Block moved = remap(block.at, more, 2000000);
    ASSERT_NE(moved.at, nullptr);
    EXPECT_EQ(bytes(moved)[0], 5);
    EXPECT_EQ(bytes(moved)[59999], 5);
    EXPECT_TRUE(is_zero_all(bytes(moved) + 61000, 2000000 - 61000));
    free(moved.at, moved.record);
}

TEST_P(Guarded, TheQuarantineIsBoundedAndTrimEmptiesIt) {
    std::set<void*> seen;
    for (size_t i = 0; i < 300; ++i) {
        const Block block = make(40000 + 4096 * (i % 90));
        memset(block.at, 1, 40000);
        seen.insert(block.at);
        free(block.at, block.record);
    }
    const size_t bytes = trim();
    EXPECT_GE(bytes, 8 * 40000u);
    EXPECT_LE(bytes, 128 * 500000u) << "128 of the longest, guards among them";
    for (void* at : seen)
        ASSERT_FALSE(is_waiting(at));
}

INSTANTIATE_TEST_SUITE_P(Both, Guarded, testing::Bool());

}  // namespace
}  // namespace tarn::guarded
