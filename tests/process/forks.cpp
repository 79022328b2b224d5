// SPDX-License-Identifier: MIT
// fork while other threads are anywhere in the allocator or in stdio, and fork in a signal handler. A child
// that hangs is ended by its own alarm, and the fact fails.
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <sys/resource.h>
#include <sys/time.h>
#include <sys/wait.h>

#include <atomic>
#include <cstdio>

#include "check.h"
#include "process.h"
#include "surface.h"

using check::opaque;
using check::require;
using process::kMiB;
using process::Random;

namespace {

constexpr unsigned kSeconds = 20;  // far more than any child needs
size_t forks = 10000;              // the second argument
std::atomic<bool> stop;

// Objects that wander between threads: whoever takes one frees it.
std::atomic<void*> exchange[256];

size_t large_per_thousand = 20;

size_t some_size(Random& random) {
    size_t kind = random.below(1000);
    if (kind < large_per_thousand) return 1 + random.below(600000);
    return 1 + random.below(kind < 900 ? 500 : 30000);
}

void churn(Random& random) {
    void* objects[32];
    for (void*& object : objects) {
        size_t size = some_size(random);
        object = malloc(size);
        *static_cast<char*>(object) = 1;
    }
    for (void* object : objects)
        free(exchange[random.below(256)].exchange(object));
}

// With pauses, so that the forking thread and the child get the processor soon.
void* churn_until_stopped(void* seed) {
    Random random{reinterpret_cast<uintptr_t>(seed) * 7919 + 1};
    while (!stop.load(std::memory_order_relaxed))
        churn(random);
    return nullptr;
}

pthread_t workers[8];
void start_workers(int count, void* (*body)(void*) = churn_until_stopped) {
    for (intptr_t i = 0; i < count; ++i)
        require(!pthread_create(&workers[i], nullptr, body, reinterpret_cast<void*>(i + 1)),
                "a thread starts");
}
void stop_workers(int count) {
    stop = true;
    for (int i = 0; i < count; ++i)
        pthread_join(workers[i], nullptr);
}

// Forks, runs `body` in the child, and requires that it ended well.
void in_child(void (*body)()) {
    pid_t child = fork();
    require(child >= 0, "fork succeeds");
    if (child == 0) {
        alarm(check::patience(kSeconds));
        body();
        _exit(0);
    }
    int status = 0;
    require(waitpid(child, &status, 0) == child, "the child is waited for");
    require(!(WIFSIGNALED(status) && WTERMSIG(status) == SIGALRM), "the child does not hang");
    require(WIFEXITED(status) && WEXITSTATUS(status) == 0, "the child ends well");
}

void allocate_a_little() {
    Random random{12345};
    for (int i = 0; i < 3; ++i)
        churn(random);
    free(memset(malloc(2 * kMiB), 1, 4096));
}

// Ahead of its workers, where allowed: what is waited for is the child, not its turn.
void while_threads_allocate() {
    start_workers(6);
    setpriority(PRIO_PROCESS, 0, -15);
    for (size_t i = 0; i < forks; ++i)
        in_child(allocate_a_little);
    stop_workers(6);
}

// The child goes through everything: other threads' objects, threads of its own, a child of its own.
void full_child() {
    for (auto& slot : exchange)
        free(slot.exchange(nullptr));
    Random random{99};
    for (int i = 0; i < 30; ++i)
        churn(random);
    stop = false;
    start_workers(2);
    usleep(1000);
    in_child(allocate_a_little);
    stop_workers(2);
    malloc_trim(0);
}

// Hardly any block of the backend: its locks are not what this is about, and it may be slow to fork with.
void while_threads_allocate_small() {
    large_per_thousand = 1;
    while_threads_allocate();
}

void child_frees_objects_of_other_threads() {
    start_workers(4);
    setpriority(PRIO_PROCESS, 0, -15);
    for (size_t i = 0; i < forks; ++i)
        in_child(full_child);
    stop_workers(4);
}

// Memory of threads that are gone in the child serves the child.
void* gone[20000];
pthread_barrier_t filled;
void* fill_and_wait(void*) {
    for (void*& object : gone)
        memset(object = malloc(1000), 1, 1000);
    pthread_barrier_wait(&filled);
    for (;;)
        pause();
}
void child_reuses_memory_of_gone_threads() {
    pthread_barrier_init(&filled, nullptr, 2);
    start_workers(1, fill_and_wait);
    pthread_barrier_wait(&filled);
    in_child([] {
        size_t before = process::resident();
        for (int round = 0; round < 10; ++round) {
            for (void* object : gone)
                free(object);
            for (void*& object : gone)
                memset(object = malloc(1000), 1, 1000);
        }
        require(process::resident() < before + 30 * kMiB, "20 MB are reused, not asked for ten times");
    });
}

// Writes to this stream allocate, as those of many libraries do: fflush(NULL) holds the list of streams then.
ssize_t allocating_write(void*, const char*, size_t size) {
    for (size_t i = 1; i < 50; ++i)
        free(exchange[i].exchange(malloc(i * 40)));
    return static_cast<ssize_t>(size);
}
void* flush_until_stopped(void*) {
    cookie_io_functions_t functions = {nullptr, allocating_write, nullptr, nullptr};
    FILE* stream = fopencookie(nullptr, "w", functions);
    while (!stop.load(std::memory_order_relaxed)) {
        fputs("words", stream);
        fflush(nullptr);
    }
    fclose(stream);
    return nullptr;
}
void* open_until_stopped(void*) {
    while (!stop.load(std::memory_order_relaxed)) {
        FILE* stream = fopen("/dev/null", "r");
        if (stream) fclose(stream);
    }
    return nullptr;
}

void while_stdio_list_is_locked() {
    start_workers(2, flush_until_stopped);
    start_workers(2, open_until_stopped);
    for (size_t i = 0; i < forks; ++i)
        in_child([] {
            allocate_a_little();
            FILE* stream = fopen("/dev/null", "w");
            fputs("words", stream);
            fclose(stream);
        });
    _exit(0);
}

std::atomic<size_t> forked, bad;
void fork_in_handler(int) {
    int saved = errno;
    pid_t child = fork();
    if (child == 0) _exit(0);
    int status = 0;
    bad += waitpid(child, &status, 0) != child || status != 0;
    ++forked;
    errno = saved;
}

// The signal comes in the middle of malloc and free; the handler forks.
void fork_in_handlers(int threads) {
    start_workers(threads);
    struct sigaction action = {};
    action.sa_handler = fork_in_handler;
    action.sa_flags = SA_RESTART;
    sigaction(SIGPROF, &action, nullptr);
    itimerval interval = {{0, 500}, {0, 500}};
    setitimer(ITIMER_PROF, &interval, nullptr);
    Random random{4711};
    while (forked < forks)
        churn(random);
    interval = {};
    setitimer(ITIMER_PROF, &interval, nullptr);
    require(bad == 0, "every child ends well");
    _exit(0);
}
void in_a_signal_handler() {
    fork_in_handlers(0);
}
void in_a_signal_handler_with_threads() {
    fork_in_handlers(3);
}

void commands_while_threads_allocate() {
    start_workers(4);
    for (size_t i = 0; i < forks; ++i) {
        require(system("exit 3") == 3 << 8, "system");
        FILE* pipe = popen("echo words", "r");
        char line[16] = "";
        require(pipe && fgets(line, sizeof line, pipe) && !strcmp(line, "words\n"), "popen");
        require(pclose(pipe) == 0, "pclose");
        pid_t child = vfork();
        if (child == 0) {
            execl("/bin/true", "true", nullptr);
            _exit(9);
        }
        int status = 1;
        require(waitpid(child, &status, 0) == child && status == 0, "vfork");
    }
    stop_workers(4);
}

// Long lines of descent: each child forks the next, with live objects from all before.
void generation(int left) {
    void* objects[100];
    for (void*& object : objects)
        memset(object = malloc(300), left, 300);
    if (left > 0) {
        pid_t child = fork();
        if (child == 0) {
            generation(left - 1);
            for (void* object : objects) {
                require(static_cast<char*>(object)[299] == static_cast<char>(left), "kept over fork");
                free(object);
            }
            _exit(0);
        }
        int status = 1;
        require(waitpid(child, &status, 0) == child && status == 0, "the child ends well");
    }
    for (void* object : objects)
        free(object);
}
void generations() {
    generation(60);
}

}  // namespace

int main(int count, char** arguments) {
    if (count > 2) forks = strtoul(arguments[2], nullptr, 10);
    return check::run(count, arguments,
                      {{"while_threads_allocate", while_threads_allocate},
                       {"while_threads_allocate_small", while_threads_allocate_small},
                       {"child_frees_objects_of_other_threads", child_frees_objects_of_other_threads},
                       {"child_reuses_memory_of_gone_threads", child_reuses_memory_of_gone_threads},
                       {"while_stdio_list_is_locked", while_stdio_list_is_locked},
                       {"in_a_signal_handler", in_a_signal_handler},
                       {"in_a_signal_handler_with_threads", in_a_signal_handler_with_threads},
                       {"commands_while_threads_allocate", commands_while_threads_allocate},
                       {"generations", generations}});
}
