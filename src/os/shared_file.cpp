// SPDX-License-Identifier: MIT
#include "os/shared_file.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/stat.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/sysinfo.h>
#include <sys/utsname.h>
#include <time.h>

#include "os/os.h"
#include "os/syscall.h"

#ifndef MADV_POPULATE_WRITE
#define MADV_POPULATE_WRITE 23
#endif

namespace tarn::os {

namespace {

int protection(Access access) {
    return access == Access::kNone ? PROT_NONE : access == Access::kRead ? PROT_READ : PROT_READ | PROT_WRITE;
}

// A file that may not become so large raises SIGXFSZ, which nobody asked for.
class NoSignal {
  public:
    NoSignal()
        : before_(block_also(kSignal)), pending_(before_ & kSignal ? pending_signals() & kSignal : 0) {}
    ~NoSignal() { restore_signals(before_); }
    int done(long result) const {
        if (result == -EFBIG && !pending_) take_pending(SIGXFSZ);
        return static_cast<int>(result);
    }

  private:
    static constexpr uint64_t kSignal = uint64_t{1} << (SIGXFSZ - 1);
    uint64_t before_, pending_;
};

}  // namespace

int open_at(int folder, const char* path, int flags, unsigned mode) {
    for (;;) {
        const long fd = raw_syscall(__NR_openat, folder, address(path), flags | O_CLOEXEC, mode);
        if (fd != -EINTR) return static_cast<int>(fd);
    }
}

int make_folder(const char* path, unsigned mode) {
    return static_cast<int>(raw_syscall(__NR_mkdirat, AT_FDCWD, address(path), mode));
}

int remove_file(const char* path) {
    return static_cast<int>(raw_syscall(__NR_unlinkat, AT_FDCWD, address(path), 0));
}

int rename_file(const char* from, const char* to) {
    return static_cast<int>(raw_syscall(__NR_renameat2, AT_FDCWD, address(from), AT_FDCWD, address(to), 0));
}

int remove_at(int folder, const char* name) {
    return static_cast<int>(raw_syscall(__NR_unlinkat, folder, address(name), 0));
}

void read_folder(int folder, void (*visit)(void* context, const char* name), void* context) {
    struct Entry {
        uint64_t inode, next;
        uint16_t length;
        uint8_t type;
        char name[1];
    };
    alignas(Entry) char entries[1024];
    for (;;) {
        const long got = raw_syscall(__NR_getdents64, folder, address(entries), sizeof entries);
        if (got <= 0) return;
        for (long at = 0; at < got;) {
            const auto* entry = reinterpret_cast<const Entry*>(entries + at);
            visit(context, entry->name);
            at += entry->length;
        }
    }
}

bool file_facts(int fd, FileFacts& facts) {
    struct statx status;
    constexpr unsigned kWanted = STATX_TYPE | STATX_MODE | STATX_UID | STATX_INO | STATX_SIZE | STATX_MTIME;
    if (failed(raw_syscall(__NR_statx, fd, address(""), AT_EMPTY_PATH, kWanted, address(&status))))
        return false;
    facts = {status.stx_mode,
             status.stx_uid,
             static_cast<uint64_t>(status.stx_dev_major) << 32 | status.stx_dev_minor,
             status.stx_ino,
             status.stx_size,
             static_cast<uint64_t>(status.stx_mtime.tv_sec) * 1000000000u + status.stx_mtime.tv_nsec};
    return true;
}

int set_size(int fd, uint64_t bytes) {
    const NoSignal quiet;
    return quiet.done(raw_syscall(__NR_ftruncate, fd, static_cast<long>(bytes)));
}

int allocate_file(int fd, uint64_t offset, uint64_t bytes) {
    const NoSignal quiet;
    long result;
    do
        result = raw_syscall(__NR_fallocate, fd, 0, static_cast<long>(offset), static_cast<long>(bytes));
    while (result == -EINTR);
    return quiet.done(result);
}

void* map_shared(int fd, size_t bytes, Access access) {
    const long at =
        raw_syscall(__NR_mmap, 0, static_cast<long>(bytes), protection(access), MAP_SHARED, fd, 0);
    return failed(at) ? nullptr : reinterpret_cast<void*>(at);
}

bool map_private_at(void* at, int fd, size_t bytes) {
    return !failed(raw_syscall(__NR_mmap, address(at), static_cast<long>(bytes), PROT_READ | PROT_WRITE,
                               MAP_PRIVATE | MAP_FIXED, fd, 0));
}

bool set_access(void* at, size_t bytes, Access access) {
    return !failed(raw_syscall(__NR_mprotect, address(at), static_cast<long>(bytes), protection(access)));
}

bool wipe_in_children(void* at, size_t bytes) {
    return !failed(raw_syscall(__NR_madvise, address(at), static_cast<long>(bytes), MADV_WIPEONFORK));
}

Populated populate(void* at, size_t bytes) {
    long result;
    do
        result = raw_syscall(__NR_madvise, address(at), static_cast<long>(bytes), MADV_POPULATE_WRITE);
    while (result == -EINTR || result == -EAGAIN);
    if (!failed(result)) return Populated::kYes;
    return result == -EINVAL || result == -EPERM || result == -ENOSYS ? Populated::kUnknown
                                                                      : Populated::kNoMemory;
}

long read_at(int fd, void* buffer, size_t size, uint64_t offset) {
    return raw_syscall(__NR_pread64, fd, address(buffer), static_cast<long>(size), static_cast<long>(offset));
}

int write_at(int fd, const void* buffer, size_t size, uint64_t offset) {
    const NoSignal quiet;
    return quiet.done(
        raw_syscall(__NR_pwrite64, fd, address(buffer), static_cast<long>(size), static_cast<long>(offset)));
}

size_t read_text(const char* path, char* buffer, size_t size) {
    const int fd = open_at(AT_FDCWD, path, O_RDONLY);
    size_t length = 0;
    while (fd >= 0 && length + 1 < size) {
        const long got =
            raw_syscall(__NR_read, fd, address(buffer + length), static_cast<long>(size - 1 - length));
        if (got == -EINTR) continue;
        if (got <= 0) break;
        length += static_cast<size_t>(got);
    }
    if (fd >= 0) close(fd);
    buffer[length] = 0;
    return length;
}

size_t read_link(const char* path, char* buffer, size_t size) {
    const long got =
        raw_syscall(__NR_readlinkat, AT_FDCWD, address(path), address(buffer), static_cast<long>(size));
    const size_t length = failed(got) || static_cast<size_t>(got) == size ? 0 : static_cast<size_t>(got);
    buffer[length] = 0;
    return length;
}

void kernel_release(char* buffer, size_t size) {
    struct utsname system = {};
    raw_syscall(__NR_uname, address(&system));
    size_t length = 0;
    for (; length + 1 < size && system.release[length]; ++length)
        buffer[length] = system.release[length];
    buffer[length] = 0;
}

uint64_t machine_memory() {
    struct sysinfo system = {};
    raw_syscall(__NR_sysinfo, address(&system));
    return static_cast<uint64_t>(system.totalram) * system.mem_unit;
}

namespace {

uint64_t limit_of(int resource) {
    struct {
        uint64_t current, maximum;
    } limit = {UINT64_MAX, 0};
    raw_syscall(__NR_prlimit64, 0, resource, 0, address(&limit));
    return limit.current;
}

}  // namespace

uint64_t file_size_limit() {
    return limit_of(RLIMIT_FSIZE);
}
uint64_t data_limit() {
    return limit_of(RLIMIT_DATA);
}

Use use() {
    // size resident shared text lib data dt, in pages; the library's part is 0.
    char text[128];
    uint64_t pages[6] = {};
    read_text("/proc/self/statm", text, sizeof text);
    const char* at = text;
    for (uint64_t& each : pages) {
        for (; *at >= '0' && *at <= '9'; ++at)
            each = each * 10 + static_cast<uint64_t>(*at - '0');
        if (*at == ' ') ++at;
    }
    return {pages[0] * page_size(), pages[5] * page_size()};
}

bool on_alternate_stack() {
    stack_t stack{};
    return !failed(raw_syscall(__NR_sigaltstack, 0, address(&stack))) && stack.ss_flags & SS_ONSTACK;
}

uint32_t user_id() {
    return static_cast<uint32_t>(raw_syscall(__NR_geteuid));
}

int parent_id() {
    return static_cast<int>(raw_syscall(__NR_getppid));
}

uint64_t start_ticks(int process) {
    char path[32] = "/proc/";
    size_t length = 6;
    char digits[12];
    size_t count = 0;
    for (unsigned left = static_cast<unsigned>(process); left || !count; left /= 10)
        digits[count++] = static_cast<char>('0' + left % 10);
    while (count)
        path[length++] = digits[--count];
    for (const char* tail = "/stat"; *tail; ++tail)
        path[length++] = *tail;
    path[length] = 0;
    char text[320];  // as long as that field and those before it can be
    if (read_text(path, text, sizeof text) == 0) return 0;
    const char* at = text;  // the name, which may hold anything, ends at the last bracket
    for (const char* c = text; *c; ++c)
        if (*c == ')') at = c;
    for (int field = 2; *at && field < 22; ++at)
        if (*at == ' ') ++field;
    uint64_t ticks = 0;
    for (; *at >= '0' && *at <= '9'; ++at)
        ticks = ticks * 10 + static_cast<uint64_t>(*at - '0');
    return ticks;
}

namespace {

uint64_t nanoseconds_of(const struct timespec& time) {
    return static_cast<uint64_t>(time.tv_sec) * 1000000000u + static_cast<uint64_t>(time.tv_nsec);
}

}  // namespace

uint64_t coarse_nanoseconds() {
    struct timespec now {};
    clock_gettime(CLOCK_MONOTONIC_COARSE, &now);
    return nanoseconds_of(now);
}

uint64_t realtime_nanoseconds() {
    struct timespec now {};
    clock_gettime(CLOCK_REALTIME, &now);
    return nanoseconds_of(now);
}

}  // namespace tarn::os
