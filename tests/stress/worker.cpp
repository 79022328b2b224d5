// SPDX-License-Identifier: MIT
#include "worker.h"

#include <ctime>

#include "disturb.h"

namespace tarn {
// src/check, in the program that links the library. Not exported: NULL where it is preloaded.
[[gnu::weak]] void check_all();
}  // namespace tarn

namespace stress {

Block held[kThreadsMax][kSlots];
Deeds deeds;

namespace {

struct Shared {
    std::atomic_flag busy;
    Block block;
} shared[kShared];

size_t some_size(Random& random) {
    const size_t kind = random.below(1000);
    if (kind < 800) return 1 + random.below(512);
    if (kind < 960) return 1 + random.below(8192);
    if (kind < 990) return 1 + random.below(64 << 10);
    if (kind < 998) return 1 + random.below(512 << 10);
    return 1 + random.below(5 << 20);
}

// Few bytes more, as strings grow, or anything.
size_t another_size(Random& random, size_t size) {
    if (random.one_in(3)) return some_size(random);
    return random.one_in(4) && size > 8 ? size - random.below(size / 2)
                                        : size + 1 + random.below(size / 2 + 24);
}

// All of an object over another live one, as by a struct's assignment: bytes that nobody wrote as well. The
// copy stays as it is half of the time.
void copy_over(Block& target, const Block& source, Random& random) {
    if (!target.at || !source.at || &target == &source) return;
    verify(target, target.filled, "its bytes changed before a copy");
    verify(source, source.filled, "its bytes changed before it was copied");
    const size_t room = malloc_usable_size(target.at), size = malloc_usable_size(source.at);
    memcpy(target.at, source.at, room < size ? room : size);
    target.filled = random.one_in(2) ? 0 : target.size;
    fill(target);
    ++deeds.copies;
}

void check() {
    if (tarn::check_all) tarn::check_all();
}

void step(Block& block, Random& random) {
    if (!block.at) return allocate(block, random, some_size(random));
    if (random.below(8) < 3 && block.size < 6 << 20)
        return resize(block, random, another_size(random, block.size));
    release(block, random);
}

// In a child of a fork in a signal handler, once the call is over that was interrupted: this thread's blocks
// are whole, and serve as before.
[[noreturn]] void work_in_child(Block* blocks, Random& random) {
    for (size_t i = 0; i < kSlots; ++i)
        if (blocks[i].at) verify(blocks[i], blocks[i].filled, "its bytes changed over a fork");
    check();
    for (size_t i = 0; i < 2000; ++i)
        step(blocks[random.below(kSlots)], random);
    release_all(blocks, random);
    check();
    end_child();
}

void seldom(Block* blocks, size_t range, Random& random) {
    Block& block = blocks[random.below(range)];
    const size_t kind = random.below(2000);
    if (kind == 0) return static_cast<void>(malloc_trim(0));
    if (kind == 1) return release_all(blocks, random);
    if (kind < 200) return lock_part(block, random);
    copy_over(block, blocks[random.below(range)], random);
}

}  // namespace

double now() {
    timespec moment;
    clock_gettime(CLOCK_MONOTONIC, &moment);
    return static_cast<double>(moment.tv_sec) + static_cast<double>(moment.tv_nsec) * 1e-9;
}

// Leaves a block of this thread's for others and takes what is there; no lock is waited for.
void swap_with_shared(Block& mine, Random& random) {
    Shared& place = shared[random.below(kShared)];
    if (place.busy.test_and_set(std::memory_order_acquire)) return;
    const Block theirs = place.block;
    place.block = mine;
    mine = theirs;
    place.busy.clear(std::memory_order_release);
}

void release_all(Block* blocks, Random& random) {
    for (size_t i = 0; i < kSlots; ++i)
        release(blocks[i], random);
}

void release_shared(Random& random) {
    for (Shared& place : shared)
        release(place.block, random);
}

void work(unsigned thread, uint64_t seed, Until until, bool others) {
    Random random{seed * 2 + 1};
    Block* const blocks = held[thread];
    size_t range = kSlots;  // how many blocks it holds changes: bursts, then few
    const Interruptible interruptible;
    unsigned long long i = 0;
    for (; i < until.operations; ++i) {
        if (in_child()) work_in_child(blocks, random);
        if (i % 1024 == 0 && until.moment > 0 && now() >= until.moment) break;
        if (random.one_in(20000)) range = random.one_in(2) ? kSlots : 1 + random.below(64);
        Block& block = blocks[random.below(range)];
        step(block, random);
        if (others && random.one_in(4)) swap_with_shared(block, random);
        if (i % 1000 == 999) check();
        if (random.one_in(100)) seldom(blocks, range, random);
        if (!others) limit_now_and_then(i);
    }
    deeds.operations += i;
}

}  // namespace stress
