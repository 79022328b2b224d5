// SPDX-License-Identifier: MIT
// Mappings that grow and move, huge pages, residency: against the real kernel.
#include <gtest/gtest.h>

#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <cstring>

#include "os/os.h"

namespace os = tarn::os;
using os::Call;

namespace {

constexpr size_t kMiB = size_t{1} << 20;

class OsMappings : public testing::Test {
  protected:
    void TearDown() override { os::fail_none(); }
};

bool all(const char* at, size_t bytes, char value) {
    for (size_t i = 0; i < bytes; ++i)
        if (at[i] != value) return false;
    return true;
}

size_t resident(const char* at, size_t bytes) {
    size_t found = 1;
    os::resident(at, bytes, found);
    return found;
}

}  // namespace

TEST_F(OsMappings, MappedAnewItIsZeroAndStillOneMapping) {
    char* at = static_cast<char*>(os::map(4 * kMiB));
    ASSERT_NE(at, nullptr);
    memset(at, 3, 4 * kMiB);
    ASSERT_EQ(os::map_anew(at + kMiB, kMiB), os::Answer::kDone);
    EXPECT_TRUE(all(at, kMiB, 3));
    EXPECT_TRUE(all(at + 2 * kMiB, 2 * kMiB, 3));
    EXPECT_LE(resident(at, 4 * kMiB), 3 * kMiB);
    EXPECT_TRUE(all(at + kMiB, kMiB, 0));
    char* larger = static_cast<char*>(os::remap(at, 4 * kMiB, 8 * kMiB));
    ASSERT_NE(larger, nullptr) << "mremap takes no two mappings at once";
    EXPECT_EQ(os::unmap(larger, 8 * kMiB), os::Answer::kDone);
}

TEST_F(OsMappings, RefusalsAreTold) {
    char* at = static_cast<char*>(os::map(kMiB));
    ASSERT_NE(at, nullptr);
    os::fail_after(Call::kUnmap, 0);
    os::fail_after(Call::kMap, 0);
    EXPECT_EQ(os::unmap(at, kMiB), os::Answer::kNotNow);
    EXPECT_EQ(os::map_anew(at, kMiB), os::Answer::kNotNow);
    os::fail_none();
    EXPECT_EQ(os::unmap(at + 1, kMiB), os::Answer::kNever) << "no page begins there";
    EXPECT_EQ(os::unmap(at, kMiB), os::Answer::kDone);
}

TEST_F(OsMappings, TheKernelSaysHowManyMappingsThereMayBe) {
    FILE* file = fopen("/proc/sys/vm/max_map_count", "r");
    size_t most = 0;
    ASSERT_TRUE(file && fscanf(file, "%zu", &most) == 1);
    fclose(file);
    EXPECT_EQ(os::mappings_most(), most);
}

// In a child: the answer is kept.
int answer_in_child(bool (*question)()) {
    const pid_t child = fork();
    if (child == 0) _exit(question());
    int status = -1;
    if (child < 0 || waitpid(child, &status, 0) != child || !WIFEXITED(status)) return -1;
    return WEXITSTATUS(status);
}

void put_filter_on() {
    sock_filter allow[] = {{BPF_RET | BPF_K, 0, 0, SECCOMP_RET_ALLOW}};
    sock_fprog program = {1, allow};
    prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
    if (prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program)) _exit(2);
}

TEST_F(OsMappings, TheKernelSaysWhetherAFilterWasPutOn) {
    const int before = answer_in_child([] { return os::is_sandboxed(); });
    EXPECT_EQ(answer_in_child([] {
                  put_filter_on();
                  return os::is_sandboxed();
              }),
              1);
    EXPECT_EQ(answer_in_child([] {
                  const bool first = os::is_sandboxed();
                  put_filter_on();
                  return os::is_sandboxed() != first;
              }),
              0)
        << "asked once";
    EXPECT_TRUE(before == 0 || before == 1);
}

