// SPDX-License-Identifier: MIT
// The system calls on memory and about the process; facts.cpp has what the kernel is asked, files.cpp those
// on files, lock.cpp the futex.
// docs/system-calls.md lists them and when they happen.
#include "os/os.h"

#include <elf.h>
#include <errno.h>
#include <linux/membarrier.h>
#include <signal.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include <atomic>

#include "os/syscall.h"

namespace tarn::os {

namespace {

constexpr int kCalls = static_cast<int>(Call::kCount);
constexpr long kNever = -1;
std::atomic<long> successes_left[kCalls] = {kNever, kNever, kNever, kNever, kNever, kNever};
std::atomic<long> call_count[kCalls];

bool injected(Call call) {
    if constexpr (!kFaults) return false;
    const int index = static_cast<int>(call);
    call_count[index].fetch_add(1, std::memory_order_relaxed);
    long left = successes_left[index].load(std::memory_order_relaxed);
    if (left == kNever) return false;
    if (left == 0) return true;
    successes_left[index].store(left - 1, std::memory_order_relaxed);
    return false;
}

void* map_anonymous(void* hint, size_t bytes, int protection, int flags) {
    long result = raw_syscall(__NR_mmap, address(hint), static_cast<long>(bytes), protection,
                              MAP_PRIVATE | MAP_ANONYMOUS | flags, -1, 0);
    return failed(result) ? nullptr : reinterpret_cast<void*>(result);
}

Answer answer(long result) {
    if (!failed(result)) return Answer::kDone;
    return result == -EPERM || result == -ENOSYS || result == -EINVAL ? Answer::kNever : Answer::kNotNow;
}

long mremap(void* at, size_t old_bytes, size_t new_bytes, int flags, void* target) {
    static constinit std::atomic<bool> forbidden{false};
    if (injected(Call::kRemap) || forbidden.load(std::memory_order_relaxed)) return -EPERM;
    const long result = raw_syscall(__NR_mremap, address(at), static_cast<long>(old_bytes),
                                    static_cast<long>(new_bytes), flags, address(target));
    if (result == -EPERM || result == -ENOSYS) forbidden.store(true, std::memory_order_relaxed);
    return result;
}

// Kernels before 4.17 take the address as a hint.
Placed place_at(void* at, size_t bytes, int protection, int flags) {
    const long result = raw_syscall(__NR_mmap, address(at), static_cast<long>(bytes), protection,
                                    MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE | flags, -1, 0);
    if (result == -EEXIST) return Placed::kOccupied;
    if (failed(result)) return Placed::kRefused;
    if (result == address(at)) return Placed::kYes;
    raw_syscall(__NR_munmap, result, static_cast<long>(bytes));
    return Placed::kOccupied;
}

}  // namespace

size_t page_size() {
    return getauxval(AT_PAGESZ);
}

void* reserve(size_t bytes, void* hint) {
    if (injected(Call::kReserve)) return nullptr;
    return map_anonymous(hint, bytes, PROT_NONE, MAP_NORESERVE);
}

void* reserve_zeros(size_t bytes) {
    if (injected(Call::kReserve)) return nullptr;
    return map_anonymous(nullptr, bytes, PROT_READ, MAP_NORESERVE);
}

bool reserve_zeros_at(void* at, size_t bytes) {
    if (injected(Call::kReserve)) return false;
    return place_at(at, bytes, PROT_READ, MAP_NORESERVE) == Placed::kYes;
}

bool commit(void* at, size_t bytes) {
    if (injected(Call::kCommit)) return false;
    return !failed(raw_syscall(__NR_mprotect, address(at), static_cast<long>(bytes), PROT_READ | PROT_WRITE));
}

bool forbid(void* at, size_t bytes) {
    return !failed(raw_syscall(__NR_mprotect, address(at), static_cast<long>(bytes), PROT_NONE));
}

void forbid_writes(void* at, size_t bytes) {
    raw_syscall(__NR_mprotect, address(at), static_cast<long>(bytes), PROT_READ);
}

// MAP_STACK: since Linux 6.7 such a mapping has no transparent huge pages; before, it means nothing.
Placed map_at(void* at, size_t bytes) {
    if (injected(Call::kCommit)) return Placed::kRefused;
    return place_at(at, bytes, PROT_READ | PROT_WRITE, MAP_STACK);
}

bool map_anew_at(void* at, size_t bytes) {
    if (injected(Call::kPurge)) return false;
    return map_anonymous(at, bytes, PROT_READ | PROT_WRITE, MAP_FIXED | MAP_STACK) != nullptr;
}

bool prefault(void* at, size_t bytes) {
    if (injected(Call::kMap) || page_size() != kPageSize || !kernel_is(6, 12)) return false;
    return map_anonymous(at, bytes, PROT_READ | PROT_WRITE, MAP_FIXED | MAP_STACK | MAP_POPULATE) != nullptr;
}

bool purge(void* at, size_t bytes) {
    if (injected(Call::kPurge)) return false;
    return map_anonymous(at, bytes, PROT_READ | PROT_WRITE, MAP_FIXED) != nullptr;
}

bool discard(void* at, size_t bytes) {
    if (injected(Call::kPurge)) return false;
    return !failed(raw_syscall(__NR_madvise, address(at), static_cast<long>(bytes), MADV_DONTNEED));
}

bool unmap_exactly(void* at, size_t bytes) {
    if (injected(Call::kPurge)) return false;
    return !failed(raw_syscall(__NR_munmap, address(at), static_cast<long>(bytes)));
}

void exclude_from_dumps(void* at, size_t bytes) {
    raw_syscall(__NR_madvise, address(at), static_cast<long>(bytes), MADV_DONTDUMP);
}

void* map(size_t bytes) {
    if (injected(Call::kMap)) return nullptr;
    return map_anonymous(nullptr, bytes, PROT_READ | PROT_WRITE, 0);
}

Answer unmap(void* at, size_t bytes) {
    if (injected(Call::kUnmap)) return Answer::kNotNow;
    return answer(raw_syscall(__NR_munmap, address(at), static_cast<long>(bytes)));
}

Answer map_anew(void* at, size_t bytes) {
    if (injected(Call::kMap)) return Answer::kNotNow;
    return answer(raw_syscall(__NR_mmap, address(at), static_cast<long>(bytes), PROT_READ | PROT_WRITE,
                              MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0));
}

void* remap(void* at, size_t old_bytes, size_t new_bytes) {
    const long result = mremap(at, old_bytes, new_bytes, MREMAP_MAYMOVE, nullptr);
    return failed(result) ? nullptr : reinterpret_cast<void*>(result);
}

bool resize_in_place(void* at, size_t old_bytes, size_t new_bytes) {
    return !failed(mremap(at, old_bytes, new_bytes, 0, nullptr));
}

bool remap_to(void* at, size_t old_bytes, size_t new_bytes, void* target) {
    return !failed(mremap(at, old_bytes, new_bytes, MREMAP_MAYMOVE | MREMAP_FIXED, target));
}

Answer resident(const void* at, size_t bytes, size_t& found) {
    unsigned char pages[256];  // there may be little stack
    const char* from = static_cast<const char*>(at);
    const size_t page = page_size();
    found = 0;
    size_t count = 0;
    for (size_t left = bytes / page; left > 0;) {
        const size_t now = left < sizeof pages ? left : sizeof pages;
        const long result =
            raw_syscall(__NR_mincore, address(from), static_cast<long>(now * page), address(pages));
        if (failed(result)) return answer(result);
        for (size_t i = 0; i < now; ++i)
            count += pages[i] & 1;
        from += now * page;
        left -= now;
    }
    found = count * page;
    return Answer::kDone;
}

bool back_with_huge_page(void* at) {
    if (injected(Call::kMap) || advise_huge_pages(at, kHugePage) != Answer::kDone) return false;
    auto* const last = static_cast<char*>(at) + kHugePage - kPageSize;
    *static_cast<volatile char*>(at) = 0;
    forbid_huge_pages(at, kHugePage);
    size_t found = 0;
    return resident(last, kPageSize, found) == Answer::kDone && found == kPageSize;
}

Answer forbid_huge_pages(void* at, size_t bytes) {
    return answer(raw_syscall(__NR_madvise, address(at), static_cast<long>(bytes), MADV_NOHUGEPAGE));
}

Answer advise_huge_pages(void* at, size_t bytes) {
    return answer(raw_syscall(__NR_madvise, address(at), static_cast<long>(bytes), MADV_HUGEPAGE));
}

bool copy_from(const void* at, void* to, size_t bytes) {
    struct {
        void* base;
        size_t length;
    } local{to, bytes}, remote{const_cast<void*>(at), bytes};
    return raw_syscall(__NR_process_vm_readv, process_id(), address(&local), 1, address(&remote), 1, 0) ==
           static_cast<long>(bytes);
}

size_t copy_first_from(const Place* places, size_t count, void* to, size_t bytes) {
    const Place local{to, bytes};
    const long copied =
        raw_syscall(__NR_process_vm_readv, process_id(), address(&local), 1, address(places), count, 0);
    size_t whole = 0;
    for (size_t left = copied > 0 ? static_cast<size_t>(copied) : 0;
         whole < count && places[whole].bytes <= left; ++whole)
        left -= places[whole].bytes;
    return whole;
}

bool readable(const void* at, size_t bytes) {
    // The kernel copies a page into nowhere useful: a write to a pipe would need a descriptor, so ask
    // process_vm_readv of ourselves, which faults politely.
    char scratch[64];
    return copy_from(at, scratch, bytes < sizeof scratch ? bytes : sizeof scratch);
}

bool may_read(const void* at) {
    // A set of signals that the kernel reads, and does nothing with since it is not told what.
    constexpr long kNothing = -1;
    return raw_syscall(__NR_rt_sigprocmask, kNothing, address(at), 0, sizeof(uint64_t)) != -EFAULT;
}

bool privileged() {
    return getauxval(AT_SECURE) != 0;
}
char** environment() {
    return environ;
}

uint64_t nanoseconds() {
    struct timespec now;
    raw_syscall(__NR_clock_gettime, CLOCK_MONOTONIC, address(&now));
    return static_cast<uint64_t>(now.tv_sec) * 1000000000u + static_cast<uint64_t>(now.tv_nsec);
}

uint64_t random() {
    const unsigned char* bytes = reinterpret_cast<const unsigned char*>(getauxval(AT_RANDOM));
    uint64_t value = 0;
    for (int i = 0; bytes && i < 8; ++i)
        value = value << 8 | bytes[8 + i];  // libc uses the first eight
    return value;
}

int process_id() {
    return static_cast<int>(raw_syscall(__NR_getpid));
}
void yield() {
    raw_syscall(__NR_sched_yield);
}

bool barrier_in_all_threads() {
    constexpr long kRegister = MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED;
    constexpr long kBarrier = MEMBARRIER_CMD_PRIVATE_EXPEDITED;
    if (!failed(raw_syscall(__NR_membarrier, kBarrier))) return true;
    return !failed(raw_syscall(__NR_membarrier, kRegister)) &&
           !failed(raw_syscall(__NR_membarrier, kBarrier));
}

uint64_t block_signals() {
    uint64_t blocked = ~uint64_t{0};
    for (int raised_by_fault : {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP, SIGABRT, SIGSYS})
        blocked &= ~(uint64_t{1} << (raised_by_fault - 1));
    uint64_t before = 0;
    raw_syscall(__NR_rt_sigprocmask, SIG_SETMASK, address(&blocked), address(&before), sizeof before);
    return before;
}

void restore_signals(uint64_t blocked) {
    raw_syscall(__NR_rt_sigprocmask, SIG_SETMASK, address(&blocked), 0, sizeof blocked);
}
int thread_id() {
    return static_cast<int>(raw_syscall(__NR_gettid));
}

void exit_now(int status) {
    for (;;)
        raw_syscall(__NR_exit_group, status);
}

void fail_after(Call call, long successes) {
    successes_left[static_cast<int>(call)] = successes;
}
void fail_none() {
    for (auto& left : successes_left)
        left = kNever;
}
long calls(Call call) {
    return call_count[static_cast<int>(call)];
}

}  // namespace tarn::os
