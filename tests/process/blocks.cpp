// SPDX-License-Identifier: MIT
// Blocks beyond the size classes where little is allowed: a small stack, the dynamic linker's lock, a lock of
// stdio in a fork, few mappings, few system calls, little address space.
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <malloc.h>
#include <pthread.h>
#include <stddef.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include <atomic>

#include "check.h"
#include "process.h"
#include "surface.h"

using check::require;
using process::kMiB;

namespace {

const char* argument;

void* fill_and_free(void*) {
    static void* blocks[2000];
    for (void*& block : blocks) {
        require((block = malloc(40000)) != nullptr, "a block");
        *static_cast<char*>(block) = 1;
    }
    for (void* block : blocks)
        free(block);
    return nullptr;
}

// glibc's PTHREAD_STACK_MIN may depend on the machine; POSIX' is 16 KiB.
void small_stack() {
    pthread_attr_t attributes;
    pthread_t thread;
    pthread_attr_init(&attributes);
    require(!pthread_attr_setstacksize(&attributes, 16384), "16 KiB are allowed");
    require(!pthread_create(&thread, &attributes, fill_and_free, nullptr), "the thread starts");
    pthread_join(thread, nullptr);
}

void constructor_waits_for_thread() {
    require(dlopen(argument, RTLD_NOW) != nullptr, "the library is loaded");
}

// Threads read long lines (malloc under the stream's lock), fork, and flush all streams.
std::atomic<bool> stop{false};
char line_file[] = "/tmp/blocks_XXXXXX";

void* read_lines(void*) {
    FILE* file = fopen(line_file, "r");
    while (!stop) {
        char* line = nullptr;
        size_t room = 0;
        rewind(file);
        require(getline(&line, &room, file) == 50001, "the line is read");
        free(line);
    }
    fclose(file);
    return nullptr;
}
void* fork_children(void*) {
    while (!stop) {
        const pid_t child = fork();
        if (child == 0) _exit(0);
        if (child > 0) waitpid(child, nullptr, 0);
    }
    return nullptr;
}
void* flush_streams(void*) {
    while (!stop)
        fflush(nullptr);
    return nullptr;
}

void lines_forks_and_flushes() {
    static char line[50001];
    memset(line, 'x', sizeof line - 1);
    line[sizeof line - 1] = '\n';
    const int file = mkstemp(line_file);
    require(write(file, line, sizeof line) == sizeof line, "the file is written");
    void* (*const work[])(void*) = {fork_children, fork_children, fork_children, read_lines,
                                    read_lines,    read_lines,    read_lines,    flush_streams};
    for (int round = 0; round < 5; ++round) {
        const pid_t child = fork();
        if (child == 0) {
            alarm(20);
            pthread_t threads[8];
            for (int i = 0; i < 8; ++i)
                pthread_create(&threads[i], nullptr, work[i], nullptr);
            usleep(200000);
            stop = true;
            for (pthread_t thread : threads)
                pthread_join(thread, nullptr);
            _exit(0);
        }
        int status = -1;
        require(waitpid(child, &status, 0) == child && status == 0, "it comes to its end");
    }
    unlink(line_file);
}

size_t mappings() {
    static char text[1 << 16];
    const int file = open("/proc/self/maps", O_RDONLY);
    size_t lines = 0;
    for (ssize_t got; (got = read(file, text, sizeof text)) > 0;)
        for (ssize_t i = 0; i < got; ++i)
            lines += text[i] == '\n';
    close(file);
    return lines;
}

void* nothing(void* unused) {
    return unused;
}

void holes(size_t size, size_t alignment) {
    constexpr size_t kBlocks = 150000;
    static char* blocks[kBlocks];
    auto take = [&](size_t bytes) {
        char* block = static_cast<char*>(alignment ? aligned_alloc(alignment, bytes) : malloc(bytes));
        require(block != nullptr, "a block");
        return *block = 1, block;
    };
    for (char*& block : blocks)
        block = take(size);
    for (size_t i = 0; i < kBlocks; i += 2)
        free(blocks[i]);
    require(mappings() < 40000, "many mappings are left to the program");
    pthread_t thread;
    require(!pthread_create(&thread, nullptr, nothing, nullptr), "a thread starts");
    pthread_join(thread, nullptr);
    require(mmap(nullptr, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) != MAP_FAILED, "it can map");
    for (size_t i = 0; i < kBlocks; i += 2)
        blocks[i] = take(2 * size);
    for (char* block : blocks)
        free(block);
    require(mappings() < 40000, "many mappings are left to the program");
    malloc_trim(0);
    require(process::resident() < 64 * kMiB, "all goes back");
}
void holes_of_132_kib() {
    holes(132 << 10, 0);
}
void aligned_holes() {
    holes(132 << 10, 65536);
}

// What glibc's malloc needs, and what this program itself does.
void allow_few_system_calls(unsigned otherwise) {
    constexpr int kAllowed[] = {__NR_brk,      __NR_mmap,  __NR_munmap,     __NR_mremap,
                                __NR_mprotect, __NR_futex, __NR_read,       __NR_write,
                                __NR_openat,   __NR_close, __NR_exit_group, __NR_rt_sigprocmask};
    static sock_filter code[2 * sizeof kAllowed / sizeof *kAllowed + 2];
    unsigned short length = 0;
    code[length++] = BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr));
    for (int call : kAllowed) {
        code[length++] = BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, static_cast<unsigned>(call), 0, 1);
        code[length++] = BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
    }
    code[length++] = BPF_STMT(BPF_RET | BPF_K, otherwise);
    const sock_fprog program = {length, code};
    prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
    if (prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program))
        check::give_up("no filters of system calls here", check::kCannotTest);
}

