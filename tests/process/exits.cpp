// SPDX-License-Identifier: MIT
// Ways to end a process; the scenarios look at the report each of them leaves. Each allocates 123 blocks of
// 1 MiB, so that a report is known by its count.
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <spawn.h>
#include <stdint.h>
#include <sys/auxv.h>
#include <sys/time.h>
#include <sys/wait.h>

#include <cstdio>

#include "check.h"
#include "process.h"
#include "surface.h"

using check::opaque;
using check::require;

extern "C" char** environ;

namespace {

void allocate() {
    for (int i = 0; i < 123; ++i)
        free(opaque(malloc(process::kMiB)));
}

void by_return() {
    allocate();
}
void by_exit() {
    allocate();
    exit(0);
}
void by_quick_exit() {
    allocate();
    quick_exit(0);
}
void by__exit() {
    allocate();
    _exit(0);
}
void by__Exit() {
    allocate();
    _Exit(0);
}
// A status of the program's own, which no report may change.
void status_7_by_exit() {
    allocate();
    exit(7);
}
void status_7_by__exit() {
    allocate();
    _exit(7);
}
void status_7_by_quick_exit() {
    allocate();
    quick_exit(7);
}
// With a handler of SIGPIPE's of its own, which must stay where it is and see nothing.
void status_7_with_handlers() {
    for (int number : {SIGPIPE, SIGXFSZ})
        signal(number, [](int) { _exit(9); });
    status_7_by_exit();
}
void by_exit_in_thread() {
    allocate();
    pthread_t thread;
    auto end = [](void*) -> void* { exit(0); };
    pthread_create(&thread, nullptr, end, nullptr);
    pthread_join(thread, nullptr);
}
void by_abort() {
    allocate();
    abort();
}

void wait_for(pid_t child) {
    int status = 1;
    require(waitpid(child, &status, 0) == child && status == 0, "the child ends well");
}

void children() {
    allocate();
    for (int i = 0; i < 3; ++i) {
        pid_t child = fork();
        if (child == 0) i == 2 ? exit(0) : _exit(0);
        wait_for(child);
    }
}

// By a handler, wherever malloc or free may be.
[[noreturn]] void by_alarm(int after_microseconds) {
    signal(SIGALRM, [](int) { _exit(0); });
    const itimerval timer{{0, 0}, {0, after_microseconds}};
    setitimer(ITIMER_REAL, &timer, nullptr);
    for (size_t i = 0;; ++i)
        free(opaque(malloc(i % 2 ? 200000 : 40000)));
}
void alarms() {
    allocate();
    for (int i = 0; i < 160; ++i) {
        const pid_t child = fork();
        if (child == 0) by_alarm(1000 + 37 * i);
        wait_for(child);
    }
}

// A vfork child shares everything with its parent, who has not ended.
void vfork_child() {
    allocate();
    pid_t child = vfork();
    if (child == 0) _exit(0);
    wait_for(child);
    child = vfork();
    if (child == 0) {
        execl("/nonexistent", "nonexistent", nullptr);
        _exit(0);
    }
    wait_for(child);
}

// As coreutils do in an atexit handler.
void standard_error_closed() {
    allocate();
    fclose(stderr);
    close(2);
}

// As a server does that goes into the background: whoever reads its standard error learns that it ends. Goes
// on until its input ends.
void detached() {
    close(2);
    char byte;
    while (read(0, &byte, 1) > 0) {
    }
}

// The program's own file took the number 2.
void standard_error_reopened() {
    allocate();
    close(2);
    if (open("own_file", O_CREAT | O_TRUNC | O_WRONLY, 0644) != 2) _exit(9);
    if (write(2, "own words\n", 10) != 10) _exit(9);
}

void all_descriptors_closed() {
    allocate();
    for (int fd = 0; fd < 1024; ++fd)
        close(fd);
}

void directory_changed() {
    allocate();
    require(chdir("/") == 0, "chdir");
}

void output_untouched() {
    allocate();
    puts("own output");
    fputs("own error\n", stderr);
}

// Descriptor numbers that programs count on: the first one opened is 3.
void first_descriptor() {
    allocate();
    require(open("/dev/null", O_RDONLY) == 3, "the program's first file is number 3");
}

void privileged() {
    allocate();
    printf("%lu\n", getauxval(AT_SECURE));
}

void executes_another() {
    allocate();
    execl("/bin/true", "true", nullptr);
}

void many_threads_alive() {
    allocate();
    for (int i = 0; i < 4; ++i) {
        pthread_t thread;
        auto forever = [](void*) -> void* {
            for (;;)
                free(opaque(malloc(100)));
        };
        pthread_create(&thread, nullptr, forever, nullptr);
    }
    usleep(20000);
}

}  // namespace

int main(int count, char** arguments) {
    return check::run(count, arguments,
                      {{"return", by_return},
                       {"exit", by_exit},
                       {"quick_exit", by_quick_exit},
                       {"_exit", by__exit},
                       {"_Exit", by__Exit},
                       {"status_7_by_exit", status_7_by_exit},
                       {"status_7_by__exit", status_7_by__exit},
                       {"status_7_by_quick_exit", status_7_by_quick_exit},
                       {"status_7_with_handlers", status_7_with_handlers},
                       {"exit_in_thread", by_exit_in_thread},
                       {"abort", by_abort},
                       {"children", children},
                       {"alarms", alarms},
                       {"vfork_child", vfork_child},
                       {"detached", detached},
                       {"standard_error_closed", standard_error_closed},
                       {"standard_error_reopened", standard_error_reopened},
                       {"all_descriptors_closed", all_descriptors_closed},
                       {"directory_changed", directory_changed},
                       {"output_untouched", output_untouched},
                       {"first_descriptor", first_descriptor},
                       {"privileged", privileged},
                       {"executes_another", executes_another},
                       {"many_threads_alive", many_threads_alive}});
}
