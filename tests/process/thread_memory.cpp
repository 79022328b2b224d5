// SPDX-License-Identifier: MIT
// What stays resident of threads that have ended, and of threads that block.
#include <pthread.h>
#include <stdint.h>
#include <sys/mman.h>

#include "check.h"
#include "process.h"
#include "surface.h"

using check::opaque;
using check::require;
using process::kMiB;

namespace {

constexpr size_t kLimit = 32 * kMiB;

// About `bytes` in objects of 16 to 400 bytes. The list of them is the kernel's, so that nothing but small
// objects is asked of the allocator.
struct Pile {
    void** objects;
    size_t count, room;

    void fill(size_t bytes, uint64_t seed) {
        process::Random random{seed};
        room = bytes / 190;
        objects = static_cast<void**>(
            mmap(nullptr, room * sizeof(void*), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
        size_t sum = 0;
        for (count = 0; count < room && sum < bytes; ++count) {
            size_t size = 16 + random.below(385);
            memset(objects[count] = malloc(size), 1, size);
            sum += size;
        }
    }
    void shuffle(uint64_t seed) {
        process::Random random{seed};
        for (size_t i = count; i > 1; --i) {
            size_t other = random.below(i);
            void* object = objects[i - 1];
            objects[i - 1] = objects[other];
            objects[other] = object;
        }
    }
    void clear() {
        for (size_t i = 0; i < count; ++i)
            free(objects[i]);
        munmap(objects, room * sizeof(void*));
    }
};

constexpr size_t kThreads = 1000;
Pile piles[kThreads];
pthread_barrier_t all_live;
enum class FreedBy { kOwner, kMain } freed_by;

void* live_at_once(void* argument) {
    auto number = reinterpret_cast<uintptr_t>(argument);
    piles[number].fill(kMiB, number + 1);
    pthread_barrier_wait(&all_live);
    if (freed_by == FreedBy::kOwner) piles[number].clear();
    return nullptr;
}

void thousand_threads(FreedBy who) {
    freed_by = who;
    static pthread_t threads[kThreads];
    pthread_barrier_init(&all_live, nullptr, kThreads);
    pthread_attr_t small_stack;
    pthread_attr_init(&small_stack);
    pthread_attr_setstacksize(&small_stack, 128 << 10);
    size_t before = process::resident();
    for (size_t i = 0; i < kThreads; ++i)
        require(!pthread_create(&threads[i], &small_stack, live_at_once, reinterpret_cast<void*>(i)),
                "a thread starts");
    for (pthread_t thread : threads)
        pthread_join(thread, nullptr);
    if (who == FreedBy::kMain)
        for (Pile& pile : piles)
            pile.clear();
    size_t after = process::resident();
    printf("%zu MiB left\n", after > before ? (after - before) / kMiB : 0);
    fflush(stdout);
    require(after < before + kLimit, "at most 32 MiB are left");
}
void ended_freed_by_owner() {
    thousand_threads(FreedBy::kOwner);
}
void ended_freed_by_main() {
    thousand_threads(FreedBy::kMain);
}

enum class Order { kSame, kRandom } order;
pthread_barrier_t done;

void* burst_and_block(void* argument) {
    Pile pile;
    pile.fill(40 * kMiB, 77 + reinterpret_cast<uintptr_t>(argument));
    pthread_barrier_wait(&done);
    if (order == Order::kRandom) pile.shuffle(99);
    pile.clear();
    pthread_barrier_wait(&done);
    for (;;)
        pause();
}

void four_threads_block(Order how) {
    order = how;
    pthread_barrier_init(&done, nullptr, 5);
    size_t before = process::resident();
    for (uintptr_t i = 0; i < 4; ++i) {
        pthread_t thread;
        pthread_create(&thread, nullptr, burst_and_block, reinterpret_cast<void*>(i));
    }
    pthread_barrier_wait(&done);
    require(process::resident() > before + 150 * kMiB, "160 MiB were live");
    pthread_barrier_wait(&done);
    usleep(500000);
    size_t after = process::resident();
    printf("%zu MiB left\n", after > before ? (after - before) / kMiB : 0);
    fflush(stdout);
    require(after < before + kLimit, "at most 32 MiB are left");
}
void blocked_in_order() {
    four_threads_block(Order::kSame);
}
void blocked_random_order() {
    four_threads_block(Order::kRandom);
}

// One after another uses 4 MiB and waits, as the threads of a pool do. Those that come later take what these keep.
void many_rest() {
    constexpr uintptr_t kMany = 200;
    pthread_barrier_init(&done, nullptr, 2);
    pthread_attr_t small_stack;
    pthread_attr_init(&small_stack);
    pthread_attr_setstacksize(&small_stack, 128 << 10);
    const size_t before = process::resident();
    const auto use_and_block = [](void* number) -> void* {
        Pile pile;
        pile.fill(4 * kMiB, 77 + reinterpret_cast<uintptr_t>(number));
        pile.shuffle(99);
        pile.clear();
        pthread_barrier_wait(&done);
        for (;;)
            pause();
    };
    for (uintptr_t i = 0; i < kMany; ++i) {
        pthread_t thread;
        require(!pthread_create(&thread, &small_stack, use_and_block, reinterpret_cast<void*>(i)),
                "a thread starts");
        pthread_barrier_wait(&done);
    }
    const size_t after = process::resident();
    printf("%zu MiB left\n", after > before ? (after - before) / kMiB : 0);
    fflush(stdout);
    require(after < before + 90 * kMiB, "of 800 MiB at most 90 are left");
}

// One thread makes, another frees, over and over: nothing piles up.
void* volatile handed[4096];

void* consume(void*) {
    for (size_t round = 0; round < 400; ++round)
        for (void* volatile& slot : handed) {
            while (!slot)
                sched_yield();
            free(slot);
            slot = nullptr;
        }
    return nullptr;
}

void producer_consumer() {
    pthread_t thread;
    pthread_create(&thread, nullptr, consume, nullptr);
    for (size_t round = 0; round < 400; ++round)
        for (void* volatile& slot : handed) {
            while (slot)
                sched_yield();
            slot = memset(malloc(256), 1, 256);
        }
    pthread_join(thread, nullptr);
    require(process::resident() < 64 * kMiB, "freed objects come back to the thread that made them");
}

}  // namespace

int main(int count, char** arguments) {
    return check::run(count, arguments,
                      {{"ended_freed_by_owner", ended_freed_by_owner},
                       {"ended_freed_by_main", ended_freed_by_main},
                       {"blocked_in_order", blocked_in_order},
                       {"blocked_random_order", blocked_random_order},
                       {"many_rest", many_rest},
                       {"producer_consumer", producer_consumer}});
}
