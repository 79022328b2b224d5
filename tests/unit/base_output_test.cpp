// SPDX-License-Identifier: MIT
// Output against every kind of descriptor that does not take what it is given: no signal, no hang, and the
// reason.
#include "base/output.h"

#include <errno.h>
#include <fcntl.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <string>
#include <thread>

using tarn::Output;
using Waits = tarn::Output::Waits;

namespace {

constexpr uint64_t kMillisecond = 1000000;

struct Pipe {
    int reader = -1, writer = -1;
    explicit Pipe(int flags = 0) {
        int ends[2];
        if (pipe2(ends, O_CLOEXEC) == 0) reader = ends[0], writer = ends[1];
        fcntl(writer, F_SETFL, O_WRONLY | flags);
        fcntl(writer, F_SETPIPE_SZ, 4096);
    }
    ~Pipe() {
        close(reader);
        close(writer);
    }
    void fill() const {
        fcntl(writer, F_SETFL, fcntl(writer, F_GETFL) | O_NONBLOCK);
        while (write(writer, "x", 1) == 1) {
        }
        fcntl(writer, F_SETFL, fcntl(writer, F_GETFL) & ~O_NONBLOCK);
    }
};

uint64_t now() {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return static_cast<uint64_t>(time.tv_sec) * 1000 * kMillisecond + static_cast<uint64_t>(time.tv_nsec);
}

std::string read_to_end(int fd, useconds_t after = 0) {
    std::string got;
    char buffer[5000];
    usleep(after);
    for (ssize_t n; (n = read(fd, buffer, sizeof buffer)) > 0;)
        got.append(buffer, static_cast<size_t>(n));
    return got;
}

bool pending(int signal) {
    sigset_t set;
    sigpending(&set);
    return sigismember(&set, signal) == 1;
}

bool blocked(int signal) {
    sigset_t set;
    pthread_sigmask(SIG_BLOCK, nullptr, &set);
    return sigismember(&set, signal) == 1;
}

const std::string kLong(100000, 'r');

// All of kLong arrives at a reader who begins late.
void arrives(int reader, int writer, Waits waits, uint64_t patience) {
    std::string got;
    std::thread late([&] { got = read_to_end(reader, 100000); });
    {
        Output output(writer, waits, patience);
        EXPECT_TRUE(output.write(kLong.data(), kLong.size())) << output.error();
        EXPECT_TRUE(output.complete() && output.begun());
    }
    close(writer);
    late.join();
    EXPECT_EQ(got.size(), kLong.size());
}

}  // namespace

TEST(Output, WritesToAFile) {
    const Pipe pipe;
    Output output(pipe.writer);
    EXPECT_TRUE(output.write("one", 3) && output.write("", 0) && output.write(" two", 4));
    char buffer[16] = {};
    EXPECT_EQ(read(pipe.reader, buffer, sizeof buffer), 7);
    EXPECT_STREQ(buffer, "one two");
}

TEST(Output, ReaderGoneIsAnErrorAndNoSignal) {
    for (Waits waits : {Waits::kBounded, Waits::kAsWrite}) {
        Pipe pipe;
        close(pipe.reader);
        pipe.reader = -1;
        Output output(pipe.writer, waits);
        EXPECT_FALSE(output.write("x", 1));
        EXPECT_EQ(output.error(), EPIPE);
        EXPECT_FALSE(output.begun());
        EXPECT_FALSE(pending(SIGPIPE) || blocked(SIGPIPE) || blocked(SIGXFSZ) || blocked(SIGTTOU));
        EXPECT_FALSE(output.write("x", 1)) << "nothing more is tried";
    }
}

TEST(Output, SignalPendingBeforeStays) {
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGPIPE);
    pthread_sigmask(SIG_BLOCK, &set, nullptr);
    pthread_kill(pthread_self(), SIGPIPE);
    Pipe pipe;
    close(pipe.reader);
    pipe.reader = -1;
    EXPECT_FALSE(Output(pipe.writer).write("x", 1));
    EXPECT_TRUE(pending(SIGPIPE) && blocked(SIGPIPE));
    const struct timespec none = {};
    EXPECT_EQ(sigtimedwait(&set, nullptr, &none), SIGPIPE);
    EXPECT_FALSE(Output(pipe.writer).write("x", 1));
    EXPECT_TRUE(blocked(SIGPIPE)) << "the program's mask";
    EXPECT_FALSE(pending(SIGPIPE)) << "its own write's is taken off";
    pthread_sigmask(SIG_UNBLOCK, &set, nullptr);
}

