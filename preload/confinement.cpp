// SPDX-License-Identifier: MIT
// How a program puts a filter of system calls on itself: by prctl, or by libseccomp and others after they have given up new
// privileges by prctl. Afterwards nobody can ask the kernel whether there is a filter without making a call that it may not know; so
// the step itself is noticed (os::note_confinement). A child of vfork marks its parent as well, which does no harm.
#include <errno.h>
#include <linux/seccomp.h>
#include <stdarg.h>
#include <sys/prctl.h>

#include "os/os.h"

namespace {

// Without a filter it is asked whether there could be one.
bool confines(int option, const unsigned long (&words)[4]) {
    if (option == PR_SET_NO_NEW_PRIVS) return words[0] == 1;
    return option == PR_SET_SECCOMP && (words[0] == SECCOMP_MODE_STRICT || words[1] != 0);
}

}  // namespace

extern "C" [[gnu::visibility("default")]] int prctl(int option, ...) noexcept {
    va_list more;
    va_start(more, option);
    unsigned long words[4];
    for (unsigned long& word : words)
        word = va_arg(more, unsigned long);
    va_end(more);
    const long result = tarn::os::control_process(option, words);
    if (result < 0 && result >= -4095) {
        errno = static_cast<int>(-result);
        return -1;
    }
    if (confines(option, words)) [[unlikely]]
        tarn::os::note_confinement();
    return static_cast<int>(result);
}
