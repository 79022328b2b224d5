// SPDX-License-Identifier: MIT
// A burst: threads allocate a great many small objects, free them all and then block. Prints how much memory
// is still resident a moment later, while they do: `left`. Own.
#include <pthread.h>

#include <thread>
#include <vector>

#include "support.h"

namespace {

pthread_barrier_t freed, may_end;

void run(size_t bytes, uint64_t seed, size_t* done) {
    bench::Random random(seed);
    // A list of the objects themselves: the next one's address, whose it is with its number and size, and in the last
    // word its own address. One that was handed out twice is so found before it is freed twice.
    const auto label = [seed](size_t number, size_t size) {
        return number << 24 | (seed & 0xff) << 16 | size;
    };
    void** newest = nullptr;
    for (size_t used = 0; used < bytes; ++*done) {
        const size_t size = random.between(16, 400) & ~size_t{7};
        void** const object = static_cast<void**>(malloc(size));
        if (!object) bench::fail("out of memory");
        object[size / 8 - 1] = object;
        object[1] = reinterpret_cast<void*>(label(*done, size));
        object[0] = newest;
        newest = object;
        used += size;
    }
    size_t left = *done;
    while (newest && left > 0) {
        void** const next = static_cast<void**>(newest[0]);
        const size_t said = reinterpret_cast<size_t>(newest[1]), size = said & 0xffff;
        if (said != label(--left, size) || size < 16 || size > 400 ||
            (size > 16 && newest[size / 8 - 1] != newest))
            bench::fail("an object's contents have changed");
        free(newest);
        newest = next;
    }
    if (newest || left) bench::fail("the list of objects is damaged");
    pthread_barrier_wait(&freed);
    pthread_barrier_wait(&may_end);
}

}  // namespace

int main(int count, char** values) {
    bench::Arguments arguments(count, values);
    const size_t threads = arguments.number("--threads", 4);
    const size_t bytes = arguments.scaled("--bytes", 160 << 20);  // of all threads together
    const size_t wait_ms = arguments.number("--wait", 200);
    arguments.end();

    pthread_barrier_init(&freed, nullptr, static_cast<unsigned>(threads + 1));
    pthread_barrier_init(&may_end, nullptr, static_cast<unsigned>(threads + 1));
    std::vector<std::thread> running;
    std::vector<size_t> done(threads * 8);  // 8 words apart: a cache line each
    for (size_t i = 0; i < threads; ++i)
        running.emplace_back(run, bytes / threads, i + 1, &done[i * 8]);
    pthread_barrier_wait(&freed);
    usleep(static_cast<useconds_t>(wait_ms * 1000));
    printf("left %.2f MiB\n", bench::resident_mib());
    pthread_barrier_wait(&may_end);
    size_t objects = 0;
    for (std::thread& thread : running)
        thread.join();
    for (size_t number : done)
        objects += number;
    bench::work(objects, "objects");
}
