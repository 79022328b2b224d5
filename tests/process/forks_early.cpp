// SPDX-License-Identifier: MIT
// fork at moments that come seldom: while other threads are in their very first call, and in a handler over
// an interrupted call, when the child goes on where the parent was and then has threads of its own.
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <sys/resource.h>
#include <sys/time.h>
#include <sys/wait.h>

#include <atomic>

#include "check.h"
#include "process.h"
#include "surface.h"

using check::opaque;
using check::require;
using process::kMiB;
using process::Random;

namespace {

constexpr unsigned kSeconds = 20;  // far more than any child needs
constexpr int kStarters = 3;
size_t forks = 10000;  // the second argument
std::atomic<bool> stop;
std::atomic<void*> left[kStarters];  // by threads that have ended

void* first_call_alone(void* place) {
    free(static_cast<std::atomic<void*>*>(place)->exchange(malloc(100)));
    return nullptr;
}

// Threads that live for one call, in batches, so that several are in it at once.
void* start_on(void* place) {
    pthread_attr_t attributes;
    pthread_attr_init(&attributes);
    pthread_attr_setstacksize(&attributes, 64 << 10);
    while (!stop) {
        pthread_t threads[4];
        for (pthread_t& thread : threads)
            require(!pthread_create(&thread, &attributes, first_call_alone, place), "a thread starts");
        for (pthread_t thread : threads)
            pthread_join(thread, nullptr);
    }
    return nullptr;
}

// What a child does: first calls of new threads, blocks, the objects that were left.
void* allocate(void*) {
    void* objects[50];
    for (size_t i = 0; i < 50; ++i)
        memset(objects[i] = malloc(i * 90 + 1), 1, i * 90 + 1);
    for (void* object : objects)
        free(object);
    free(opaque(malloc(100000)));
    return nullptr;
}
[[noreturn]] void work_in_child() {
    alarm(check::patience(kSeconds));
    pthread_t threads[2];
    for (pthread_t& thread : threads)
        require(!pthread_create(&thread, nullptr, allocate, nullptr), "a thread starts in the child");
    allocate(nullptr);
    for (pthread_t thread : threads)
        pthread_join(thread, nullptr);
    _exit(0);
}

bool ended_well(pid_t child) {
    int status = 1;
    return child > 0 && waitpid(child, &status, 0) == child && status == 0;
}

void while_threads_make_their_first_call() {
    pthread_t starters[kStarters];
    for (int i = 0; i < kStarters; ++i)
        require(!pthread_create(&starters[i], nullptr, start_on, &left[i]), "a thread starts");
    setpriority(PRIO_PROCESS, 0, -15);
    for (size_t i = 0; i < forks; ++i) {
        const pid_t child = fork();
        if (child == 0) work_in_child();
        require(ended_well(child), "the child ends well, in time");
    }
    stop = true;
    for (pthread_t starter : starters)
        pthread_join(starter, nullptr);
}

// In a process that had one thread so far: the second is in its first call, or near it, when the first forks.
std::atomic<bool> up;
void* first_call_of_all(void*) {
    up = true;
    free(opaque(malloc(100)));
    return nullptr;
}
[[noreturn]] void fork_beside_a_first_call(size_t delay) {
    alarm(check::patience(kSeconds));
    pthread_t thread;
    require(!pthread_create(&thread, nullptr, first_call_of_all, nullptr), "a thread starts");
    while (!up) {
    }
    for (size_t i = 0; i < delay; ++i)
        opaque(i);
    const pid_t child = fork();
    if (child == 0) work_in_child();
    _exit(ended_well(child) ? 0 : 1);
}
void while_the_first_other_thread_starts() {
    Random random{99};
    free(opaque(malloc(100)));
    for (size_t i = 0; i < forks; ++i) {
        const size_t delay = random.below(size_t{1} << random.below(15));
        const pid_t child = fork();
        if (child == 0) fork_beside_a_first_call(delay);
        require(ended_well(child), "the child ends well, in time");
    }
}

volatile sig_atomic_t in_child;
std::atomic<size_t> forked, bad;
void fork_in_handler(int) {
    const int saved = errno;
    const pid_t child = fork();
    if (child == 0)
        in_child = 1;
    else
        bad += !ended_well(child), ++forked;
    errno = saved;
}

// Small objects, slabs that come and go, blocks, growth: the signal comes anywhere in there.
void churn(Random& random) {
    constexpr size_t kCount = 400;
    static void* objects[kCount];
    const size_t size = random.one_in(20) ? 40000 + random.below(300000) : 1 + random.below(3000);
    const size_t count = size > 10000 ? 10 : kCount;
    for (size_t i = 0; i < count && !in_child; ++i)
        *static_cast<char*>(objects[i] = malloc(size)) = 1;
    if (!in_child && random.one_in(50)) malloc_trim(0);
    for (size_t i = 0; i < count && objects[i]; ++i) {
        free(objects[i]);
        objects[i] = nullptr;
    }
}

void* churn_on(void* seed) {
    Random random{reinterpret_cast<uintptr_t>(seed)};
    while (!stop) {
        void* objects[64];
        for (void*& object : objects)
            *static_cast<char*>(object = malloc(1 + random.below(20000))) = 1;
        for (void* object : objects)
            free(object);
    }
    return nullptr;
}

// The child returns from the handler, ends the call that was interrupted, and then works with new threads.
void in_handlers(int threads) {
    // The others go on for ever, in a child as well: the signal is not for them.
    sigset_t alarms;
    sigemptyset(&alarms);
    sigaddset(&alarms, SIGALRM);
    pthread_sigmask(SIG_BLOCK, &alarms, nullptr);
    for (intptr_t i = 0; i < threads; ++i) {
        pthread_t thread;
        require(!pthread_create(&thread, nullptr, churn_on, reinterpret_cast<void*>(i + 1)),
                "a thread starts");
    }
    struct sigaction action = {};
    action.sa_handler = fork_in_handler;
    sigaction(SIGALRM, &action, nullptr);
    pthread_sigmask(SIG_UNBLOCK, &alarms, nullptr);
    Random random{4711};
    while (forked < forks) {
        // One at a time, after a while of the order of a call to some hundreds.
        const itimerval once = {{0, 0}, {0, static_cast<suseconds_t>(20 + random.below(400))}};
        const size_t before = forked;
        setitimer(ITIMER_REAL, &once, nullptr);
        while (forked == before && !in_child)
            churn(random);
        if (in_child) {
            signal(SIGALRM, SIG_DFL);
            work_in_child();
        }
    }
    require(bad == 0, "every child ends well, in time");
    _exit(0);
}
void in_handler_over_a_call() {
    in_handlers(0);
}
void in_handler_over_a_call_while_threads_allocate() {
    in_handlers(3);
}

// In the process's one thread, with each object sampled (TARN_PROFILE): the handler comes over the sampler, as a rule. Its
// child works there, so much that its record would begin, and then goes on with what the handler came over.
volatile sig_atomic_t in_child_now = 0, children_now = 0, status_now = 0;
void fork_and_return(int) {
    const int saved = errno;
    const pid_t child = fork();
    if (child == 0) {
        in_child_now = 1;
        alarm(check::patience(kSeconds));
        for (int i = 0; i < 200; ++i)
            require(opaque(malloc(2000)), "the child allocates");
    } else if (child > 0) {
        int status = 1;
        while (waitpid(child, &status, 0) < 0 && errno == EINTR) {
        }
        children_now = children_now + 1;
        if (status != 0) status_now = status;
    }
    errno = saved;
}
// Many stacks.
[[gnu::noinline]] void* deeper(uint64_t depth, size_t size) {
    if (depth > 0) return opaque(deeper(depth - 1, size));
    return opaque(size % 3 == 0 ? calloc(1, size) : size % 3 == 1 ? malloc(size) : realloc(nullptr, size));
}
void in_handler_over_the_sampler() {
    signal(SIGALRM, fork_and_return);
    Random random{1};
    void* held[512] = {};
    int rest = 2000;
    for (unsigned i = 0; static_cast<size_t>(children_now) < forks && !status_now && rest > 0; ++i) {
        void*& one = held[random.below(512)];
        free(one);
        one = nullptr;
        if (i % 64 == 0 && !in_child_now) {
            const itimerval soon{{0, 0}, {0, static_cast<suseconds_t>(1 + random.below(500))}};
            setitimer(ITIMER_REAL, &soon, nullptr);
        }
        one = deeper(random.below(100), 1 + random.below(3000));
        if (in_child_now) --rest;
    }
    for (void* each : held)
        free(each);
    if (in_child_now) _exit(0);
    require(status_now == 0, "a child goes on with its sample");
}

}  // namespace

int main(int count, char** arguments) {
    if (count > 2) forks = strtoul(arguments[2], nullptr, 10);
    return check::run(
        count, arguments,
        {{"while_threads_make_their_first_call", while_threads_make_their_first_call},
         {"while_the_first_other_thread_starts", while_the_first_other_thread_starts},
         {"in_handler_over_a_call", in_handler_over_a_call},
         {"in_handler_over_the_sampler", in_handler_over_the_sampler},
         {"in_handler_over_a_call_while_threads_allocate", in_handler_over_a_call_while_threads_allocate}});
}
