// SPDX-License-Identifier: MIT
// Memory whose thread does nothing, or has ended, and memory that the program locked: malloc_trim(0), or
// going on, gives it back.
#include <pthread.h>
#include <stdint.h>
#include <sys/mman.h>
#include <time.h>

#include "check.h"
#include "process.h"
#include "surface.h"

using check::opaque;
using check::require;
using process::kMiB;

namespace {

size_t object_size = 500;  // the second argument

// Objects of one size in a list through their first words, so that nothing else is allocated.
void* made(size_t bytes, size_t size) {
    void* list = nullptr;
    for (size_t made = 0; made < bytes; made += size) {
        void* object = memset(malloc(size), 1, size);
        *static_cast<void**>(object) = list;
        list = object;
    }
    return list;
}
void free_list(void* list) {
    while (list) {
        void* next = *static_cast<void**>(list);
        free(list);
        list = next;
    }
}

size_t before;
void begin() {
    free(malloc(100));
    before = process::resident();
}
// What is resident beyond what was before, at most `limit`.
void require_left(size_t limit, const char* what) {
    const size_t now = process::resident();
    const size_t left = now > before ? now - before : 0;
    printf("%s: %.1f MiB left\n", what, static_cast<double>(left) / kMiB);
    fflush(stdout);
    require(left <= limit, what);
}

constexpr size_t kMaxThreads = 1000;
pthread_t threads[kMaxThreads];
void* lists[kMaxThreads];
pthread_barrier_t barrier;

// Stacks as small as they can be: what is measured is the allocator's.
void start_all(size_t count, void* (*body)(void*)) {
    pthread_attr_t attributes;
    pthread_attr_init(&attributes);
    pthread_attr_setstacksize(&attributes, 64 << 10);
    pthread_barrier_init(&barrier, nullptr, static_cast<unsigned>(count + 1));
    for (size_t i = 0; i < count; ++i)
        require(!pthread_create(&threads[i], &attributes, body, reinterpret_cast<void*>(i)),
                "a thread starts");
}

void* make_20_mib_and_wait(void* number) {
    lists[reinterpret_cast<uintptr_t>(number)] = made(20 * kMiB, object_size);
    pthread_barrier_wait(&barrier);
    for (;;)
        pause();
}

// 16 threads made 20 MiB each and wait; main frees all of it.
void blocked_owners() {
    begin();
    start_all(16, make_20_mib_and_wait);
    pthread_barrier_wait(&barrier);
    require(process::resident() > before + 300 * kMiB, "320 MiB are live");
    for (size_t i = 0; i < 16; ++i)
        free_list(lists[i]);
    malloc_trim(0);
    require_left(6 * kMiB, "after malloc_trim at most 6 MiB are left");
    _exit(0);
}

void* use_4_mib_and_wait(void* number) {
    void* list = made(4 * kMiB, 64 + reinterpret_cast<uintptr_t>(number) % 16 * 48);
    pthread_barrier_wait(&barrier);
    pthread_barrier_wait(&barrier);
    free_list(list);
    pthread_barrier_wait(&barrier);
    for (;;)
        pause();
}

// They freed it themselves: caches keep some of it, as long as nobody asks.
void waiting_threads() {
    begin();
    start_all(200, use_4_mib_and_wait);
    pthread_barrier_wait(&barrier);
    require(process::resident() > before + 700 * kMiB, "800 MiB are live");
    pthread_barrier_wait(&barrier);
    pthread_barrier_wait(&barrier);
    malloc_trim(0);
    require_left(80 * kMiB, "200 waiting threads keep at most 80 MiB after malloc_trim");
    _exit(0);
}

void* use_half_a_mib(void* number) {
    void* list = made(kMiB / 2, 32 + reinterpret_cast<uintptr_t>(number) % 16 * 32);
    pthread_barrier_wait(&barrier);
    free_list(list);
    return nullptr;
}
void* wait_once(void*) {
    pthread_barrier_wait(&barrier);
    return nullptr;
}
void thousand(void* (*body)(void*)) {
    start_all(kMaxThreads, body);
    pthread_barrier_wait(&barrier);
    for (pthread_t thread : threads)
        pthread_join(thread, nullptr);
}
// libc keeps stacks of ended threads. Threads that allocate nothing come first, so that these do not count.
void thousand_threads_at_once() {
    thousand(wait_once);
    begin();
    thousand(use_half_a_mib);
    require_left(13 * kMiB, "1,000 threads that have ended leave at most 13 MiB");
}

double seconds() {
    timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return static_cast<double>(now.tv_sec) + static_cast<double>(now.tv_nsec) * 1e-9;
}

// Secrets are locked and freed while they are. Then 300 MB of small objects come and go.
constexpr size_t kPieces = 300 * 1024;
void* pieces[kPieces];
void fill_pieces(size_t count) {
    for (size_t i = 0; i < count; ++i)
        memset(pieces[i] = malloc(1000), 1, 1000);
}
void free_pieces(size_t count) {
    for (size_t i = 0; i < count; ++i)
        free(pieces[i]);
}
void lock_pages(size_t count) {
    size_t locked = 0;
    for (size_t i = 0; i < count; ++i) {
        const auto at = reinterpret_cast<uintptr_t>(pieces[kPieces - 1 - i * (kPieces / (2 * count + 1))]);
        locked += mlock(reinterpret_cast<void*>(at & ~uintptr_t{4095}), 4096) == 0;
    }
    if (locked < count) check::give_up("may not lock memory", check::kCannotTest);
}
double churn_seconds() {
    const double start = seconds();
    for (int round = 0; round < 3; ++round) {
        fill_pieces(kPieces / 4);
        free_pieces(kPieces / 4);
    }
    return seconds() - start;
}
void locked_and_freed() {
    begin();
    fill_pieces(kPieces);
    free_pieces(kPieces);
    double unlocked = churn_seconds();
    for (int i = 0; i < 2; ++i)
        if (double again = churn_seconds(); again < unlocked) unlocked = again;
    fill_pieces(kPieces);
    lock_pages(20);
    free_pieces(kPieces);
    double locked = churn_seconds();
    for (int i = 0; i < 2; ++i)
        if (double again = churn_seconds(); again < locked) locked = again;
    printf("churn: %.3f s, with 20 locked pages %.3f s\n", unlocked, locked);
    malloc_trim(0);
    require_left(4 * kMiB + kMiB / 2, "20 locked pages keep no more than themselves and a few");
    require(locked < 2.5 * unlocked + 0.1, "nor do they slow down what comes after");
}

}  // namespace

int main(int count, char** arguments) {
    if (count > 2) object_size = strtoul(arguments[2], nullptr, 10);
    return check::run(count, arguments,
                      {{"blocked_owners", blocked_owners},
                       {"waiting_threads", waiting_threads},
                       {"thousand_threads_at_once", thousand_threads_at_once},
                       {"locked_and_freed", locked_and_freed}});
}