TEST(Output, FullPipeThatNobodyReadsTimesOut) {
    const Pipe pipe;
    pipe.fill();
    const int flags = fcntl(pipe.writer, F_GETFL);
    const uint64_t before = now();
    Output output(pipe.writer, Waits::kBounded, 50 * kMillisecond);
    EXPECT_FALSE(output.write("x", 1));
    EXPECT_EQ(output.error(), ETIMEDOUT);
    EXPECT_EQ(output.patience(), 0u);
    EXPECT_GE(now() - before, 50 * kMillisecond);
    EXPECT_LT(now() - before, 1500 * kMillisecond);
    EXPECT_EQ(fcntl(pipe.writer, F_GETFL), flags) << "the program's descriptor still blocks";
}

TEST(Output, WithoutPatienceNothingIsWaitedFor) {
    const Pipe pipe;
    Output output(pipe.writer, Waits::kBounded, 0);
    EXPECT_TRUE(output.write("x", 1));
    pipe.fill();
    EXPECT_FALSE(output.write("x", 1));
    EXPECT_EQ(output.error(), ETIMEDOUT);
}

TEST(Output, LateReaderGetsAll) {
    for (int flags : {0, O_NONBLOCK}) {
        Pipe pipe(flags);
        arrives(pipe.reader, pipe.writer, Waits::kBounded, Output::kPatience);
        pipe.writer = -1;
    }
    int ends[2];
    ASSERT_EQ(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
    arrives(ends[0], ends[1], Waits::kBounded, Output::kPatience);
    close(ends[0]);
}

// No descriptor is left to open the pipe anew.
TEST(Output, LateReaderGetsAllInPieces) {
    Pipe pipe;
    rlimit limit;
    ASSERT_EQ(getrlimit(RLIMIT_NOFILE, &limit), 0);
    const rlimit none{1, limit.rlim_max};  // ppoll takes one
    setrlimit(RLIMIT_NOFILE, &none);
    arrives(pipe.reader, pipe.writer, Waits::kBounded, Output::kPatience);
    setrlimit(RLIMIT_NOFILE, &limit);
    pipe.writer = -1;
}

TEST(Output, FullPipeTimesOutInPieces) {
    const Pipe pipe;
    pipe.fill();
    rlimit limit;
    ASSERT_EQ(getrlimit(RLIMIT_NOFILE, &limit), 0);
    const rlimit none{1, limit.rlim_max};  // ppoll takes one
    setrlimit(RLIMIT_NOFILE, &none);
    Output output(pipe.writer, Waits::kBounded, 20 * kMillisecond);
    EXPECT_FALSE(output.write("x", 1));
    EXPECT_EQ(output.error(), ETIMEDOUT);
    setrlimit(RLIMIT_NOFILE, &limit);
}

TEST(Output, AsWriteWaitsForABlockingDescriptor) {
    Pipe pipe;
    arrives(pipe.reader, pipe.writer, Waits::kAsWrite, kMillisecond);
    pipe.writer = -1;
}

TEST(Output, SocketsTimeOutAndBreak) {
    int ends[2];
    ASSERT_EQ(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
    const std::string much(4 << 20, 'x');
    Output full(ends[1], Waits::kBounded, 20 * kMillisecond);
    EXPECT_FALSE(full.write(much.data(), much.size()));
    EXPECT_EQ(full.error(), ETIMEDOUT);
    EXPECT_TRUE(full.begun());
    close(ends[0]);
    Output broken(ends[1]);
    EXPECT_FALSE(broken.write("x", 1));
    EXPECT_EQ(broken.error(), EPIPE);
    EXPECT_FALSE(pending(SIGPIPE));
    close(ends[1]);
}

TEST(Output, LimitOnFilesIsAnErrorAndNoSignal) {
    const pid_t child = fork();
    if (child == 0) {
        char name[] = "/tmp/tarn_output_test_XXXXXX";
        const int fd = mkstemp(name);
        unlink(name);
        const rlimit limit{100, 100};
        setrlimit(RLIMIT_FSIZE, &limit);
        Output output(fd);
        const bool whole = output.write(kLong.data(), kLong.size());
        _exit(!whole && output.begun() && output.error() == EFBIG ? 7 : 1);
    }
    int status = 0;
    waitpid(child, &status, 0);
    EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 7) << status;
}

TEST(Output, ReasonsOfOtherFailures) {
    EXPECT_FALSE(Output(-1).write("x", 1));
    Output closed(-1), full(open("/dev/full", O_WRONLY | O_CLOEXEC));
    closed.write("x", 1);
    full.write("x", 1);
    EXPECT_EQ(closed.error(), EBADF);
    EXPECT_EQ(full.error(), ENOSPC);
    EXPECT_STREQ(tarn::words_for(ENOSPC), "no space left on the device");
    EXPECT_EQ(tarn::words_for(12345), nullptr);
}

TEST(Output, ErrnoIsLeftAlone) {
    errno = 77;
    EXPECT_FALSE(Output(-1).write("x", 1));
    EXPECT_EQ(errno, 77);
}
