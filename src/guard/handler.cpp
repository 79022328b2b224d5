// SPDX-License-Identifier: MIT
// Ours is installed with the flags and the mask that the program wants for its own, so that the program's runs as the kernel would
// have run it: on the same stack, with the same signals blocked.
#include "guard/handler.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "guard/context.h"
#include "guard/pool.h"
#include "guard/report.h"
#include "os/lock.h"
#include "os/os.h"

namespace tarn::guard {

namespace {

using Sigaction = int (*)(int, const struct sigaction*, struct sigaction*);

struct Kept {
    int signal;
    struct sigaction action;  // what the program wants
};

struct Handler {
    Lock lock;
    // As the program's objects have them, before they are hooked.
    Sigaction real = nullptr;
    void *real_signal = nullptr, *real_once = nullptr;
    HookCalls hook_calls = nullptr;
    HookedObjects hooked;
    Kept kept[2];
};
constinit Handler handler = {};

Kept* kept_of(int signal) {
    for (Kept& each : handler.kept)
        if (each.signal == signal) return &each;
    return nullptr;
}

void handle(int signal, siginfo_t* info, void* context);

bool is_ours(const struct sigaction& action) {
    return action.sa_flags & SA_SIGINFO && action.sa_sigaction == handle;
}
bool is_function(const struct sigaction& action) {
    return action.sa_flags & SA_SIGINFO || (action.sa_handler != SIG_DFL && action.sa_handler != SIG_IGN);
}

void install(const Kept& kept) {
    struct sigaction ours = {};
    ours.sa_sigaction = handle;
    ours.sa_flags = SA_SIGINFO | SA_ONSTACK;
    if (is_function(kept.action)) {
        ours.sa_flags = SA_SIGINFO | (kept.action.sa_flags & ~SA_RESETHAND);
        ours.sa_mask = kept.action.sa_mask;
    }
    handler.real(kept.signal, &ours, nullptr);
}

// The action as the program set it last. A handler that interrupts a change in this thread sees the change begun.
struct sigaction wanted(Kept& kept) {
    const bool mine = handler.lock.is_mine();
    if (!mine) handler.lock.lock();
    const struct sigaction action = kept.action;
    if (action.sa_flags & SA_RESETHAND && is_function(action))
        kept.action.sa_handler = SIG_DFL, kept.action.sa_flags = 0;
    if (!mine) handler.lock.unlock();
    return action;
}

// The default action, with the status that it has: the instruction faults once more, or the signal comes once more.
void take_default(int signal, const siginfo_t& info) {
    struct sigaction plain = {};
    plain.sa_handler = SIG_DFL;
    handler.real(signal, &plain, nullptr);
    const bool sent = info.si_code <= 0;
    if (sent) syscall(SYS_tgkill, getpid(), os::thread_id(), signal);
}

void forward(int signal, siginfo_t* info, void* context) {
    Kept& kept = *kept_of(signal);
    const struct sigaction action = wanted(kept);
    if (is_function(action)) {
        if (action.sa_flags & SA_RESETHAND) install(kept);
        return action.sa_sigaction(signal, info, context);
    }
    // What is raised by an instruction cannot be ignored.
    if (action.sa_handler == SIG_IGN && info->si_code <= 0) return;
    take_default(signal, *info);
}

void handle(int signal, siginfo_t* info, void* context) {
    const int saved = errno;
    const uintptr_t address = reinterpret_cast<uintptr_t>(info->si_addr);
    if (info->si_code > 0 && in_pool(address)) {
        const ucontext_t& interrupted = *static_cast<const ucontext_t*>(context);
        unwind::Registers registers;
        registers_of(interrupted, registers);
        report_access(address, access_of(interrupted), registers);
    }
    errno = saved;
    forward(signal, info, context);
}

// In the place of libc's, for objects that are loaded.
int keep_action(int signal, const struct sigaction* action, struct sigaction* before) {
    Kept* const kept = kept_of(signal);
    if (!kept) return handler.real(signal, action, before);
    const bool mine = handler.lock.is_mine();
    if (!mine) handler.lock.lock();
    const struct sigaction old = kept->action;
    if (action) kept->action = *action;
    if (action) install(*kept);
    if (!mine) handler.lock.unlock();
    if (before) *before = old;
    return 0;
}

sighandler_t keep_simple(int signal, sighandler_t function, int flags) {
    struct sigaction action = {}, before = {};
    action.sa_handler = function;
    action.sa_flags = flags;
    if (!(flags & SA_NODEFER)) sigaddset(&action.sa_mask, signal);
    if (function == SIG_ERR) return errno = EINVAL, SIG_ERR;
    return keep_action(signal, &action, &before) ? SIG_ERR : before.sa_handler;
}

// As signal(2) has them: those of BSD, which are the usual ones, and those of System V.
sighandler_t keep_signal(int signal, sighandler_t function) {
    return keep_simple(signal, function, SA_RESTART);
}
sighandler_t keep_once(int signal, sighandler_t function) {
    return keep_simple(signal, function, SA_RESETHAND | SA_NODEFER);
}

}  // namespace

void hook_new_objects() {
    const CallHook hooks[] = {
        {"sigaction", reinterpret_cast<void*>(handler.real), reinterpret_cast<void*>(keep_action)},
        {"signal", handler.real_signal, reinterpret_cast<void*>(keep_signal)},
        {"__sysv_signal", handler.real_once, reinterpret_cast<void*>(keep_once)}};
    handler.hook_calls(hooks, sizeof hooks / sizeof *hooks, &handler.hooked);
}

void install_handler(HookCalls hook_calls) {
    handler.real = sigaction;
    handler.real_signal = reinterpret_cast<void*>(signal);
    handler.real_once = reinterpret_cast<void*>(__sysv_signal);
    handler.hook_calls = hook_calls;
    constexpr int kSignals[] = {SIGSEGV, SIGBUS};
    for (int i = 0; i < 2; ++i) {
        handler.kept[i].signal = kSignals[i];
        handler.real(kSignals[i], nullptr, &handler.kept[i].action);
        install(handler.kept[i]);
    }
    hook_new_objects();
}

void look_after_handler() {
    Kept& kept = handler.kept[0];
    struct sigaction now;
    if (handler.real(kept.signal, nullptr, &now) != 0 || is_ours(now)) return;
    if (handler.lock.is_mine() || !handler.lock.try_lock()) return;
    kept.action = now;
    install(kept);
    handler.lock.unlock();
}

void handler_after_fork_child() {
    if (!handler.lock.is_mine()) handler.lock.reset();
}

}  // namespace tarn::guard
