// SPDX-License-Identifier: MIT
// Programs with guarded objects and with handlers of their own for what a fault raises.
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/syscall.h>

#include "guard_objects.h"

namespace {

// Handlers of the program's own.
sigjmp_buf back;
volatile uintptr_t told;
volatile bool on_own_stack;
char own_stack[1 << 16];
void jump_back(int, siginfo_t* info, void*) {
    const char here = 0;
    on_own_stack = address(&here) - address(own_stack) < sizeof own_stack;
    told = address(info->si_addr);
    siglongjmp(back, 1);
}
void simple(int) {
    siglongjmp(back, 1);
}

void install(int flags) {
    struct sigaction action = {}, old = {}, now = {};
    action.sa_sigaction = jump_back;
    action.sa_flags = SA_SIGINFO | flags;
    sigaddset(&action.sa_mask, SIGUSR1);
    require(sigaction(SIGSEGV, &action, &old) == 0 && old.sa_handler == SIG_DFL, "nobody was there before");
    require(sigaction(SIGSEGV, nullptr, &now) == 0 && now.sa_sigaction == jump_back &&
                now.sa_flags == action.sa_flags,
            "it is there now");
}
// Whether it came to the handler; the signal mask is that of before.
bool is_caught(const volatile char* at) {
    if (sigsetjmp(back, 1) == 0) return read_from(at), false;
    sigset_t mask;
    require(pthread_sigmask(SIG_SETMASK, nullptr, &mask) == 0 && !sigismember(&mask, SIGSEGV), "the mask");
    return true;
}
void use_own_stack() {
    stack_t stack = {};
    stack.ss_sp = own_stack;
    stack.ss_size = sizeof own_stack;
    require(sigaltstack(&stack, nullptr) == 0, "a stack for handlers");
}

void own_handler(int flags) {
    use_own_stack();
    install(flags);
    char* const object = make(64);
    drop(object);
    require(is_caught(object + 5) && told == address(object + 5), "the handler gets the fault");
    require(on_own_stack == ((flags & SA_ONSTACK) != 0), "on the stack that it asked for");
    void* const none = mmap(nullptr, kPage, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    require(is_caught(static_cast<char*>(none)) && told == address(none), "and those of others");
    require(stats().guard_faults == 1, "one was found");
    require(reinterpret_cast<void*>(signal(SIGSEGV, SIG_DFL)) == reinterpret_cast<void*>(jump_back),
            "signal says what was there");
    drop(make(64));
    read_from(object);
}
void handler_by_signal() {
    require(signal(SIGSEGV, simple) == SIG_DFL && signal(SIGSEGV, simple) == simple, "signal");
    char* const object = make(64);
    drop(object);
    for (int i = 0; i < 3; ++i)
        require(is_caught(object), "it stays");
    struct sigaction action = {};
    action.sa_handler = simple;
    action.sa_flags = SA_RESETHAND;
    require(sigaction(SIGSEGV, &action, nullptr) == 0 && is_caught(object), "once");
    struct sigaction now = {};
    require(sigaction(SIGSEGV, nullptr, &now) == 0 && now.sa_handler == SIG_DFL, "and no more");
    read_from(object);
}
// A handler that mends what faulted and goes on, as garbage collectors do.
char* barrier;
volatile int mended;
void mend(int, siginfo_t* info, void*) {
    if (address(info->si_addr) - address(barrier) >= kPage) _exit(9);
    mended = mended + 1;
    mprotect(barrier, kPage, PROT_READ | PROT_WRITE);
}
void handler_that_mends() {
    barrier = static_cast<char*>(mmap(nullptr, kPage, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
    struct sigaction action = {};
    action.sa_sigaction = mend;
    action.sa_flags = SA_SIGINFO | SA_ONSTACK | SA_NODEFER;
    use_own_stack();
    require(sigaction(SIGSEGV, &action, nullptr) == 0, "a handler");
    for (int i = 1; i <= 1000; ++i) {
        mprotect(barrier, kPage, PROT_NONE);
        drop(make(100));
        write_to(barrier + 100);
        require(mended == i, "each of them");
    }
}
// Past libc, as some run-time systems do it.
void handler_past_libc() {
    struct {
        void (*handler)(int, siginfo_t*, void*);
        unsigned long flags;
        void (*restorer)();
        unsigned long mask;
    } action = {};
    struct sigaction known = {};
    require(sigaction(SIGUSR1, nullptr, &known) == 0, "sigaction");
    // What libc has handlers return by is in the kernel's copy of one that it installed.
    known.sa_handler = simple;
    sigaction(SIGUSR1, &known, nullptr);
    syscall(SYS_rt_sigaction, SIGUSR1, nullptr, &action, 8);
    action.handler = jump_back;
    action.flags |= SA_SIGINFO;
    require(syscall(SYS_rt_sigaction, SIGSEGV, &action, nullptr, 8) == 0, "the system call");
    for (int i = 0; i < 20; ++i)  // it is looked for now and then
        drop(make(64));
    char* const object = make(64);
    drop(object);
    require(is_caught(object) && told == address(object), "the program's handler gets it");
    require(stats().guard_faults == 1, "and it was found");
}
// No fault, but a signal.
void sent_signals() {
    require(status_of_child([] { raise(SIGSEGV); }) == SIGSEGV, "ends the process");
    require(status_of_child([] { kill(getpid(), SIGBUS); }) == SIGBUS, "so does the other one");
    require(status_of_child([] {
                signal(SIGSEGV, SIG_IGN);
                raise(SIGSEGV);
            }) == 0,
            "unless it is ignored");
    require(status_of_child([] {
                signal(SIGSEGV, SIG_IGN);
                read_from(static_cast<char*>(check::opaque<void*>(nullptr)));
            }) == SIGSEGV,
            "which a fault cannot be");
    require(stats().guard_faults == 0, "nothing was found");
}

}  // namespace

int main(int count, char** arguments) {
    if (count < 2) check::give_up("which fact?", 2);
    const auto is = [=](const char* name) { return !strcmp(arguments[1], name); };
    if (is("own_handler"))
        own_handler(0);
    else if (is("own_handler_on_its_stack"))
        own_handler(SA_ONSTACK);
    else if (is("by_signal"))
        handler_by_signal();
    else if (is("that_mends"))
        handler_that_mends();
    else if (is("past_libc"))
        handler_past_libc();
    else if (is("sent_signals"))
        sent_signals();
    else
        check::give_up("no such fact in this program", 2);
}
