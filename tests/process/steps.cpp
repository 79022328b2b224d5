// SPDX-License-Identifier: MIT
// A call is interrupted after each of its instructions by a handler that forks, while other threads have heaps: the child
// goes on with the call, and with much else. By the trap flag of x86-64; elsewhere there is nothing to see.
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <sys/wait.h>
#include <ucontext.h>
#include <unistd.h>

#include "check.h"
#include "process.h"
#include "surface.h"

using check::opaque;
using check::require;

namespace {

constexpr unsigned kChildSeconds = 20;
constexpr long long kTrapFlag = 0x100;

volatile bool stepping = false;
bool in_child = false;
size_t steps = 0, every = 7, forked = 0;

void trap(int, siginfo_t*, void* context) {
#ifdef __x86_64__
    greg_t& flags = static_cast<ucontext_t*>(context)->uc_mcontext.gregs[REG_EFL];
    if (!stepping || in_child) flags &= ~kTrapFlag;
    if (!stepping || in_child || ++steps % every != 0) return;
    ++forked;
    const pid_t child = fork();
    if (child == 0) {
        in_child = true;
        flags &= ~kTrapFlag;
        alarm(check::patience(kChildSeconds));
        return;
    }
    int status = -1;
    while (waitpid(child, &status, 0) < 0) {
    }
    if (status != 0) {
        fprintf(stderr, "step %zu: the child ended with status %x\n", steps, status);
        _exit(1);
    }
#else
    (void)context;
#endif
}

// Objects that live all the while, and many that do not.
unsigned char* kept[200];
size_t size_of_kept(size_t i) {
    return 1 + i * 37 % 3000;
}
void keep() {
    for (size_t i = 0; i < 200; ++i)
        kept[i] = static_cast<unsigned char*>(
            memset(malloc(size_of_kept(i)), static_cast<int>(i), size_of_kept(i)));
}
void look_and_work() {
    static unsigned char* others[2000];
    for (size_t i = 0; i < 2000; ++i) {
        const size_t size = 1 + i * 101 % (i % 8 ? 1100 : 9000);
        others[i] = static_cast<unsigned char*>(memset(malloc(size), static_cast<int>(i), size));
    }
    for (size_t i = 0; i < 2000; ++i) {
        const size_t size = 1 + i * 101 % (i % 8 ? 1100 : 9000);
        require(others[i][0] == static_cast<unsigned char>(i) &&
                    others[i][size - 1] == static_cast<unsigned char>(i),
                "no two objects overlap");
        free(others[i]);
    }
    for (size_t i = 0; i < 200; ++i)
        require(kept[i][0] == static_cast<unsigned char>(i) &&
                    kept[i][size_of_kept(i) - 1] == static_cast<unsigned char>(i),
                "what lived before lives");
}

void end_of_child() {
    if (!in_child) return;
    look_and_work();
    look_and_work();
    _exit(0);
}

void set_trap_flag() {
#ifdef __x86_64__
    asm volatile("pushfq; orq $0x100, (%%rsp); popfq" ::: "memory", "cc");
#endif
}
void clear_trap_flag() {
#ifdef __x86_64__
    asm volatile("pushfq; andq $~0x100, (%%rsp); popfq" ::: "memory", "cc");
#endif
}

void begin() {
    stepping = true;
    set_trap_flag();
}
void end() {
    clear_trap_flag();
    stepping = false;
    end_of_child();
}

void* volatile object;
void* volatile objects[600];

void* first_object(void*) {
    begin();
    object = malloc(48);
    end();
    return nullptr;
}
void* free_of_a_first_object(void*) {
    object = malloc(48);
    begin();
    free(object);
    end();
    return nullptr;
}
// The last one of a slab that threads share, which goes back.
void* free_of_the_last_of_a_slab(void*) {
    for (size_t i = 0; i < 60; ++i)
        objects[i] = malloc(1000);
    for (size_t i = 0; i < 60; ++i)
        if (i != 20) free(objects[i]);
    begin();
    free(objects[20]);
    end();
    return nullptr;
}
// After so many a thread gets a heap of its own.
void* heap_of_its_own(void*) {
    for (size_t i = 0; i < 63; ++i)
        objects[i] = malloc(16);
    begin();
    for (size_t i = 0; i < 3; ++i)
        objects[63 + i] = malloc(16);
    end();
    return nullptr;
}

// The allocator's key is older than this one, so that its destructor has run when this one's does.
pthread_key_t last_key;
void ended(void*) {
    end();
}
void* end_of_a_thread(void*) {
    pthread_setspecific(last_key, &last_key);
    for (size_t i = 0; i < 600; ++i)
        objects[i] = malloc(16 + i % 300);
    for (size_t i = 0; i < 600; ++i)
        if (i % 9) free(objects[i]);
    begin();
    return nullptr;
}

bool over = false;
void* bystander(void*) {
    void* mine[400];
    for (size_t i = 0; i < 400; ++i)
        mine[i] = malloc(100 + i);
    for (size_t i = 0; i < 400; ++i)
        if (i % 9) free(mine[i]);
    while (!__atomic_load_n(&over, __ATOMIC_RELAXED))
        usleep(1000);
    return nullptr;
}

// After each so many instructions; by day after twice as many.
void step_through(void* (*call)(void*), size_t how_often) {
    every = check::is_long() ? how_often : 2 * how_often + 1;
    struct sigaction action = {};
    action.sa_sigaction = trap;
    action.sa_flags = SA_SIGINFO | SA_RESTART;
    sigaction(SIGTRAP, &action, nullptr);
    keep();
    pthread_t others[3], thread;
    for (pthread_t& other : others)
        require(!pthread_create(&other, nullptr, bystander, nullptr), "a thread starts");
    usleep(50000);
    require(!pthread_create(&thread, nullptr, call, nullptr), "a thread starts");
    pthread_join(thread, nullptr);
    over = true;
    for (pthread_t other : others)
        pthread_join(other, nullptr);
    look_and_work();
    printf("%zu steps, %zu forks\n", steps, forked);
    fflush(stdout);
#ifdef __x86_64__
    require(forked > 10, "the call has instructions");
#endif
}

void of_a_first_object() {
    step_through(first_object, 3);
}
void of_a_free() {
    step_through(free_of_a_first_object, 2);
}
void of_a_slab_that_goes_back() {
    step_through(free_of_the_last_of_a_slab, 5);
}
void of_a_heap_that_is_opened() {
    step_through(heap_of_its_own, 13);
}
void of_a_threads_end() {
    pthread_key_create(&last_key, ended);
    step_through(end_of_a_thread, 17);
}

}  // namespace

int main(int count, char** arguments) {
    return check::run(count, arguments,
                      {{"of_a_first_object", of_a_first_object},
                       {"of_a_free", of_a_free},
                       {"of_a_slab_that_goes_back", of_a_slab_that_goes_back},
                       {"of_a_heap_that_is_opened", of_a_heap_that_is_opened},
                       {"of_a_threads_end", of_a_threads_end}});
}
