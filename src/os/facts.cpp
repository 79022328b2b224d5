// SPDX-License-Identifier: MIT
// The kernel's word on itself, the machine and this process: limits, settings, figures.
#include <fcntl.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/utsname.h>

#include <atomic>

#include "os/os.h"
#include "os/syscall.h"

namespace tarn::os {

namespace {

// Reads a small file of /proc into a terminated buffer; the length, or 0.
size_t read_file(const char* path, char* buffer, size_t size) {
    long fd = raw_syscall(__NR_openat, AT_FDCWD, address(path), O_RDONLY | O_CLOEXEC);
    buffer[0] = 0;
    if (failed(fd)) return 0;
    size_t length = 0;
    while (length + 1 < size) {
        long got = raw_syscall(__NR_read, fd, address(buffer + length), static_cast<long>(size - 1 - length));
        if (got <= 0) break;
        length += static_cast<size_t>(got);
    }
    close(static_cast<int>(fd));
    buffer[length] = 0;
    return length;
}

// The number of KiB after "key" in the text of /proc/self/status, in bytes.
size_t status_bytes(const char* text, const char* key) {
    for (const char* at = text; *at; ++at) {
        if (at != text && at[-1] != '\n') continue;
        const char* k = key;
        const char* t = at;
        while (*k && *t == *k)
            ++k, ++t;
        if (*k) continue;
        size_t value = 0;
        while (*t == ' ' || *t == '\t')
            ++t;
        for (; *t >= '0' && *t <= '9'; ++t)
            value = value * 10 + static_cast<size_t>(*t - '0');
        return value * 1024;
    }
    return 0;
}

// see(lines) for one part of /proc/self/status after another, until it says that it has seen enough; what is cut at the end of
// one is whole in the next. False: it cannot be read.
template <class See>
bool read_status(See see) {
    struct Tail {
        char text[32];
    } tail;
    char text[256];  // there may be little stack
    const long fd = raw_syscall(__NR_openat, AT_FDCWD, address("/proc/self/status"), O_RDONLY | O_CLOEXEC);
    if (failed(fd)) return false;
    for (size_t kept = 0;;) {
        const long got =
            raw_syscall(__NR_read, fd, address(text + kept), static_cast<long>(sizeof text - 1 - kept));
        if (got <= 0) break;
        const size_t length = kept + static_cast<size_t>(got);
        text[length] = 0;
        if (see(text)) break;
        kept = length < sizeof tail ? length : sizeof tail;
        if (length <= sizeof tail) continue;
        // Not memmove, which would be bound here, with more stack than there may be.
        memcpy(&tail, text + length - sizeof tail, sizeof tail);
        memcpy(text, &tail, sizeof tail);
    }
    close(static_cast<int>(fd));
    return true;
}

size_t limit_of(int resource) {
    struct rlimit64 {
        uint64_t current, maximum;
    } limit;
    long result = raw_syscall(__NR_prlimit64, 0, resource, 0, address(&limit));
    return failed(result) ? SIZE_MAX : static_cast<size_t>(limit.current);
}

}  // namespace

size_t address_space_limit() {
    return limit_of(RLIMIT_AS);
}

Memory memory() {
    Memory found = {0, 0};
    read_status([&](const char* lines) {
        if (const size_t bytes = status_bytes(lines, "VmHWM:")) found.peak_resident = bytes;
        if (const size_t bytes = status_bytes(lines, "VmRSS:")) found.resident = bytes;
        return status_bytes(lines, "VmData:") != 0;  // behind them
    });
    return found;
}

size_t mappings_most() {
    char text[32];
    size_t value = 0;
    if (read_file("/proc/sys/vm/max_map_count", text, sizeof text) == 0) return 0;
    for (const char* at = text; *at >= '0' && *at <= '9'; ++at)
        value = value * 10 + static_cast<size_t>(*at - '0');
    return value;
}

HugePageSetting huge_page_setting() {
    char text[64];
    read_file("/sys/kernel/mm/transparent_hugepage/enabled", text, sizeof text);
    for (const char* at = text; *at; ++at)
        if (*at == '[') {
            const bool named = at[1] == 'a' || at[1] == 'm';
            if (named) return at[1] == 'a' ? HugePageSetting::kAlways : HugePageSetting::kAdvised;
        }
    return HugePageSetting::kNever;
}

namespace {

bool find_sandbox() {
    bool filtered = false, confined = false;
    const bool read = read_status([&](const char* lines) {
        filtered = filtered || status_bytes(lines, "Seccomp:") != 0;
        confined = confined || status_bytes(lines, "NoNewPrivs:") != 0;
        return false;
    });
    return !read || (filtered && confined);
}

}  // namespace

namespace {

enum class Sandbox : uint8_t { kUnknown, kNo, kYes, kOwn };
constinit std::atomic<Sandbox> sandbox{Sandbox::kUnknown};

constinit std::atomic<uint32_t> unlisted_calls{0};
constexpr uint64_t kUnlistedMost = 500'000'000;  // ns; a signal handler may be over one of its own

}  // namespace

bool is_sandboxed() {
    Sandbox now = sandbox.load(std::memory_order_relaxed);
    if (now == Sandbox::kUnknown) {
        const UnlistedCall may;
        if (!may) return true;
        const Sandbox found = find_sandbox() ? Sandbox::kYes : Sandbox::kNo;
        if (sandbox.compare_exchange_strong(now, found, std::memory_order_relaxed)) now = found;
    }
    return now != Sandbox::kNo;
}

// Whoever counts one up after this sees it; those before are waited for.
void note_confinement() {
    if (sandbox.exchange(Sandbox::kOwn, std::memory_order_seq_cst) == Sandbox::kOwn) return;
    if (unlisted_calls.load(std::memory_order_seq_cst) == 0) return;
    const uint64_t begin = nanoseconds();
    while (unlisted_calls.load(std::memory_order_seq_cst) > 0 && nanoseconds() - begin < kUnlistedMost)
        yield();
}

UnlistedCall::UnlistedCall() {
    unlisted_calls.fetch_add(1, std::memory_order_seq_cst);
    may_ = sandbox.load(std::memory_order_seq_cst) != Sandbox::kOwn;
}
UnlistedCall::~UnlistedCall() {
    unlisted_calls.fetch_sub(1, std::memory_order_seq_cst);
}
void forget_unlisted_calls() {
    unlisted_calls.store(0, std::memory_order_relaxed);
}

long control_process(int option, const unsigned long (&words)[4]) {
    return raw_syscall(__NR_prctl, option, static_cast<long>(words[0]), static_cast<long>(words[1]),
                       static_cast<long>(words[2]), static_cast<long>(words[3]));
}

bool confined_itself() {
    return sandbox.load(std::memory_order_relaxed) == Sandbox::kOwn;
}

bool kernel_is(unsigned major, unsigned minor) {
    constexpr unsigned kMinors = 1000;
    static constinit std::atomic<unsigned> known{0};
    unsigned now = known.load(std::memory_order_relaxed);
    if (now == 0) {
        struct utsname system = {};
        raw_syscall(__NR_uname, address(&system));
        unsigned number[2] = {};
        const char* at = system.release;
        for (unsigned& part : number) {
            for (; *at >= '0' && *at <= '9'; ++at)
                part = part * 10 + static_cast<unsigned>(*at - '0');
            if (*at == '.') ++at;
        }
        now = number[0] * kMinors + number[1];
        known.store(now, std::memory_order_relaxed);
    }
    return now >= major * kMinors + minor;
}

bool mapped_never_huge() {
    return kernel_is(6, 7);
}

}  // namespace tarn::os
