// SPDX-License-Identifier: MIT
// Short-lived threads, N at a time. Each allocates objects, frees most of them and leaves some behind, which
// a much later thread frees: memory of threads that have ended must be found again. Own, after what servers
// with a thread per connection do.
#include <algorithm>
#include <atomic>
#include <thread>
#include <vector>

#include "support.h"

namespace {

constexpr size_t kObjects = 1200;   // that a thread allocates
constexpr size_t kSurvivors = 120;  // of these, left behind
constexpr size_t kLater = 400;      // threads, until another frees them

struct Left {
    bench::Block blocks[kSurvivors];
    std::atomic<bool> full{false};

    // One thread at most gets true.
    bool claim() { return full.exchange(false, std::memory_order_acquire); }
    void release() {
        for (bench::Block& block : blocks)
            block.release();
    }
};

std::vector<Left>* lefts;

// Threads of the lanes do not run in order: what an earlier one has not left yet stays until the end.
void live(size_t number) {
    bench::Random random(number + 1);
    bench::Block own[kObjects];
    for (bench::Block& block : own)
        block.allocate(random.between(16, 400), random);
    if (number >= kLater && (*lefts)[number - kLater].claim()) (*lefts)[number - kLater].release();
    Left& left = (*lefts)[number];
    for (size_t i = 0; i < kObjects; ++i) {
        if (i % (kObjects / kSurvivors) == 0)
            left.blocks[i / (kObjects / kSurvivors)] = own[i];
        else
            own[i].release();
    }
    left.full.store(true, std::memory_order_release);
}

}  // namespace

int main(int count, char** values) {
    bench::Arguments arguments(count, values);
    const size_t lanes = arguments.number("--threads", 1);
    const size_t lives =
        std::max<size_t>(arguments.scaled("--lives", 4000) / lanes, 1);  // threads of each lane
    arguments.end();

    lefts = new std::vector<Left>(lives * lanes);
    std::vector<std::thread> starters;
    for (size_t lane = 0; lane < lanes; ++lane)
        starters.emplace_back([=] {
            for (size_t i = 0; i < lives; ++i)
                std::thread(live, i * lanes + lane).join();
        });
    for (std::thread& starter : starters)
        starter.join();
    for (Left& left : *lefts)
        if (left.claim()) left.release();
    delete lefts;
    bench::work(lives * lanes * kObjects, "objects");
}
