// SPDX-License-Identifier: MIT
// Threads that write small objects of their own many times. It is slow when objects of two threads lie in one
// cache line. Active: the allocator hands out one line's parts to several threads. Passive (--passive 1): the
// main thread gives objects that lie side by side to the threads; each frees its own, and must not get that
// memory again. After E. Berger et al., "Hoard: A Scalable Memory Allocator for Multithreaded Applications",
// ASPLOS 2000.
#include <pthread.h>

#include <thread>
#include <vector>

#include "support.h"

namespace {

pthread_barrier_t all_ready;

void run(void* given, size_t loops, size_t writes, size_t size) {
    pthread_barrier_wait(&all_ready);
    free(given);
    for (size_t i = 0; i < loops; ++i) {
        volatile unsigned char* const object = static_cast<unsigned char*>(malloc(size));
        if (!object) bench::fail("out of memory");
        object[0] = 0;
        for (size_t k = 0; k < writes; ++k)
            object[0] = static_cast<unsigned char>(object[0] + 1);
        if (object[0] != (writes & 0xff)) bench::fail("two threads have the same object");
        free(const_cast<unsigned char*>(object));
    }
}

}  // namespace

int main(int count, char** values) {
    bench::Arguments arguments(count, values);
    const size_t threads = arguments.number("--threads", 2);
    const bool passive = arguments.number("--passive", 0) != 0;
    const size_t writes = arguments.number("--writes", 200);  // to each object
    const size_t size = arguments.number("--size", 8);
    const size_t loops = arguments.scaled("--operations", 2000000) / threads;  // objects of each thread
    arguments.end();

    pthread_barrier_init(&all_ready, nullptr, static_cast<unsigned>(threads));
    std::vector<std::thread> running;
    std::vector<void*> given(threads, nullptr);
    if (passive)
        for (void*& object : given)
            object = malloc(size);
    for (void* object : given)
        running.emplace_back(run, object, loops, writes, size);
    for (std::thread& thread : running)
        thread.join();
    bench::work(loops * threads, "objects");
}
