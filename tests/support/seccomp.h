// SPDX-License-Identifier: MIT
// Filters of system calls, written out by hand so that no library is needed, and the calls' names.
#pragma once
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

#include "check.h"
#include "process.h"

namespace seccomp {

struct Call {
    const char* name;
    int number;
};
inline constexpr Call kCalls[] = {{"brk", SYS_brk},
                                  {"clock_gettime", SYS_clock_gettime},
                                  {"close", SYS_close},
                                  {"exit_group", SYS_exit_group},
                                  {"futex", SYS_futex},
                                  {"getpid", SYS_getpid},
                                  {"getrandom", SYS_getrandom},
                                  {"gettid", SYS_gettid},
                                  {"madvise", SYS_madvise},
                                  {"membarrier", SYS_membarrier},
                                  {"mincore", SYS_mincore},
                                  {"mlock", SYS_mlock},
                                  {"mmap", SYS_mmap},
                                  {"mprotect", SYS_mprotect},
                                  {"mremap", SYS_mremap},
                                  {"munmap", SYS_munmap},
                                  {"openat", SYS_openat},
                                  {"prctl", SYS_prctl},
                                  {"prlimit64", SYS_prlimit64},
                                  {"process_vm_readv", SYS_process_vm_readv},
                                  {"read", SYS_read},
                                  {"rt_sigprocmask", SYS_rt_sigprocmask},
                                  {"rt_sigreturn", SYS_rt_sigreturn},
                                  {"sched_yield", SYS_sched_yield},
                                  {"sysinfo", SYS_sysinfo},
                                  {"write", SYS_write}};

inline const char* name_of(int number) {
    for (const Call& call : kCalls)
        if (call.number == number) return call.name;
    return "another";
}

// Ends the process when nobody knows the name.
inline int number_of(const char* name) {
    for (const Call& call : kCalls)
        if (!strcmp(call.name, name)) return call.number;
    check::fail(name);
}

// The mapping of code that holds an address.
struct Range {
    uintptr_t from = 0, to = 0;
};
inline Range code_around(const void* address) {
    static char maps[1 << 18];
    process::read_file("/proc/self/maps", maps, sizeof maps);
    for (char* line = maps; line; line = strchr(line, '\n')) {
        line += *line == '\n';
        unsigned long from = 0, to = 0;
        if (sscanf(line, "%lx-%lx", &from, &to) == 2 &&
            reinterpret_cast<uintptr_t>(address) - from < to - from)
            return {from, to};
    }
    check::fail("the code is mapped");
}

// Rules are tried in the order in which they are added; `otherwise` comes last.
class Filter {
  public:
    Filter() {
        load(offsetof(seccomp_data, arch));
        jump(BPF_JEQ, kArchitecture, 1, 0);
        add(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS);
    }
    void call(int number, uint32_t action) {
        load(offsetof(seccomp_data, nr));
        jump(BPF_JEQ, static_cast<uint32_t>(number), 0, 1);
        add(BPF_RET | BPF_K, action);
    }
    // A call made by an instruction that is not in `range`.
    void from_outside(Range range, uint32_t action) {
        const bool one_half = range.from >> 32 == range.to >> 32;
        check::require(range.to - range.from < uint64_t{1} << 32, "two upper halves at most");
        load(offsetof(seccomp_data, instruction_pointer) + 4);
        jump(BPF_JEQ, static_cast<uint32_t>(range.from >> 32), 0, one_half ? 3 : 2);
        load(offsetof(seccomp_data, instruction_pointer));
        if (one_half) {
            jump(BPF_JGE, static_cast<uint32_t>(range.from), 0, 1);
        } else {
            jump(BPF_JGE, static_cast<uint32_t>(range.from), 4, 3);
            jump(BPF_JEQ, static_cast<uint32_t>(range.to >> 32), 0, 2);
            load(offsetof(seccomp_data, instruction_pointer));
        }
        jump(BPF_JGE, static_cast<uint32_t>(range.to), 0, 1);
        add(BPF_RET | BPF_K, action);
    }
    void otherwise(uint32_t action) { add(BPF_RET | BPF_K, action); }

    void install() {
        sock_fprog program = {count, rules};
        if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) || prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program))
            check::give_up("system calls cannot be filtered here", check::kCannotTest);
    }
    // The same, as libseccomp does it.
    void install_by_seccomp() { install_with_flags(0); }
    // For all threads.
    void install_for_all() { install_with_flags(SECCOMP_FILTER_FLAG_TSYNC); }

  private:
    void install_with_flags(unsigned flags) {
        sock_fprog program = {count, rules};
        if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) ||
            syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, flags, &program))
            check::give_up("system calls cannot be filtered here", check::kCannotTest);
    }
#if defined(__x86_64__)
    static constexpr uint32_t kArchitecture = AUDIT_ARCH_X86_64;
#elif defined(__aarch64__)
    static constexpr uint32_t kArchitecture = AUDIT_ARCH_AARCH64;
#endif
    void add(int code, uint32_t value, uint8_t yes = 0, uint8_t no = 0) {
        check::require(count < 200, "room for the rules");
        rules[count++] = {static_cast<uint16_t>(code), yes, no, value};
    }
    void load(size_t offset) {
        add(BPF_LD | BPF_W | BPF_ABS, static_cast<uint32_t>(offset));
    }
    void jump(int condition, uint32_t value, uint8_t yes, uint8_t no) {
        add(BPF_JMP | condition | BPF_K, value, yes, no);
    }

    sock_filter rules[200];
    unsigned short count = 0;
};

}  // namespace seccomp
