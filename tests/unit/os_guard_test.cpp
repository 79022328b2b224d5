// SPDX-License-Identifier: MIT
// Guard pages, both kinds, against the real kernel.
#include <gtest/gtest.h>

#include <signal.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <cstring>

#include "os/guard.h"
#include "os/os.h"

namespace os = tarn::os;

namespace {

// The parameter: whether guards inside of mappings may be used.
class OsGuard : public testing::TestWithParam<bool> {
  protected:
    void SetUp() override {
        os::allow_guards_inside(GetParam());
        if (GetParam() && !os::guards_inside_mappings()) GTEST_SKIP() << "the kernel is older than 6.13";
        at_ = static_cast<char*>(os::map(kPages * page_));
        ASSERT_NE(at_, nullptr);
        memset(at_, 7, kPages * page_);
    }
    void TearDown() override {
        if (at_) os::unmap(at_, kPages * page_);
        os::allow_guards_inside(true);
        os::allow_guards_by_mapping(0);
    }
    char* page(size_t number) const { return at_ + number * page_; }

    static constexpr size_t kPages = 16;
    const size_t page_ = os::page_size();
    char* at_ = nullptr;
};

size_t mappings() {
    FILE* const file = fopen("/proc/self/maps", "r");
    size_t lines = 0;
    for (int c; (c = getc(file)) != EOF;)
        lines += c == '\n';
    fclose(file);
    return lines;
}

// The signal that a process which touches it gets; 0: none.
int killed_by(void (*touch)(volatile char*), char* at) {
    const pid_t child = fork();
    if (child == 0) {
        signal(SIGSEGV, SIG_DFL);  // a sanitizer's handler would end it otherwise
        touch(at);
        _exit(0);
    }
    int status = 0;
    EXPECT_EQ(waitpid(child, &status, 0), child);
    return WIFSIGNALED(status) ? WTERMSIG(status) : 0;
}
void read_it(volatile char* at) {
    (void)*at;
}
void write_it(volatile char* at) {
    *at = 1;
}

}  // namespace

TEST_P(OsGuard, AGuardedPageMayNotBeTouchedInAChildEither) {
    ASSERT_TRUE(os::guard(page(3), 2 * page_));
    EXPECT_FALSE(os::may_read(page(3)));
    EXPECT_FALSE(os::may_read(page(4)));
    EXPECT_EQ(killed_by(read_it, page(3)), SIGSEGV);
    EXPECT_EQ(killed_by(write_it, page(5) - 1), SIGSEGV);
    EXPECT_EQ(killed_by(write_it, page(3) - 1), 0);
    EXPECT_EQ(killed_by(write_it, page(5)), 0);
    EXPECT_EQ(page(3)[-1], 7) << "what lies around it is as it was";
    EXPECT_EQ(*page(5), 7);
    EXPECT_TRUE(os::unguard(page(3), 2 * page_));
}

TEST_P(OsGuard, UnguardedItIsZeroAndMayBeWritten) {
    ASSERT_TRUE(os::guard(page(1), page_));
    ASSERT_TRUE(os::unguard(page(1), page_));
    for (size_t i = 0; i < page_; ++i)
        ASSERT_EQ(page(1)[i], 0) << i;
    *page(1) = 1;
    EXPECT_EQ(*page(1), 1);
    ASSERT_TRUE(os::guard(page(1), page_)) << "again and again";
    EXPECT_FALSE(os::may_read(page(1)));
    EXPECT_TRUE(os::unguard(page(1), page_));
}

TEST_P(OsGuard, GuardsInsideCostNoMappingsAndTheOthersAreCounted) {
    const size_t before = mappings(), counted = os::guards_by_mapping();
    for (size_t i = 1; i < kPages; i += 2)
        ASSERT_TRUE(os::guard(page(i), page_));
    EXPECT_EQ(os::guards_by_mapping() - counted, GetParam() ? 0 : kPages / 2);
    const size_t more = mappings() - before;
    EXPECT_TRUE(GetParam() ? more == 0 : more >= kPages - 2) << more;
    for (size_t i = 1; i < kPages; i += 2)
        ASSERT_TRUE(os::unguard(page(i), page_));
    EXPECT_EQ(os::guards_by_mapping(), counted);
    EXPECT_LE(mappings(), before + 1);
}

TEST_P(OsGuard, BeyondTheBoundItIsRefusedAndNothingChanges) {
    os::allow_guards_by_mapping(1);
    ASSERT_TRUE(os::guard(page(1), page_));
    EXPECT_EQ(os::guard(page(3), page_), GetParam());
    EXPECT_EQ(os::may_read(page(3)), !GetParam());
    EXPECT_EQ(os::guards_by_mapping(), GetParam() ? 0u : 1u);
    EXPECT_TRUE(GetParam() || *page(3) == 7);
    EXPECT_TRUE(os::unguard(page(1), page_));
    EXPECT_TRUE(os::guard(page(3), page_));
    EXPECT_TRUE(os::unguard(page(3), page_));
}

TEST_P(OsGuard, LockedMemoryCanBeGuardedAsWell) {
    // Not by name: a sanitizer would lock nothing.
    if (syscall(SYS_mlock, page(2), 2 * page_) != 0) GTEST_SKIP() << "no memory may be locked here";
    ASSERT_TRUE(os::guard(page(2), page_));
    ASSERT_TRUE(os::guard(page(8), page_));
    EXPECT_EQ(os::guards_by_mapping(), GetParam() ? 1u : 2u);
    EXPECT_FALSE(os::may_read(page(2)));
    EXPECT_TRUE(os::unguard(page(8), page_));
    EXPECT_TRUE(os::unguard(page(2), page_));
    EXPECT_TRUE(os::may_read(page(2)));
    EXPECT_TRUE(os::may_read(page(8)));
    EXPECT_EQ(os::guards_by_mapping(), 0u);
}

TEST_P(OsGuard, WhatIsNotMappedCannotBeGuarded) {
    char* const gone = static_cast<char*>(os::map(page_));
    ASSERT_EQ(os::unmap(gone, page_), os::Answer::kDone);
    EXPECT_FALSE(os::guard(gone, page_));
    EXPECT_FALSE(os::unguard(gone, page_));
    EXPECT_EQ(os::guards_by_mapping(), 0u);
}

INSTANTIATE_TEST_SUITE_P(BothKinds, OsGuard, testing::Bool(),
                         [](const auto& kind) { return kind.param ? "InsideMappings" : "ByMappings"; });
