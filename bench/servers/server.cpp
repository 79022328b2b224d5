// SPDX-License-Identifier: MIT
// A server: every thread owns a set of objects and replaces random ones; after a number of requests it hands
// the whole set to a new thread and ends, so that most objects are freed by another thread than allocated
// them. After P.-A. Larson and M. Krishnan, "Memory Allocation for Long-Running Server Applications", ISMM
// 1998.
#include <pthread.h>

#include <vector>

#include "support.h"

namespace {

struct Lane {  // a line of threads, each handing over to the next
    std::vector<bench::Block> set;
    bench::Random random{0};
    size_t left = 0;  // requests
};

size_t low, high, handover;
pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
pthread_cond_t ended = PTHREAD_COND_INITIALIZER;
size_t running;  // lanes, under lock
pthread_attr_t detached;

void* serve(void* argument);

void start(Lane& lane) {
    pthread_t thread;
    if (pthread_create(&thread, &detached, serve, &lane) != 0) bench::fail("no thread");
}

void* serve(void* argument) {
    Lane& lane = *static_cast<Lane*>(argument);
    size_t requests = lane.left < handover ? lane.left : handover;
    lane.left -= requests;
    bench::Random random = lane.random;
    for (; requests > 0; --requests) {
        bench::Block& block = lane.set[random.below(lane.set.size())];
        block.release();
        block.allocate(random.between(low, high), random);
    }
    lane.random = random;
    if (lane.left > 0) {
        start(lane);
        return nullptr;
    }
    pthread_mutex_lock(&lock);
    if (--running == 0) pthread_cond_signal(&ended);
    pthread_mutex_unlock(&lock);
    return nullptr;
}

}  // namespace

int main(int count, char** values) {
    bench::Arguments arguments(count, values);
    const size_t threads = arguments.number("--threads", 1);
    const size_t objects = arguments.number("--objects", 32000);  // of all threads together
    const size_t operations = arguments.scaled("--operations", 8000000);
    low = arguments.number("--low", 10);
    high = arguments.number("--high", 500);
    handover = arguments.number("--handover", 20000);
    arguments.end();

    pthread_attr_init(&detached);
    pthread_attr_setdetachstate(&detached, PTHREAD_CREATE_DETACHED);
    std::vector<Lane> lanes(threads);
    running = threads;
    for (size_t i = 0; i < threads; ++i) {
        lanes[i].random = bench::Random(i + 1);
        lanes[i].left = operations / threads;
        lanes[i].set.resize(objects / threads);
        for (bench::Block& block : lanes[i].set)
            block.allocate(lanes[i].random.between(low, high), lanes[i].random);
    }
    for (Lane& lane : lanes)
        start(lane);
    pthread_mutex_lock(&lock);
    while (running > 0)
        pthread_cond_wait(&ended, &lock);
    pthread_mutex_unlock(&lock);
    for (Lane& lane : lanes)
        for (bench::Block& block : lane.set)
            block.release();
    bench::work(operations / threads * threads, "requests");
}
