// SPDX-License-Identifier: MIT
// Huge pages for what grows: from when on, how much ahead, what goes back, and what happens where there are none.
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <fstream>
#include <iterator>
#include <vector>

#include "base/options.h"
#include "os/os.h"
#include "pages/page_map.h"
#include "pages/runs.h"

namespace tarn {
namespace {

constexpr size_t kMiB = size_t{1} << 20;
constexpr Units kLength = Units{8};
constexpr size_t kEnough = 32 * kMiB;

struct Start {
    Start() { start_page_map(); }
} start;

size_t resident(const void* at, size_t bytes) {
    size_t found = 0;
    return os::resident(at, bytes, found) == os::Answer::kDone ? found : 0;
}

// Whether this machine has any, for who asks as tarn does.
bool has_huge_pages() {
    if (!os::kernel_is(5, 8) || os::page_size() != os::kPageSize || os::is_sandboxed()) return false;
    auto* const at = static_cast<char*>(os::map(2 * os::kHugePage));
    const size_t lead = (os::kHugePage - reinterpret_cast<uintptr_t>(at) % os::kHugePage) % os::kHugePage;
    const bool has = os::back_with_huge_page(at + lead);
    os::unmap(at, 2 * os::kHugePage);
    return has;
}

class Huge : public testing::Test {
  protected:
    void SetUp() override {
        options.huge_pages = HugePageUse::kDenseBlocks;
        os::fail_none();
        trim_runs();
        ASSERT_EQ(run_stats().in_use, 0u);
    }
    void TearDown() override {
        os::fail_none();
        options.huge_pages = HugePageUse::kDenseBlocks;
        for (void* at : runs)
            give_run(at, kLength);
        trim_runs();
        EXPECT_EQ(run_stats().in_use, 0u);
        check_runs();
    }
    tarn::Run take() {
        const tarn::Run run = take_run(kLength, RunUse::kBlock);
        if (run.at) runs.push_back(run.at);
        return run;
    }
    // Until so many bytes are in use; of the runs taken: those that had memory.
    size_t grow_to(size_t bytes) {
        size_t backed = 0;
        while (run_stats().in_use < bytes) {
            const tarn::Run run = take();
            if (!run.at) break;
            backed += run.backed;
        }
        return backed;
    }
    std::vector<void*> runs;
};

TEST_F(Huge, WhatGrowsBeyondSixteenOfThemGetsThem) {
    if (!has_huge_pages()) GTEST_SKIP() << "this machine has none";
    EXPECT_EQ(grow_to(kEnough), 0u);
    EXPECT_EQ(run_stats().dirty, 0u);
    size_t backed = 0, count = 0;
    for (; run_stats().in_use < 3 * kEnough; ++count) {
        const tarn::Run run = take();
        ASSERT_NE(run.at, nullptr);
        EXPECT_LE(run_stats().dirty, os::kHugePage) << "one ahead";
        EXPECT_EQ(run.zeroed, !run.backed);
        const size_t has = resident(run.at, kLength.bytes());
        EXPECT_EQ(has, run.backed ? kLength.bytes() : 0);
        const char* const at = static_cast<const char*>(run.at);
        EXPECT_TRUE(std::all_of(at, at + kLength.bytes(), [](char c) { return c == 0; }))
            << "as the kernel gives it";
        backed += run.backed;
    }
    EXPECT_GE(backed, count - count / 8);
    check_runs();
}

TEST_F(Huge, WhatIsFreeAgainGoesBackInPieces) {
    if (!has_huge_pages()) GTEST_SKIP() << "this machine has none";
    grow_to(2 * kEnough);
    const auto has_memory = [](const void* at) { return resident(at, kLength.bytes()) > 0; };
    const auto first = std::find_if(runs.begin(), runs.end(), has_memory);
    ASSERT_GT(runs.end() - first, 2);
    void *const gone = *first, *const neighbour = first[1];
    ASSERT_EQ(static_cast<char*>(neighbour) - static_cast<char*>(gone), kLength.bytes());
    runs.erase(first);
    give_run(gone, kLength);
    EXPECT_GT(trim_runs().memory, 0u);
    EXPECT_EQ(run_stats().dirty, 0u);
    EXPECT_FALSE(has_memory(gone));
    EXPECT_EQ(resident(neighbour, kLength.bytes()), kLength.bytes());
}

TEST_F(Huge, WhereThereAreNoneItIsAskedAgainWhenTwiceAsMuchIsInUse) {
    grow_to(kEnough - 2 * kMiB);
    os::fail_after(os::Call::kMap, 0);
    const long before = os::calls(os::Call::kMap);
    EXPECT_EQ(grow_to(2 * kEnough - 4 * kMiB), 0u);
    EXPECT_EQ(os::calls(os::Call::kMap) - before, os::is_sandboxed() ? 0 : 1);
    EXPECT_EQ(run_stats().dirty, 0u);
    os::fail_none();
    if (has_huge_pages()) {
        EXPECT_GT(grow_to(3 * kEnough), 0u);
    }
}

TEST_F(Huge, NotWhereTheUserWantsNone) {
    options.huge_pages = HugePageUse::kNever;
    EXPECT_EQ(grow_to(2 * kEnough), 0u);
}

size_t count_mappings() {
    std::ifstream maps("/proc/self/maps");
    return static_cast<size_t>(
        std::count(std::istreambuf_iterator<char>(maps), std::istreambuf_iterator<char>(), '\n'));
}

TEST_F(Huge, InTheChildOfAForkTheyCostNoMappings) {
    if (!has_huge_pages()) GTEST_SKIP() << "this machine has none";
    grow_to(kEnough + kMiB);
    const pid_t child = fork();
    if (child == 0) {
        runs_after_fork_child(Others::kNone, Transit::kNobodys);
        const size_t mappings = count_mappings();
        if (grow_to(4 * kEnough) == 0) _exit(2);
        _exit(count_mappings() > mappings + 2);  // windows are begun
    }
    int status = -1;
    ASSERT_EQ(waitpid(child, &status, 0), child);
    EXPECT_EQ(status, 0);
}

}  // namespace
}  // namespace tarn
