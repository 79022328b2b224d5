// SPDX-License-Identifier: MIT
// The kernel contract, against the real kernel and with injected failures.
#include "os/os.h"

#include <errno.h>
#include <fcntl.h>
#include <gtest/gtest.h>
#include <limits.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/sysinfo.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstring>
#include <string>
#include <thread>

#include "collect.h"

namespace os = tarn::os;
using os::Call;

namespace {

constexpr size_t kMiB = size_t{1} << 20;

class Os : public testing::Test {
  protected:
    void SetUp() override { os::fail_none(); }
    void TearDown() override { os::fail_none(); }
};

bool all(const char* at, size_t bytes, char value) {
    for (size_t i = 0; i < bytes; ++i)
        if (at[i] != value) return false;
    return true;
}

// Whether a child that does this ends by itself (and not by a signal).
template <class Action>
bool survives(Action action) {
    const pid_t child = fork();
    if (child == 0) {
        action();
        _exit(0);
    }
    int status = 0;
    waitpid(child, &status, 0);
    return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

}  // namespace

TEST_F(Os, PageSizeIsTheMachines) {
    EXPECT_EQ(os::page_size(), static_cast<size_t>(sysconf(_SC_PAGESIZE)));
}

TEST_F(Os, ReservedSpaceHasNoAccessUntilCommitted) {
    char* at = static_cast<char*>(os::reserve(8 * kMiB));
    ASSERT_NE(at, nullptr);
    EXPECT_EQ(reinterpret_cast<uintptr_t>(at) % os::page_size(), 0u);
    EXPECT_FALSE(os::readable(at, 1));
    EXPECT_FALSE(survives([at] { *at = 1; }));
    ASSERT_TRUE(os::commit(at + kMiB, kMiB));
    EXPECT_TRUE(os::readable(at + kMiB, 64));
    EXPECT_TRUE(all(at + kMiB, kMiB, 0));
    memset(at + kMiB, 1, kMiB);
    EXPECT_FALSE(os::readable(at + kMiB - 1, 1));
    EXPECT_FALSE(os::readable(at + 2 * kMiB, 1));
    os::unmap(at, 8 * kMiB);
    EXPECT_FALSE(os::readable(at + kMiB, 1));
}

TEST_F(Os, ReservationIsNotCharged) {
    const size_t before = os::memory().resident;
    void* at = os::reserve(size_t{64} << 30);
    if (!at) GTEST_SKIP() << "64 GiB of address space are refused here";
    EXPECT_LT(os::memory().resident, before + 4 * kMiB);
    os::unmap(at, size_t{64} << 30);
}

TEST_F(Os, ReserveRefusesWhatCannotBe) {
    EXPECT_EQ(os::reserve(SIZE_MAX & ~size_t{4095}), nullptr);
    EXPECT_EQ(os::reserve(size_t{1} << 60), nullptr);
}

TEST_F(Os, WhatIsPlacedTakesExactlyThatPlaceOrNothing) {
    char* at = static_cast<char*>(os::reserve(4 * kMiB));
    ASSERT_NE(at, nullptr);
    EXPECT_FALSE(os::reserve_zeros_at(at + kMiB, kMiB)) << "something is there";
    EXPECT_EQ(os::map_at(at + kMiB, kMiB), os::Placed::kOccupied);
    EXPECT_TRUE(os::unmap_exactly(at + kMiB, 2 * kMiB));
    EXPECT_TRUE(os::reserve_zeros_at(at + kMiB, kMiB));
    EXPECT_TRUE(all(at + kMiB, kMiB, 0));
    EXPECT_TRUE(os::commit(at + kMiB, kMiB));
    EXPECT_EQ(os::map_at(at + 2 * kMiB, kMiB), os::Placed::kYes);
    memset(at + kMiB, 1, 2 * kMiB);
    EXPECT_EQ(os::map_at(reinterpret_cast<void*>(size_t{1} << 60), kMiB), os::Placed::kRefused);
    os::unmap(at, 4 * kMiB);
}

TEST_F(Os, LockedPagesAreNoHindrance) {
    char* at = static_cast<char*>(os::map(kMiB));
    ASSERT_NE(at, nullptr);
    memset(at, 1, kMiB);
    if (mlock(at + 4096, 4096)) GTEST_SKIP() << "no page may be locked here";
    EXPECT_TRUE(os::purge(at, kMiB));
    EXPECT_TRUE(all(at, kMiB, 0));
    os::unmap(at, kMiB);
}

TEST_F(Os, PurgeGivesPagesBackAndTheyReadAsZero) {
    char* at = static_cast<char*>(os::map(16 * kMiB));
    ASSERT_NE(at, nullptr);
    memset(at, 7, 16 * kMiB);
    const size_t full = os::memory().resident;
    ASSERT_TRUE(os::purge(at, 15 * kMiB));
    EXPECT_LT(os::memory().resident + 14 * kMiB, full);
    EXPECT_TRUE(all(at, 15 * kMiB, 0));
    EXPECT_TRUE(all(at + 15 * kMiB, kMiB, 7));
    os::unmap(at, 16 * kMiB);
}

TEST_F(Os, PrefaultGivesFreshPagesTheirMemory) {
    if (!os::kernel_is(6, 12) || os::page_size() != os::kPageSize) GTEST_SKIP() << "not with this kernel";
    char* const at = static_cast<char*>(os::map(16 * os::kPageSize));
    ASSERT_TRUE(at);
    at[0] = at[15 * os::kPageSize] = 1;
    size_t found = 0;
    ASSERT_TRUE(os::prefault(at + 4 * os::kPageSize, 8 * os::kPageSize));
    EXPECT_EQ(os::resident(at, 16 * os::kPageSize, found), os::Answer::kDone);
    EXPECT_EQ(found, 10 * os::kPageSize);
    for (size_t i = 4 * os::kPageSize; i < 12 * os::kPageSize; ++i)
        ASSERT_EQ(at[i], 0);
    EXPECT_EQ(at[0] + at[15 * os::kPageSize], 2);
    os::fail_after(os::Call::kMap, 0);
    EXPECT_FALSE(os::prefault(at + 12 * os::kPageSize, os::kPageSize));
    os::fail_none();
    os::unmap(at, 16 * os::kPageSize);
}

TEST_F(Os, KernelsAreComparedByBothNumbers) {
    EXPECT_TRUE(os::kernel_is(2, 6));
    EXPECT_FALSE(os::kernel_is(1000, 0));
    struct utsname system;
    ASSERT_EQ(uname(&system), 0);
    unsigned major = 0, minor = 0;
    ASSERT_EQ(sscanf(system.release, "%u.%u", &major, &minor), 2);
    EXPECT_TRUE(os::kernel_is(major, minor));
    EXPECT_TRUE(os::kernel_is(major - 1, minor + 1));
    EXPECT_FALSE(os::kernel_is(major, minor + 1));
    EXPECT_FALSE(os::kernel_is(major + 1, 0));
}

TEST_F(Os, MapIsZeroedAndUnmapTakesItAway) {
    char* at = static_cast<char*>(os::map(kMiB));
    ASSERT_NE(at, nullptr);
    EXPECT_TRUE(all(at, kMiB, 0));
    memset(at, 1, kMiB);
    os::unmap(at, kMiB);
    EXPECT_FALSE(os::readable(at, 1));
    EXPECT_EQ(os::map(size_t{1} << 60), nullptr);
}

TEST_F(Os, LimitsAreThoseOfTheProcess) {
    EXPECT_TRUE(survives([] {
        const struct rlimit as = {size_t{3} << 30, RLIM_INFINITY};
        if (setrlimit(RLIMIT_AS, &as)) _exit(1);
        if (os::address_space_limit() != size_t{3} << 30) _exit(2);
    }));
}

TEST_F(Os, UnlimitedIsTheLargestSize) {
    struct rlimit limit;
    ASSERT_EQ(getrlimit(RLIMIT_AS, &limit), 0);
    EXPECT_EQ(os::address_space_limit(), static_cast<size_t>(limit.rlim_cur));
    static_assert(static_cast<size_t>(RLIM_INFINITY) == SIZE_MAX);
}

TEST_F(Os, MemoryFollowsWhatIsTouched) {
    const os::Memory before = os::memory();
    EXPECT_GT(before.resident, 0u);
    EXPECT_GE(before.peak_resident, before.resident);
    char* at = static_cast<char*>(os::map(32 * kMiB));
    ASSERT_NE(at, nullptr);
    memset(at, 1, 32 * kMiB);
    const os::Memory touched = os::memory();
    EXPECT_GT(touched.resident, before.resident + 30 * kMiB);
    os::unmap(at, 32 * kMiB);
    const os::Memory after = os::memory();
    EXPECT_LT(after.resident, touched.resident - 30 * kMiB);
    EXPECT_GT(after.peak_resident + kMiB, touched.resident);  // the kernel's counters lag by some pages
}

TEST_F(Os, ReadableNeverFaults) {
    const int local = 0;
    EXPECT_TRUE(os::readable(&local, sizeof local));
    EXPECT_TRUE(os::readable("text", 1));
    EXPECT_FALSE(os::readable(nullptr, 1));
    EXPECT_FALSE(os::readable(reinterpret_cast<void*>(8), 8));
    EXPECT_FALSE(os::readable(reinterpret_cast<void*>(~uintptr_t{0} << 12), 16));
}

TEST_F(Os, ReadableLooksAtTheWholeRange) {
    char* at = static_cast<char*>(os::reserve(2 * os::page_size()));
    ASSERT_NE(at, nullptr);
    ASSERT_TRUE(os::commit(at, os::page_size()));
    EXPECT_TRUE(os::readable(at + os::page_size() - 8, 8));
    EXPECT_FALSE(os::readable(at + os::page_size() - 8, 16));
    os::unmap(at, 2 * os::page_size());
}

TEST_F(Os, EnvironmentIsLibcs) {
    EXPECT_EQ(os::environment(), environ);
}

TEST_F(Os, ThisTestIsNotPrivileged) {
    EXPECT_FALSE(os::privileged());
}

TEST_F(Os, TimeDoesNotGoBack) {
    uint64_t last = os::nanoseconds();
    for (int i = 0; i < 1000; ++i) {
        const uint64_t now = os::nanoseconds();
        ASSERT_GE(now, last);
        last = now;
    }
    usleep(2000);
    EXPECT_GE(os::nanoseconds(), last + 2000000);
}

TEST_F(Os, Identities) {
    EXPECT_EQ(os::process_id(), getpid());
    EXPECT_EQ(os::thread_id(), gettid());
    std::thread([] { EXPECT_NE(os::thread_id(), os::process_id()); }).join();
    EXPECT_TRUE(survives([] {
        if (os::process_id() != getpid()) _exit(1);
    })) << "the process id is not remembered over a fork";
}

TEST_F(Os, WriteDeliversAllOfALongText) {
    int ends[2];
    ASSERT_EQ(pipe(ends), 0);
    const std::string text(300000, 'x');  // more than a pipe holds: the kernel takes it in pieces
    std::string got;
    std::thread reader([&] {
        char buffer[5000];
        for (ssize_t n; (n = read(ends[0], buffer, sizeof buffer)) > 0;)
            got.append(buffer, static_cast<size_t>(n));
    });
    EXPECT_EQ(os::write(ends[1], text.data(), text.size()), static_cast<long>(text.size()));
    os::close(ends[1]);
    reader.join();
    close(ends[0]);
    EXPECT_EQ(got, text);
}

TEST_F(Os, WriteToABadDescriptorFails) {
    EXPECT_LT(os::write(-1, "x", 1), 0);
}

TEST_F(Os, OpenAppendCreatesAndAppends) {
    char name[] = "/tmp/tarn_os_test_XXXXXX";
    close(mkstemp(name));
    unlink(name);
    const mode_t mask = umask(0);
    for (const char* text : {"one ", "two"}) {
        const int fd = os::open_append(name);
        ASSERT_GE(fd, 0);
        EXPECT_EQ(fcntl(fd, F_GETFD) & FD_CLOEXEC, FD_CLOEXEC);
        os::write(fd, text, strlen(text));
        os::close(fd);
        EXPECT_EQ(fcntl(fd, F_GETFD), -1) << "closed";
    }
    umask(mask);
    struct stat status;
    ASSERT_EQ(stat(name, &status), 0);
    EXPECT_EQ(status.st_mode & 07777, 0644u);
    const int fd = open(name, O_RDONLY | O_CLOEXEC);
    char buffer[16] = {};
    EXPECT_EQ(read(fd, buffer, sizeof buffer), 7);
    EXPECT_STREQ(buffer, "one two");
    close(fd);
    unlink(name);
    EXPECT_LT(os::open_append("/nonexistent/folder/file"), 0);
}

TEST_F(Os, DuplicateIsHighAndClosesOnExec) {
    const int fd = os::duplicate_high(1);
    ASSERT_GE(fd, 200);
    EXPECT_EQ(fcntl(fd, F_GETFD) & FD_CLOEXEC, FD_CLOEXEC);
    os::FileId original, copy;
    ASSERT_TRUE(os::file_id(1, original));
    ASSERT_TRUE(os::file_id(fd, copy));
    EXPECT_EQ(original, copy);
    os::close(fd);
    EXPECT_LT(os::duplicate_high(-1), 0);
}

TEST_F(Os, FileIdsTellFilesApart) {
    const int one = memfd_create("one", MFD_CLOEXEC), two = memfd_create("two", MFD_CLOEXEC);
    os::FileId first, second;
    ASSERT_TRUE(os::file_id(one, first));
    ASSERT_TRUE(os::file_id(two, second));
    EXPECT_FALSE(first == second);
    close(one);
    close(two);
    EXPECT_FALSE(os::file_id(one, first));
}

TEST_F(Os, WorkingDirectory) {
    char ours[PATH_MAX], libcs[PATH_MAX];
    ASSERT_TRUE(os::working_directory(ours, sizeof ours));
    ASSERT_NE(getcwd(libcs, sizeof libcs), nullptr);
    EXPECT_STREQ(ours, libcs);
    EXPECT_FALSE(os::working_directory(ours, 1)) << "does not fit";
}

TEST_F(Os, ExitNowRunsNoHandlers) {
    const pid_t child = fork();
    if (child == 0) {
        atexit([] { _exit(9); });
        os::exit_now(3);
    }
    int status = 0;
    waitpid(child, &status, 0);
    EXPECT_TRUE(WIFEXITED(status));
    EXPECT_EQ(WEXITSTATUS(status), 3);
}

TEST_F(Os, FailuresLeaveErrnoAlone) {
    errno = 77;
    EXPECT_EQ(os::map(size_t{1} << 60), nullptr);
    EXPECT_LT(os::write(-1, "x", 1), 0);
    EXPECT_LT(os::open_append("/nonexistent/folder/file"), 0);
    EXPECT_FALSE(os::readable(nullptr, 1));
    EXPECT_EQ(errno, 77);
}

TEST_F(Os, InjectedFailuresStartAfterTheGivenSuccesses) {
    os::fail_after(Call::kMap, 2);
    void* first = os::map(4096);
    void* second = os::map(4096);
    EXPECT_NE(first, nullptr);
    EXPECT_NE(second, nullptr);
    EXPECT_EQ(os::map(4096), nullptr);
    EXPECT_EQ(os::map(4096), nullptr) << "and go on until reset";
    os::fail_none();
    void* third = os::map(4096);
    EXPECT_NE(third, nullptr);
    for (void* at : {first, second, third})
        os::unmap(at, 4096);
}

TEST_F(Os, EveryKindOfCallCanFailAndIsCounted) {
    char* at = static_cast<char*>(os::map(2 * os::page_size()));
    ASSERT_NE(at, nullptr);
    memset(at, 4, os::page_size());
    for (Call call : {Call::kReserve, Call::kCommit, Call::kPurge, Call::kMap, Call::kRemap})
        os::fail_after(call, 0);
    const long reserves = os::calls(Call::kReserve), commits = os::calls(Call::kCommit),
               purges = os::calls(Call::kPurge), maps = os::calls(Call::kMap),
               remaps = os::calls(Call::kRemap);
    EXPECT_EQ(os::reserve(4096), nullptr);
    EXPECT_FALSE(os::commit(at, os::page_size()));
    EXPECT_FALSE(os::purge(at, os::page_size()));
    EXPECT_EQ(at[0], 4) << "a refused purge leaves the contents";
    EXPECT_EQ(os::map(4096), nullptr);
    EXPECT_EQ(os::remap(at, os::page_size(), 4 * os::page_size()), nullptr);
    EXPECT_FALSE(os::resize_in_place(at, 2 * os::page_size(), os::page_size()));
    EXPECT_EQ(at[0], 4) << "a refused remap leaves the mapping";
    EXPECT_EQ(os::calls(Call::kReserve), reserves + 1);
    EXPECT_EQ(os::calls(Call::kCommit), commits + 1);
    EXPECT_EQ(os::calls(Call::kPurge), purges + 1);
    EXPECT_EQ(os::calls(Call::kMap), maps + 1);
    EXPECT_EQ(os::calls(Call::kRemap), remaps + 2);
    os::fail_none();
    os::unmap(at, 2 * os::page_size());
}
