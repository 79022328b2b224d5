// SPDX-License-Identifier: MIT
// Moments at which an allocation function can wait for nobody and has little room: under the dynamic linker's
// lock, under a FILE's lock while others fork, on the smallest stack.
#include <dlfcn.h>
#include <limits.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/time.h>
#include <sys/wait.h>

#include <atomic>

#include "check.h"
#include "process.h"
#include "surface.h"

using check::opaque;
using check::require;
using process::kMiB;

namespace {

const char* argument = "";  // the second: a path, or how often
size_t times() {
    return strtoul(argument, nullptr, 10);
}
constexpr unsigned kSeconds = 20;

void library_that_waits_in_its_constructor() {
    alarm(check::patience(kSeconds));
    void* library = dlopen(argument, RTLD_NOW);
    if (!library) check::fail(dlerror());
}

void* blocks[2000];
void* allocate_blocks(void*) {
    for (size_t size : {40000, 100, 500000}) {
        const size_t count = size > 100000 ? 100 : 2000;
        for (size_t i = 0; i < count; ++i) {
            require((blocks[i] = malloc(size)) != nullptr, "there is memory");
            *static_cast<char*>(blocks[i]) = 1;
        }
        for (size_t i = 0; i < count; ++i)
            free(blocks[i]);
    }
    free(realloc(calloc(1, 50000), 200000));
    free(aligned_alloc(4096, 50000));
    return nullptr;
}
// The least that POSIX allows, guard page below: what does not fit ends the process.
void smallest_stack() {
    pthread_attr_t attributes;
    pthread_attr_init(&attributes);
    require(!pthread_attr_setstacksize(&attributes, 16384), "16 KiB are allowed");
    pthread_t thread;
    require(!pthread_create(&thread, &attributes, allocate_blocks, nullptr), "a thread starts");
    pthread_join(thread, nullptr);
}

// getline allocates under its FILE's lock; fflush(NULL) waits for that with the list of streams locked, and
// fork for the list. Each round is a process of its own, in which everything happens for the first time.
std::atomic<bool> stop;
char line_path[] = "/tmp/tarn-line-XXXXXX";
void* read_lines(void*) {
    FILE* file = fopen(line_path, "r");
    while (!stop) {
        char* line = nullptr;
        size_t room = 0;
        rewind(file);
        require(getline(&line, &room, file) == 50001, "a line of 50,000 bytes");
        free(line);
    }
    fclose(file);
    return nullptr;
}
void* fork_on(void*) {
    while (!stop) {
        const pid_t child = fork();
        if (child == 0) _exit(0);
        if (child > 0) waitpid(child, nullptr, 0);
    }
    return nullptr;
}
void* flush_on(void*) {
    while (!stop)
        fflush(nullptr);
    return nullptr;
}
void round_of_streams() {
    pthread_t threads[10];
    int count = 0;
    for (int i = 0; i < 3; ++i)
        pthread_create(&threads[count++], nullptr, fork_on, nullptr);
    for (int i = 0; i < 6; ++i)
        pthread_create(&threads[count++], nullptr, read_lines, nullptr);
    pthread_create(&threads[count++], nullptr, flush_on, nullptr);
    usleep(300000);
    stop = true;
    for (int i = 0; i < count; ++i)
        pthread_join(threads[i], nullptr);
}
void first_blocks_under_stream_locks() {
    static char line[50001];
    memset(line, 'x', 50000);
    line[50000] = '\n';
    const int file = mkstemp(line_path);
    require(file >= 0 && write(file, line, sizeof line) == sizeof line, "a file with one line");
    bool hung = false;
    for (size_t i = 0; i < times() && !hung; ++i) {
        const pid_t child = fork();
        if (child == 0) {
            alarm(check::patience(kSeconds));
            round_of_streams();
            _exit(0);
        }
        int status = 1;
        waitpid(child, &status, 0);
        hung = status != 0;
    }
    unlink(line_path);
    require(!hung, "no round hangs");
}

}  // namespace

int main(int count, char** arguments) {
    if (count > 2) argument = arguments[2];
    return check::run(count, arguments,
                      {{"library_that_waits_in_its_constructor", library_that_waits_in_its_constructor},
                       {"smallest_stack", smallest_stack},
                       {"first_blocks_under_stream_locks", first_blocks_under_stream_locks}});
}
