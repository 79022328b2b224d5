// SPDX-License-Identifier: MIT
// Short processes, one after the other: what an allocator costs at start and exit. It is in each of them by
// the environment, which they inherit. Own.
#include <spawn.h>
#include <sys/wait.h>

#include "support.h"

int main(int count, char** values) {
    bench::Arguments arguments(count, values);
    const size_t processes = arguments.scaled("--operations", 300);
    arguments.end();

    char name[] = "/bin/true";
    char* const command[] = {name, nullptr};
    for (size_t i = 0; i < processes; ++i) {
        pid_t child;
        int status;
        if (posix_spawn(&child, name, nullptr, nullptr, command, environ) != 0) bench::fail("no process");
        if (waitpid(child, &status, 0) != child || status != 0) bench::fail("/bin/true has failed");
    }
    bench::work(processes, "processes");
}
