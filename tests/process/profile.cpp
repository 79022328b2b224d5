// SPDX-License-Identifier: MIT
// A program that knows what it allocates, and where: profile_scenarios.py compares that with its record. Each place of
// allocation is a function that begins at a multiple of 1024, so that a return address says which it is.
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <map>
#include <memory>
#include <new>
#include <random>
#include <thread>
#include <vector>

#include "process.h"
#include "tarn/arena.h"
#include "tarn/heap.h"
#include "tarn/record.h"
#include "tarn/tarn.h"

// Where the program is not linked with tarn.
extern "C" {
[[gnu::weak]] int tarn_record_start_sampling(size_t);
[[gnu::weak]] int tarn_record_stop_sampling();
[[gnu::weak]] tarn_scope tarn_scope_begin(const char*);
[[gnu::weak]] void tarn_scope_end(tarn_scope);
[[gnu::weak]] tarn_arena* tarn_arena_create(size_t, size_t);
[[gnu::weak]] void* tarn_arena_allocate_slow(tarn_arena*, size_t, size_t);
[[gnu::weak]] int malloc_trim(size_t);
[[gnu::weak]] size_t malloc_usable_size(void*);
}

namespace {

#define PLACE [[gnu::noinline, gnu::aligned(1024)]]
using Allocate = void* (*)(size_t);

void* kept(void* pointer) {
    asm volatile("" : "+r"(pointer) : : "memory");
    if (!pointer) abort();
    return pointer;
}
PLACE void* by_malloc(size_t size) {
    return kept(malloc(size));
}
PLACE void* by_calloc(size_t size) {
    return kept(calloc(1, size));
}
PLACE void* by_realloc(size_t size) {
    return kept(realloc(nullptr, size));
}
PLACE void* by_aligned(size_t size) {
    return kept(aligned_alloc(16, size));
}
PLACE void* by_line(size_t size) {
    return kept(aligned_alloc(64, size));
}
PLACE void* by_memalign(size_t size) {
    void* pointer = nullptr;
    if (posix_memalign(&pointer, 32, size) != 0) abort();
    return kept(pointer);
}
PLACE void* by_new(size_t size) {
    return kept(::operator new(size));
}
PLACE void* by_new_aligned(size_t size) {
    return kept(::operator new (size, std::align_val_t{128}));
}
PLACE void* by_temporary(size_t size) {
    return kept(malloc(size));
}

struct Place {
    const char* name;
    Allocate allocate;
};
constexpr Place kPlaces[] = {{"malloc", by_malloc},
                             {"calloc", by_calloc},
                             {"realloc", by_realloc},
                             {"aligned", by_aligned},
                             {"line", by_line},
                             {"memalign", by_memalign},
                             {"new", by_new},
                             {"new_aligned", by_new_aligned},
                             {"temporary", by_temporary}};
// What size classes and blocks have exactly, so that it is what is counted.
constexpr size_t kSizes[] = {16, 64, 256, 1024, 4096, 10240, 24576, 65536, 1 << 20};

struct Count {
    size_t allocated, live, at_peak;
};
std::map<std::pair<size_t, size_t>, Count> counts;  // by place and size

void print_counts() {
    for (const auto& [key, count] : counts)
        printf("%s %llx %zu %zu %zu %zu\n", kPlaces[key.first].name,
               reinterpret_cast<unsigned long long>(kPlaces[key.first].allocate), kSizes[key.second],
               count.allocated, count.live, count.at_peak);
    fflush(stdout);
}

// The same random bytes in each process, so that a seed decides which bytes are sampled.
void fix_random(unsigned seed) {
    auto* const bytes = reinterpret_cast<unsigned char*>(getauxval(AT_RANDOM));
    for (unsigned i = 0; i < 16; ++i)
        bytes[i] = static_cast<unsigned char>(seed * 37 + i);
}

struct Held {
    void* pointer;
    size_t place, size;
};

// So many MiB of each place and size or so; every second one is freed again, by chance.
int mixed(unsigned seed, size_t interval) {
    fix_random(seed);
    std::mt19937 random(seed);
    std::vector<Held> held;
    held.reserve(1 << 20);
    if (tarn_record_start_sampling(interval) != 0) return 2;
    for (int round = 0; round < 400; ++round)
        for (size_t place = 0; place < std::size(kPlaces); ++place)
            for (size_t size = 0; size < std::size(kSizes); ++size) {
                const bool strict = (kPlaces[place].allocate == by_line && kSizes[size] < 64) ||
                                    (kPlaces[place].allocate == by_memalign && kSizes[size] < 32) ||
                                    (kPlaces[place].allocate == by_new_aligned && kSizes[size] < 128);
                if (strict) continue;  // larger objects than asked for
                const size_t times = kSizes[size] < 1024 ? 8 : round % 16 == 0;
                for (size_t i = 0; i < times; ++i) {
                    void* const pointer = kPlaces[place].allocate(kSizes[size]);
                    memset(pointer, 1, kSizes[size] < 64 ? kSizes[size] : 64);
                    Count& count = counts[{place, size}];
                    ++count.allocated;
                    if (kPlaces[place].allocate == by_temporary || random() % 2) {
                        free(pointer);
                    } else {
                        ++count.live;
                        held.push_back({pointer, place, size});
                    }
                }
            }
    tarn_record_stop_sampling();
    print_counts();
    return 0;
}

// Up, half of it down, a little up: the peak is in between.
int peak() {
    std::vector<Held> held;
    const auto take = [&](size_t place, size_t size, size_t times) {
        for (size_t i = 0; i < times; ++i) {
            held.push_back({kPlaces[place].allocate(kSizes[size]), place, size});
            Count& count = counts[{place, size}];
            ++count.allocated, ++count.live;
        }
    };
    held.reserve(10000);
    take(0, 3, 1000), take(1, 4, 500), take(2, 7, 20);
    for (auto& [key, count] : counts)
        count.at_peak = count.live;
    for (size_t i = 0; i < held.size(); i += 2) {
        free(held[i].pointer);
        --counts[{held[i].place, held[i].size}].live;
    }
    take(3, 3, 100), take(0, 3, 10);
    print_counts();
    return 0;
}

// ---- many threads -------------------------------------------------------------------------------------------------

constexpr size_t kSlots = 4096;
std::atomic<void*> slots[kSlots];

void exchange(std::mt19937& random, int rounds) {
    for (int i = 0; i < rounds; ++i) {
        const size_t place = random() % std::size(kPlaces);
        const size_t size = kSizes[random() % 8];
        void* fresh = random() % 2 ? kPlaces[place].allocate(size) : nullptr;
        if (fresh) memset(fresh, 0x5a, size < 4096 ? size : 4096);
        if (fresh && random() % 8 == 0) fresh = kept(realloc(fresh, kSizes[random() % 8]));
        void* const old = slots[random() % kSlots].exchange(fresh);
        if (old && random() % 16 == 0 && malloc_usable_size(old) < 16) abort();
        free(old);
        if (i % 5000 == 0) malloc_trim(0);
    }
}

void free_all() {
    for (auto& slot : slots)
        free(slot.exchange(nullptr));
}

// Children that ended well, of all that there were; shared with them.
struct Children {
    std::atomic<unsigned> begun, ended;
};
Children* children;

void run_child(unsigned seed) {
    std::mt19937 random(seed);
    exchange(random, 300);
    free_all();
    ++children->ended;
    _exit(0);
}

// Over whatever the thread was doing. A few children at once: more than the machine has processors for would keep their parent
// from its end, and so become ever more.
void fork_in_handler(int) {
    constexpr unsigned kAtOnce = 4;
    if (children->begun - children->ended >= kAtOnce) return;
    const int saved = errno;
    const unsigned number = ++children->begun;
    const pid_t child = fork();
    if (child == 0) run_child(number);
    if (child < 0) --children->begun;
    errno = saved;
}

// Threads come and go, free for one another, and fork, also in handlers. At last nothing is left.
int stress(unsigned seconds) {
    children = static_cast<Children*>(
        mmap(nullptr, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0));
    signal(SIGCHLD, SIG_IGN);
    struct sigaction action {};
    action.sa_handler = fork_in_handler;
    action.sa_flags = SA_RESTART;
    sigaction(SIGALRM, &action, nullptr);
    const itimerval every{{0, 40'000}, {0, 40'000}}, never{};
    const time_t end = time(nullptr) + static_cast<time_t>(seconds);
    for (unsigned generation = 1; time(nullptr) < end; ++generation) {
        setitimer(ITIMER_REAL, &every, nullptr);
        std::vector<std::thread> threads;
        for (unsigned i = 0; i < 8; ++i)
            threads.emplace_back([=] {
                std::mt19937 random(generation * 8 + i);
                exchange(random, 3000);
            });
        for (std::thread& thread : threads)
            thread.join();
        setitimer(ITIMER_REAL, &never, nullptr);
    }
    free_all();
    while (wait(nullptr) > 0 || errno == EINTR) {
    }
    printf("%u children\n", children->begun.load());
    return children->begun > 3 && children->begun == children->ended ? 0 : 4;
}

// What realloc makes of sampled objects: contents stay, at each size.
int resizes() {
    std::mt19937 random(1);
    size_t size = 16;
    auto* bytes = static_cast<unsigned char*>(by_malloc(size));
    memset(bytes, 7, size);
    for (int i = 0; i < 3000; ++i) {
        const size_t next = 16 + random() % (i % 10 ? 40000 : 3000000);
        bytes = static_cast<unsigned char*>(kept(realloc(bytes, next)));
        for (size_t at = 0; at < (size < next ? size : next); at += 97)
            if (bytes[at] != 7) return 5;
        memset(bytes, 7, next);
        if (malloc_usable_size(bytes) < next) return 6;
        size = next;
    }
    free(bytes);
    return 0;
}

// Live at the end: `many` of 1 KiB in the parent, half of them freed by the child, which allocates as many of 4 KiB.
int forks(size_t many) {
    std::vector<void*> held;
    held.reserve(many * 2);
    for (size_t i = 0; i < many; ++i)
        held.push_back(by_malloc(1024));
    const pid_t child = fork();
    if (child == 0) {
        for (size_t i = 0; i < many; i += 2)
            free(held[i]);
        for (size_t i = 0; i < many; ++i)
            held.push_back(by_calloc(4096));
        exit(0);
    }
    int status = 0;
    waitpid(child, &status, 0);
    return status;
}

PLACE void* in_scope(size_t size) {
    const tarn_scope scope = tarn_scope_begin("inner");
    void* const pointer = by_malloc(size);
    tarn_scope_end(scope);
    return kept(pointer);
}
int scopes() {
    const tarn_scope scope = tarn_scope_begin("outer");
    for (int i = 0; i < 100; ++i)
        in_scope(4096);
    tarn_scope_end(scope);
    for (int i = 0; i < 100; ++i)
        by_calloc(4096);
    return 0;
}

PLACE void* by_arena(size_t size) {
    static tarn_arena* const arena = tarn_arena_create(0, 0);
    return kept(tarn_arena_allocate_slow(arena, size, 16));
}
int arenas() {
    for (int i = 0; i < 1000; ++i)
        by_arena(100000);
    return 0;
}

// Samples when a tool says so: a line for each thing done, a byte from it to go on.
int turned_on_later() {
    const auto turn = [](Allocate allocate) {
        for (int i = 0; i < 2000; ++i)
            allocate(1024);
        puts("done");
        fflush(stdout);
        char go;
        return read(0, &go, 1) == 1;
    };
    return turn(by_malloc) && turn(by_calloc) && turn(by_realloc) ? 0 : 7;
}

// Objects of threads that are gone, which the first one frees.
int threads_end() {
    std::vector<void*> held(64000);
    for (unsigned t = 0; t < 32; ++t)
        std::thread([&] {
            for (unsigned i = 0; i < 2000; ++i)
                held[t * 2000 + i] = by_malloc(256);
        }).join();
    counts[{0, 2}] = {64000, 32000, 64000};
    for (size_t i = 0; i < held.size(); i += 2)
        free(held[i]);
    print_counts();
    return 0;
}

// Threads that are there at once, with a few objects each of many classes; then what is resident, in KiB.
int many_threads() {
    constexpr unsigned kThreads = 300;
    static pthread_barrier_t all_there, all_seen;
    pthread_barrier_init(&all_there, nullptr, kThreads + 1);
    pthread_barrier_init(&all_seen, nullptr, kThreads + 1);
    std::vector<std::thread> threads;
    for (unsigned t = 0; t < kThreads; ++t)
        threads.emplace_back([] {
            void* held[20];
            for (unsigned i = 0; i < 20; ++i)
                memset(held[i] = by_malloc(16 + 48 * i), 1, 16);
            pthread_barrier_wait(&all_there);
            pthread_barrier_wait(&all_seen);
            for (void* object : held)
                free(object);
        });
    pthread_barrier_wait(&all_there);
    printf("%zu\n", process::resident() >> 10);
    pthread_barrier_wait(&all_seen);
    for (std::thread& thread : threads)
        thread.join();
    return 0;
}

}  // namespace

int main(int count, char** arguments) {
    const std::string mode = count > 1 ? arguments[1] : "";
    const auto number = [&](int i) { return count > i ? static_cast<unsigned>(atol(arguments[i])) : 1; };
    if (mode == "mixed") return mixed(number(2), number(3));
    if (mode == "peak") return peak();
    if (mode == "stress") return stress(number(2));
    if (mode == "resizes") return resizes();
    if (mode == "forks") return forks(number(2));
    if (mode == "scopes") return scopes();
    if (mode == "arenas") return arenas();
    if (mode == "later") return turned_on_later();
    if (mode == "threads_end") return threads_end();
    if (mode == "many_threads") return many_threads();
    return 9;
}
