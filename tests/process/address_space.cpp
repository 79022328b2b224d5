// SPDX-License-Identifier: MIT
// Address space: limits that come after the start, mappings of the program's in the way, locks on all memory,
// and what a core would hold.
#include <limits.h>
#include <pthread.h>
#include <stdint.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <time.h>

#include "check.h"
#include "process.h"
#include "surface.h"

using check::opaque;
using check::require;
using process::kMiB;

namespace {

// `wanted` objects in a list through their first words, or as many as there are.
struct List {
    void* head = nullptr;
    size_t count = 0;

    void take(size_t wanted, size_t size) {
        while (count < wanted) {
            void* object = malloc(size);
            if (!object) return;
            *static_cast<void**>(object) = head;
            head = object;
            ++count;
        }
    }
    void release() {
        for (; count; --count) {
            void* next = *static_cast<void**>(head);
            free(head);
            head = next;
        }
    }
};

void require_there_are(size_t wanted, size_t size, const char* what) {
    List list;
    list.take(wanted, size);
    printf("%zu of %zu objects of %zu bytes\n", list.count, wanted, size);
    fflush(stdout);
    require(list.count == wanted, what);
    list.release();
}

void limit_address_space(size_t bytes) {
    const rlimit limit = {bytes, bytes};
    require(!setrlimit(RLIMIT_AS, &limit), "a program may limit itself");
}

void* use_in_thread(void*) {
    void* block = malloc(200000);
    require(block != nullptr, "malloc succeeds in a thread");
    free(memset(block, 1, 200000));
    return nullptr;
}
void start_a_thread() {
    pthread_t thread;
    require(!pthread_create(&thread, nullptr, use_in_thread, nullptr), "a thread starts");
    pthread_join(thread, nullptr);
}

// Whatever the order of sizes, the memory of one serves the next.
void ordinary_work_in_1_gib() {
    start_a_thread();
    require_there_are(900, kMiB, "900 of the 1,024 MiB can be had in blocks of 1 MiB");
    require_there_are(900 * 16, 60000, "as many in blocks of 60,000 bytes");
    require_there_are(820 * 1024, 1000, "and in small objects");
    require_there_are(900, kMiB, "and in blocks again");
    start_a_thread();
    errno = 0;
    require(!malloc(2048 * kMiB) && errno == ENOMEM, "what is beyond the limit fails");
}
void limited_after_start() {
    free(malloc(100));
    limit_address_space(1024 * kMiB);
    ordinary_work_in_1_gib();
}
void limited_after_use() {
    List small, large;
    small.take(200000, 500);
    large.take(300, kMiB);
    small.release();
    large.release();
    limit_address_space(1024 * kMiB);
    ordinary_work_in_1_gib();
}
// To what is mapped at this moment and 64 MiB more; then lifted again.
void limited_to_a_little_more() {
    free(malloc(100));
    const rlimit limit = {process::status_bytes("VmSize:") + 64 * kMiB, RLIM_INFINITY};
    require(!setrlimit(RLIMIT_AS, &limit), "a program may limit itself");
    require_there_are(40, kMiB, "40 of 64 MiB in blocks");
    require_there_are(40 * 1024, 1000, "and in small objects");
    const rlimit none = {RLIM_INFINITY, RLIM_INFINITY};
    require(!setrlimit(RLIMIT_AS, &none), "and lift it again");
    require_there_are(300, kMiB, "300 MiB are to be had then");
    require_there_are(300 * 1024, 1000, "in small objects as well");
}

// Maps pages of the program's where the allocator may want to go on: behind its objects, ever further away.
void mapped_in_the_way() {
    if (getenv("AGAIN") == nullptr) {
        const rlimit limit = {4096 * kMiB, 4096 * kMiB};
        setrlimit(RLIMIT_AS, &limit);
        setenv("AGAIN", "1", 1);
        execl("/proc/self/exe", "address_space", "mapped_in_the_way", nullptr);
        check::fail("runs itself again");
    }
    auto at = reinterpret_cast<uintptr_t>(malloc(16)) & ~(kMiB - 1);
    for (int i = 0; i < 12; ++i)
        mmap(reinterpret_cast<void*>(at + ((size_t{1} << i) + 3) * kMiB), 4096, PROT_READ,
             MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);
    const size_t before = process::resident();
    for (size_t i = 0; i < 2000000; ++i) {
        auto* object = static_cast<char*>(malloc(16));
        require(object != nullptr, "2,000,000 objects of 16 bytes are no problem in 4 GiB");
        *object = 1;
    }
    require(process::resident() < before + 80 * kMiB, "and cost about their size");
}

double seconds() {
    timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return static_cast<double>(now.tv_sec) + static_cast<double>(now.tv_nsec) * 1e-9;
}

void* objects[100000];
double churn() {
    double least = 1e9;
    for (int round = 0; round < 5; ++round) {
        const double start = seconds();
        for (int i = 0; i < 3; ++i) {
            for (void*& object : objects)
                memset(object = malloc(1000), 1, 1000);
            for (void* object : objects)
                free(object);
            for (int block = 0; block < 100; ++block)
                free(memset(malloc(200000), 1, 200000));
        }
        const double spent = seconds() - start;
        if (spent < least) least = spent;
    }
    return least;
}

// Numbers for the scenarios, which compare them with glibc's.
void print_locked() {
    const rlimit all = {RLIM_INFINITY, RLIM_INFINITY};
    setrlimit(RLIMIT_MEMLOCK, &all);
    free(malloc(100));
    if (mlockall(MCL_CURRENT | MCL_FUTURE)) check::give_up("may not lock memory", check::kCannotTest);
    const size_t locked = process::status_bytes("VmLck:");
    printf("%zu %.4f\n", locked, churn());
}

// 50 MiB live, others came and went; then waits for its end.
void wait_for_a_core() {
    for (int i = 0; i < 50 * 1024; ++i)
        memset(malloc(1000), 1, 1000);
    for (int i = 0; i < 20; ++i)
        free(opaque(malloc(kMiB)));
    for (int i = 0; i < 2000; ++i)
        free(opaque(malloc(50000)));
    puts("up");
    fflush(stdout);
    pause();
}

}  // namespace

int main(int count, char** arguments) {
    return check::run(count, arguments,
                      {{"limited_after_start", limited_after_start},
                       {"limited_after_use", limited_after_use},
                       {"limited_to_a_little_more", limited_to_a_little_more},
                       {"mapped_in_the_way", mapped_in_the_way},
                       {"print_locked", print_locked},
                       {"wait_for_a_core", wait_for_a_core}});
}
