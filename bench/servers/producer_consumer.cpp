// SPDX-License-Identifier: MIT
// Pairs of threads: one only allocates, the other only frees; between them a bounded queue of batches.
// The asymmetric case that makes an allocator's memory grow when freed objects do not find their way back, as
// described by E. Berger et al., "Hoard: A Scalable Memory Allocator for Multithreaded Applications", ASPLOS
// 2000.
#include <algorithm>
#include <condition_variable>
#include <mutex>
#include <thread>
#include <vector>

#include "support.h"

namespace {

constexpr size_t kBatch = 100;  // objects

// Its room is allocated once, so that the objects are all that is allocated while it runs.
class Queue {
  public:
    explicit Queue(size_t room) : batches_(room) {}
    void put(const std::vector<bench::Block>& batch) {
        std::unique_lock held(lock_);
        change_.wait(held, [&] { return filled_ - emptied_ < batches_.size(); });
        batches_[filled_ % batches_.size()] = batch;
        if (filled_++ == emptied_) change_.notify_one();
    }
    void take(std::vector<bench::Block>& batch) {
        std::unique_lock held(lock_);
        change_.wait(held, [&] { return filled_ != emptied_; });
        batch.swap(batches_[emptied_ % batches_.size()]);
        if (filled_ - emptied_++ == batches_.size()) change_.notify_one();
    }
    void reserve() {
        for (std::vector<bench::Block>& batch : batches_)
            batch.resize(kBatch);
    }

  private:
    std::mutex lock_;
    std::condition_variable change_;  // only one side can be waiting at any time
    std::vector<std::vector<bench::Block>> batches_;
    size_t filled_ = 0, emptied_ = 0;
};

void produce(Queue& queue, size_t batches, uint64_t seed, size_t low, size_t high) {
    bench::Random random(seed);
    std::vector<bench::Block> batch(kBatch);
    for (size_t i = 0; i < batches; ++i) {
        for (bench::Block& block : batch)
            block.allocate(random.between(low, high), random);
        queue.put(batch);
    }
}

void consume(Queue& queue, size_t batches) {
    std::vector<bench::Block> batch(kBatch);
    for (size_t i = 0; i < batches; ++i) {
        queue.take(batch);
        for (bench::Block& block : batch)
            block.release();
    }
}

}  // namespace

int main(int count, char** values) {
    bench::Arguments arguments(count, values);
    const size_t pairs = arguments.number("--pairs", 1);
    const size_t room = arguments.number("--room", 512);                  // batches, of all queues together
    const size_t operations = arguments.scaled("--operations", 5000000);  // objects
    const size_t low = arguments.number("--low", 16);
    const size_t high = arguments.number("--high", 256);
    arguments.end();

    const size_t batches = std::max<size_t>(operations / pairs / kBatch, 1);
    std::vector<Queue*> queues;
    std::vector<std::thread> threads;
    for (size_t i = 0; i < pairs; ++i) {
        Queue* const queue = queues.emplace_back(new Queue(room / pairs));
        queue->reserve();
        threads.emplace_back([=] { produce(*queue, batches, i + 1, low, high); });
        threads.emplace_back([=] { consume(*queue, batches); });
    }
    for (std::thread& thread : threads)
        thread.join();
    for (Queue* queue : queues)
        delete queue;
    bench::work(batches * kBatch * pairs, "objects");
}
