// SPDX-License-Identifier: MIT
// Threads that free for one another and never wait, on all processors. Each leaves batches of blocks in a place that its
// neighbour empties when it comes by; with --one-way 1 every second thread only makes and the other ones only free.
// Random sizes with frees in other threads, after the description of M. Jansson's rpmalloc benchmark (2017).
#include <sched.h>

#include <atomic>
#include <memory>
#include <thread>
#include <vector>

#include "support.h"

namespace {

constexpr size_t kBatch = 100;  // blocks
constexpr size_t kPlaces = 16;  // batches on their way to one thread

struct Batch {
    bench::Block blocks[kBatch];

    void release() {
        for (bench::Block& block : blocks)
            block.release();
    }
};

// Batches for one thread. Any place is free (NULL) or has one.
struct Places {
    std::atomic<Batch*> at[kPlaces] = {};

    bool leave(Batch* batch) {
        for (std::atomic<Batch*>& place : at) {
            Batch* expected = nullptr;
            if (place.compare_exchange_strong(expected, batch, std::memory_order_acq_rel)) return true;
        }
        return false;
    }
    Batch* find() {
        for (std::atomic<Batch*>& place : at)
            if (Batch* const batch = place.exchange(nullptr, std::memory_order_acq_rel)) return batch;
        return nullptr;
    }
};

struct Work {
    size_t threads, batches, low, high, kept;
    bool one_way;
    std::vector<Places> places;
    std::atomic<size_t> makers;
};

// Sizes of which each doubling is as likely as the others.
size_t size_between(size_t low, size_t high, bench::Random& random) {
    size_t doublings = 1;
    while (low << doublings < high)
        ++doublings;
    const size_t base = low << random.below(doublings);
    const size_t size = base + random.below(base);
    return size > high ? high : size;
}

void make(Work& work, size_t self) {
    bench::Random random(self + 1);
    Places& mine = work.places[self];
    Places& theirs = work.places[(self + 1) % work.threads];
    std::vector<std::unique_ptr<Batch>> kept(work.kept);
    for (size_t i = 0; i < work.batches; ++i) {
        std::unique_ptr<Batch>& slot = kept[random.below(work.kept)];
        if (slot) slot->release();
        if (!slot) slot = std::make_unique<Batch>();
        for (bench::Block& block : slot->blocks)
            block.allocate(size_between(work.low, work.high, random), random);
        // Every second batch goes to the neighbour; all do when that is all it is there for.
        if ((work.one_way || i % 2) && theirs.leave(slot.get())) slot.release();
        if (work.one_way) continue;
        if (const std::unique_ptr<Batch> found{mine.find()}) found->release();
    }
    for (const std::unique_ptr<Batch>& batch : kept)
        if (batch) batch->release();
    work.makers.fetch_sub(1, std::memory_order_release);
}

void only_free(Work& work, size_t self) {
    for (;;) {
        const bool last = work.makers.load(std::memory_order_acquire) == 0;
        if (const std::unique_ptr<Batch> found{work.places[self].find()})
            found->release();
        else if (last)
            return;
        else
            sched_yield();
    }
}

}  // namespace

int main(int count, char** values) {
    bench::Arguments arguments(count, values);
    Work work{};
    work.threads = arguments.number("--threads", 2);
    const size_t operations = arguments.scaled("--operations", 16000000);  // blocks
    work.low = arguments.number("--low", 8);
    work.high = arguments.number("--high", 16384);
    work.kept = arguments.number("--kept", 8);  // batches that a thread has
    work.one_way = arguments.number("--one-way", 0) != 0;
    arguments.end();

    const size_t makers = work.one_way ? work.threads / 2 : work.threads;
    work.batches = operations / makers / kBatch + 1;
    work.places = std::vector<Places>(work.threads);
    work.makers = makers;
    std::vector<std::thread> threads;
    for (size_t i = 0; i < work.threads; ++i)
        threads.emplace_back([&work, i] {
            bench::take_turn_of_processors(i);
            work.one_way&& i % 2 ? only_free(work, i) : make(work, i);
        });
    for (std::thread& thread : threads)
        thread.join();
    for (Places& places : work.places)
        while (const std::unique_ptr<Batch> found{places.find()})
            found->release();
    bench::work(work.batches * kBatch * makers, "objects");
}