void use_blocks() {
    static char* blocks[60];
    for (size_t size : {size_t{40000}, size_t{100000}, kMiB, size_t{300000}}) {
        for (char*& block : blocks) {
            require((block = static_cast<char*>(malloc(size))) != nullptr, "a block");
            memset(block, 1, size);
        }
        for (char* block : blocks)
            free(block);
    }
    char* growing = nullptr;
    for (size_t size = 1000; size < 64 * kMiB; size = size * 3 / 2) {
        growing = static_cast<char*>(realloc(growing, size));
        require(growing != nullptr, "it grows");
        memset(growing + size / 2, 1, size - size / 2);
    }
    free(growing);
}

void killed_for_other_system_calls() {
    free(malloc(100));
    allow_few_system_calls(SECCOMP_RET_KILL_PROCESS);
    use_blocks();
}
void refused_other_system_calls() {
    free(malloc(100));
    allow_few_system_calls(SECCOMP_RET_ERRNO | EPERM);
    for (int i = 0; i < 20; ++i)
        use_blocks();
}

// Under a limit of 1 GiB: what blocks of one size held serves those of another.
void sizes_take_turns() {
    constexpr size_t kSizes[] = {60000, 300000, 100000, 2000000, 40000};
    static char* blocks[20000];
    for (size_t size : kSizes) {
        const size_t count = 800000000 / size;
        for (size_t i = 0; i < count; ++i)
            require((blocks[i] = static_cast<char*>(malloc(size))) != nullptr, "800 MB can be had");
        for (size_t i = 0; i < count; ++i)
            free(blocks[i]);
    }
}

void trim_returns_freed_blocks() {
    static char* blocks[300];
    for (size_t size = 33000; size < 300000; size += 7000) {
        for (char*& block : blocks)
            memset(block = static_cast<char*>(malloc(size)), 1, size);
        for (char* block : blocks)
            free(block);
    }
    malloc_trim(0);
    require(process::resident() < 8 * kMiB, "all goes back");
}

}  // namespace

int main(int count, char** arguments) {
    argument = count > 2 ? arguments[2] : "";
    return check::run(count, arguments,
                      {{"small_stack", small_stack},
                       {"constructor_waits_for_thread", constructor_waits_for_thread},
                       {"lines_forks_and_flushes", lines_forks_and_flushes},
                       {"holes_of_132_kib", holes_of_132_kib},
                       {"aligned_holes", aligned_holes},
                       {"killed_for_other_system_calls", killed_for_other_system_calls},
                       {"refused_other_system_calls", refused_other_system_calls},
                       {"sizes_take_turns", sizes_take_turns},
                       {"trim_returns_freed_blocks", trim_returns_freed_blocks}});
}
