// SPDX-License-Identifier: MIT
// Sizes from 8 bytes to 32 KiB and lifetimes (in allocations) both drawn from bounded Pareto distributions:
// nearly all objects are small and die soon, a few are large or old. Such a synthetic trace is described by
// B. Zorn and D. Grunwald, "Evaluating Models of Memory Allocation", ACM TOMACS 4(1), 1994; the distributions
// are our own choice.
#include <thread>
#include <vector>

#include "support.h"

namespace {

constexpr uint32_t kNone = UINT32_MAX;

// A wheel of time: entry t % size lists the objects that die at t. No lifetime is longer than its size.
class Wheel {
  public:
    explicit Wheel(size_t size) : first_(size, kNone) {}
    void add(size_t when, const bench::Block& block) {
        uint32_t entry = spare_;
        if (entry == kNone) {
            entry = static_cast<uint32_t>(entries_.size());
            entries_.emplace_back();
        } else {
            spare_ = entries_[entry].next;
        }
        uint32_t& first = first_[when % first_.size()];
        entries_[entry] = {block, first};
        first = entry;
    }
    void release(size_t when) {
        uint32_t& first = first_[when % first_.size()];
        while (first != kNone) {
            Entry& entry = entries_[first];
            entry.block.release();
            const uint32_t next = entry.next;
            entry.next = spare_;
            spare_ = first;
            first = next;
        }
    }
    void reserve(size_t entries) { entries_.reserve(entries); }

  private:
    struct Entry {
        bench::Block block;
        uint32_t next;
    };
    std::vector<uint32_t> first_;
    std::vector<Entry> entries_;
    uint32_t spare_ = kNone;
};

void run(size_t operations, size_t lifetime_max, uint64_t seed) {
    bench::Random random(seed);
    const bench::Pareto sizes(8, 32 << 10, 0.6);
    const bench::Pareto lifetimes(32, static_cast<double>(lifetime_max), 0.1);
    Wheel wheel(lifetime_max + 1);
    wheel.reserve(lifetime_max);
    for (size_t now = 0; now < operations; ++now) {
        wheel.release(now);
        bench::Block block;
        block.allocate(sizes.draw(random), random);
        wheel.add(now + lifetimes.draw(random), block);
    }
    for (size_t i = 0; i <= lifetime_max; ++i)
        wheel.release(operations + i);
}

}  // namespace

int main(int count, char** values) {
    bench::Arguments arguments(count, values);
    const size_t threads = arguments.number("--threads", 1);
    const size_t lifetime_max = arguments.number("--lifetime", 1 << 18) / threads;  // the same live in all
    const size_t operations = arguments.scaled("--operations", 6000000) / threads;
    arguments.end();

    std::vector<std::thread> running;
    for (size_t i = 1; i < threads; ++i)
        running.emplace_back(run, operations, lifetime_max, i + 1);
    run(operations, lifetime_max, 1);
    for (std::thread& thread : running)
        thread.join();
    bench::work(operations * threads, "objects");
}