TEST_F(OsMappings, RemapKeepsTheContents) {
    char* at = static_cast<char*>(os::map(kMiB));
    ASSERT_NE(at, nullptr);
    memset(at, 3, kMiB);
    char* larger = static_cast<char*>(os::remap(at, kMiB, 64 * kMiB));
    ASSERT_NE(larger, nullptr);
    EXPECT_TRUE(all(larger, kMiB, 3));
    EXPECT_TRUE(all(larger + kMiB, 63 * kMiB, 0));
    char* smaller = static_cast<char*>(os::remap(larger, 64 * kMiB, 4096));
    ASSERT_NE(smaller, nullptr);
    EXPECT_TRUE(all(smaller, 4096, 3));
    os::unmap(smaller, 4096);
}

TEST_F(OsMappings, ResizeInPlaceNeverMoves) {
    char* at = static_cast<char*>(os::map(4 * kMiB));
    ASSERT_NE(at, nullptr);
    at[0] = 5;
    ASSERT_TRUE(os::resize_in_place(at, 4 * kMiB, kMiB)) << "shrinking always works";
    EXPECT_FALSE(os::readable(at + kMiB, 1));
    EXPECT_TRUE(os::resize_in_place(at, kMiB, 2 * kMiB)) << "there is room behind it now";
    ASSERT_TRUE(os::reserve_zeros_at(at + 2 * kMiB, kMiB));
    EXPECT_FALSE(os::resize_in_place(at, 2 * kMiB, 3 * kMiB)) << "something is behind it";
    EXPECT_EQ(at[0], 5);
    os::unmap(at, 3 * kMiB);
}

TEST_F(OsMappings, RemapToAReservedPlace) {
    char* at = static_cast<char*>(os::map(kMiB));
    char* area = static_cast<char*>(os::reserve(8 * kMiB));
    ASSERT_TRUE(at && area);
    memset(at, 3, kMiB);
    ASSERT_TRUE(os::remap_to(at, kMiB, 4 * kMiB, area + 2 * kMiB));
    EXPECT_FALSE(os::readable(at, 1));
    EXPECT_TRUE(all(area + 2 * kMiB, kMiB, 3));
    EXPECT_TRUE(all(area + 3 * kMiB, 3 * kMiB, 0));
    EXPECT_FALSE(os::readable(area, 1)) << "what lies around it is still reserved";
    EXPECT_FALSE(os::readable(area + 6 * kMiB, 1));
    os::fail_after(Call::kRemap, 0);
    EXPECT_FALSE(os::remap_to(area + 2 * kMiB, 4 * kMiB, kMiB, area));
    os::fail_none();
    os::unmap(area, 8 * kMiB);
}

TEST_F(OsMappings, ResidentCountsWhatWasTouched) {
    char* at = static_cast<char*>(os::map(8 * kMiB));
    ASSERT_NE(at, nullptr);
    os::forbid_huge_pages(at, 8 * kMiB);
    EXPECT_EQ(resident(at, 8 * kMiB), 0u);
    memset(at + 3 * kMiB, 1, 2 * kMiB);
    EXPECT_EQ(resident(at, 8 * kMiB), 2 * kMiB);
    EXPECT_EQ(resident(at + 4 * kMiB, 4 * kMiB), kMiB);
    os::unmap(at, 8 * kMiB);
    EXPECT_EQ(resident(at, 8 * kMiB), 0u) << "the kernel does not say";
}

TEST_F(OsMappings, HugePageAdviceChangesNoContents) {
    char* at = static_cast<char*>(os::map(4 * kMiB));
    ASSERT_NE(at, nullptr);
    memset(at, 9, 4 * kMiB);
    os::forbid_huge_pages(at, 4 * kMiB);
    os::advise_huge_pages(at, 4 * kMiB);
    EXPECT_TRUE(all(at, 4 * kMiB, 9));
    os::unmap(at, 4 * kMiB);
}
