// SPDX-License-Identifier: MIT
#include "export/confinement.h"

#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "export/plt_hook.h"
#include "os/os.h"

namespace tarn {

namespace {

// Before the call: afterwards it may be too late. One that fails does no harm. A tail call, so that a child that shares this stack finds nothing of ours on it.
long syscall_hook(long number, long a, long b, long c, long d, long e, long f) {
    const bool confines =
        (number == SYS_seccomp && (a == SECCOMP_SET_MODE_STRICT || a == SECCOMP_SET_MODE_FILTER)) ||
        (number == SYS_prctl && a == PR_SET_SECCOMP);
    if (confines) [[unlikely]]
        os::note_confinement();
    return ::syscall(number, a, b, c, d, e, f);
}

}  // namespace

void watch_confinement() {
    const CallHook hooks[] = {{"syscall", nullptr, reinterpret_cast<void*>(syscall_hook)}};
    hook_calls(hooks, 1, nullptr);
}

}  // namespace tarn
