// SPDX-License-Identifier: MIT
// What nobody may touch in the hardened mode: a touch must fault, at that address. The size is the second argument; and a way to run any
// program where the kernel gives no advice: no_advice_known PROGRAM ARGUMENTS...
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdint.h>
#include <sys/mman.h>

#include "check.h"
#include "process.h"
#include "seccomp.h"

using check::opaque;
using check::require;

namespace {

size_t chosen = 100;

char* make() {
    return static_cast<char*>(memset(opaque(malloc(chosen)), 1, chosen));
}

sigjmp_buf after_fault;
void* fault_at;
void on_fault(int, siginfo_t* info, void*) {
    fault_at = info->si_addr;
    siglongjmp(after_fault, 1);
}
// Whether `touch` faults, and at this address.
template <class Touch>
bool faults(const void* at, Touch touch) {
    struct sigaction action = {};
    action.sa_sigaction = on_fault;
    action.sa_flags = SA_SIGINFO;
    sigaction(SIGSEGV, &action, nullptr);
    if (sigsetjmp(after_fault, 1) == 0) {
        touch();
        return false;
    }
    signal(SIGSEGV, SIG_DFL);
    return fault_at == at;
}
bool cannot_be_read(const char* at) {
    return faults(at, [=] { opaque(*const_cast<const volatile char*>(at)); });
}
bool cannot_be_written(char* at) {
    return faults(at, [=] { *const_cast<volatile char*>(at) = 1; });
}

void nothing_cannot_be_touched() {
    char* one = static_cast<char*>(opaque(malloc(0)));
    char* other = static_cast<char*>(opaque(calloc(0, 8)));
    require(one && other && one != other, "they are different");
    require(cannot_be_read(one) && cannot_be_written(one), "malloc(0)");
    require(cannot_be_read(other), "calloc(0)");
    free(one);
    require(cannot_be_read(one), "freed");
    other = static_cast<char*>(realloc(other, 10));
    other[9] = 1;
    free(other);
}
void freed_block_cannot_be_touched() {
    char* object = make();
    free(object);
    require(cannot_be_read(object), "read");
    require(cannot_be_written(object + chosen - 1), "write");
}
void end_of_block_is_guarded() {
    char* object = make();
    const size_t aligned = (chosen + 15) / 16 * 16;
    require(cannot_be_written(object + aligned), "behind it");
    char* grown = static_cast<char*>(realloc(object, chosen + 5000));
    require(cannot_be_written(reinterpret_cast<char*>(
                (reinterpret_cast<uintptr_t>(grown) + chosen + 5000 + 4095) & ~4095ul)),
            "behind it when it has grown");
    free(grown);
}
void begin_of_slab_is_guarded() {
    // From an object on downwards the guard comes before another slab does.
    char* at = reinterpret_cast<char*>(reinterpret_cast<uintptr_t>(make()) & ~4095ul);
    for (int page = 0; page < 64; ++page, at -= 4096)
        if (cannot_be_read(at)) return;
    check::fail("there is no guard");
}

// More than mappings of their own may guard.
void many_guards() {
    constexpr int kMany = 6000;
    static char* blocks[kMany];
    for (char*& block : blocks) {
        block = static_cast<char*>(malloc(40000));
        require(block != nullptr, "a block");
        block[0] = block[39999] = 1;
    }
    void* const own = mmap(nullptr, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    require(own != MAP_FAILED, "the program may map something, too");
    for (char* block : blocks)
        free(block);
}

void plain_use() {
    process::Random random{7};
    static char* all[2000];
    for (int i = 0; i < 200000; ++i) {
        char*& object = all[random.below(2000)];
        free(object);
        const size_t size = 1 + random.below(random.one_in(100) ? 100000 : 500);
        object = static_cast<char*>(malloc(size));
        require(object && object[0] == 0 && object[size - 1] == 0, "a cleared object");
        memset(object, 1, size);
    }
}

// The program of this folder that the arguments name is run where the kernel refuses all advice with this error.
[[noreturn]] void run_without_advice(char** arguments, uint32_t error) {
    static char path[4096];
    const ssize_t length = readlink("/proc/self/exe", path, sizeof path - 256);
    require(length > 0, "where this program is");
    path[length] = 0;
    strcpy(strrchr(path, '/') + 1, arguments[0]);
    seccomp::Filter filter;
    filter.call(SYS_madvise, SECCOMP_RET_ERRNO | error);
    filter.otherwise(SECCOMP_RET_ALLOW);
    filter.install();
    execv(path, arguments);
    check::fail("it is run");
}

}  // namespace

int main(int count, char** arguments) {
    if (count > 3 && !strcmp(arguments[1], "no_advice_known")) run_without_advice(arguments + 2, EINVAL);
    if (count > 3 && !strcmp(arguments[1], "no_advice_allowed")) run_without_advice(arguments + 2, EPERM);
    if (count > 2) chosen = strtoul(arguments[2], nullptr, 10);
    return check::run(count, arguments,
                      {{"nothing_cannot_be_touched", nothing_cannot_be_touched},
                       {"freed_block_cannot_be_touched", freed_block_cannot_be_touched},
                       {"end_of_block_is_guarded", end_of_block_is_guarded},
                       {"begin_of_slab_is_guarded", begin_of_slab_is_guarded},
                       {"many_guards", many_guards},
                       {"plain_use", plain_use}});
}
