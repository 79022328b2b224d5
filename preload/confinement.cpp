// SPDX-License-Identifier: MIT
// The two ways in which programs put a filter of system calls on themselves. Afterwards nobody can ask the kernel whether there is
// one without making a call that it may not know; so the step itself is noticed, before it is done (os::note_confinement).
#include <dlfcn.h>
#include <errno.h>
#include <stdarg.h>
#include <sys/prctl.h>

#include "os/os.h"

extern "C" [[gnu::visibility("default")]] int prctl(int option, ...) noexcept {
    va_list more;
    va_start(more, option);
    unsigned long words[4];
    for (unsigned long& word : words)
        word = va_arg(more, unsigned long);
    va_end(more);
    if (option == PR_SET_SECCOMP) [[unlikely]]
        tarn::os::note_confinement();
    const long result = tarn::os::control_process(option, words);
    if (result >= 0) return static_cast<int>(result);
    errno = static_cast<int>(-result);
    return -1;
}

// libseccomp's.
extern "C" [[gnu::visibility("default")]] int seccomp_load(void* filter) noexcept {
    const auto real = reinterpret_cast<int (*)(void*)>(dlsym(RTLD_NEXT, "seccomp_load"));
    if (!real) return -ENOSYS;  // no libseccomp after this library
    tarn::os::note_confinement();
    return real(filter);
}
