// SPDX-License-Identifier: MIT
// The system calls on files, and about the signals that writing raises.
#include <fcntl.h>
#include <linux/stat.h>
#include <poll.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <time.h>

#include "os/os.h"
#include "os/syscall.h"

namespace tarn::os {

namespace {

constexpr int kAppend = O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOCTTY | O_NONBLOCK;

bool status_of(int fd, unsigned wanted, struct statx& status) {
    return !failed(raw_syscall(__NR_statx, fd, address(""), AT_EMPTY_PATH, wanted, address(&status)));
}

struct timespec time_of(uint64_t nanoseconds) {
    return {static_cast<time_t>(nanoseconds / 1000000000u), static_cast<long>(nanoseconds % 1000000000u)};
}

}  // namespace

long write(int fd, const char* text, size_t length) {
    return raw_syscall(__NR_write, fd, address(text), static_cast<long>(length));
}

long send(int fd, const char* text, size_t length) {
    return raw_syscall(__NR_sendto, fd, address(text), static_cast<long>(length), MSG_DONTWAIT | MSG_NOSIGNAL,
                       0, 0);
}

int open_append(const char* path) {
    return static_cast<int>(raw_syscall(__NR_openat, AT_FDCWD, address(path), kAppend, 0644));
}

int reopen_non_blocking(int fd) {
    char path[40] = "/proc/thread-self/fd/";
    char digits[12];
    size_t length = __builtin_strlen(path), count = 0;
    for (unsigned left = static_cast<unsigned>(fd); left || !count; left /= 10)
        digits[count++] = static_cast<char>('0' + left % 10);
    while (count)
        path[length++] = digits[--count];
    // O_DIRECT: a pipe of packets stays one.
    const long flags = raw_syscall(__NR_fcntl, fd, F_GETFL) & O_DIRECT;
    return static_cast<int>(raw_syscall(__NR_openat, AT_FDCWD, address(path),
                                        flags | O_WRONLY | O_NONBLOCK | O_CLOEXEC | O_NOCTTY));
}

int duplicate_high(int fd) {
    constexpr int kOutOfTheWay = 200;  // above what programs count on, below the usual limit of 1024
    return static_cast<int>(raw_syscall(__NR_fcntl, fd, F_DUPFD_CLOEXEC, kOutOfTheWay));
}

void close(int fd) {
    raw_syscall(__NR_close, fd);
}

FileKind file_kind(int fd) {
    struct statx status;
    if (!status_of(fd, STATX_TYPE, status)) return FileKind::kOther;
    const unsigned type = status.stx_mode & S_IFMT, major = status.stx_rdev_major;
    if (type == S_IFIFO) return FileKind::kPipe;
    if (type == S_IFSOCK) return FileKind::kSocket;
    // Linux, Documentation/admin-guide/devices.txt: consoles and serial lines, /dev/tty, pseudo terminals.
    const bool terminal = major == 4 || major == 5 || (major >= 136 && major <= 143);
    return type == S_IFCHR && terminal ? FileKind::kTerminal : FileKind::kOther;
}

bool non_blocking(int fd) {
    const long flags = raw_syscall(__NR_fcntl, fd, F_GETFL);
    return !failed(flags) && (flags & O_NONBLOCK);
}

bool wait_writable(int fd, uint64_t nanoseconds) {
    struct pollfd one {
        fd, POLLOUT, 0
    };
    struct timespec time = time_of(nanoseconds);
    return raw_syscall(__NR_ppoll, address(&one), fd >= 0, address(&time), 0, sizeof(uint64_t)) > 0;
}

bool file_id(int fd, FileId& id) {
    struct statx status;
    if (!status_of(fd, STATX_INO, status)) return false;
    id.device = (static_cast<uint64_t>(status.stx_dev_major) << 32) | status.stx_dev_minor;
    id.inode = status.stx_ino;
    return true;
}

bool working_directory(char* buffer, size_t size) {
    return !failed(raw_syscall(__NR_getcwd, address(buffer), static_cast<long>(size)));
}

uint64_t block_also(uint64_t signals) {
    uint64_t before = 0;
    raw_syscall(__NR_rt_sigprocmask, SIG_BLOCK, address(&signals), address(&before), sizeof before);
    return before;
}

uint64_t pending_signals() {
    uint64_t pending = 0;
    raw_syscall(__NR_rt_sigpending, address(&pending), sizeof pending);
    return pending;
}

void take_pending(int signal) {
    const uint64_t set = uint64_t{1} << (signal - 1);
    struct timespec none {};
    raw_syscall(__NR_rt_sigtimedwait, address(&set), 0, address(&none), sizeof set);
}

}  // namespace tarn::os
