// SPDX-License-Identifier: MIT
// Random operations on the allocator that this program runs under, against a shadow model of every live
// block.
//
//   shadow_model [--operations N] [--threads N] [--seed N] [--backend NAME]
//
// With threads: each has blocks of its own, leaves others in an exchange where anybody may free or resize
// them, and ends several times; what it then still has, others free. The seed of a run is its first line of
// output.
#include <atomic>
#include <ctime>
#include <thread>

#include "block.h"
#include "tarn/tarn.h"

extern "C" [[gnu::weak]] int tarn_stats_get(tarn_stats*, size_t);

namespace {

using stress::Block;
using stress::Random;

constexpr unsigned kThreadsMax = 64;
constexpr size_t kSlots = 4096;  // blocks a thread holds at most
constexpr size_t kShared = 512;
constexpr unsigned kGenerations = 6;

struct Settings {
    unsigned long long operations = 2000000;  // all threads together
    unsigned threads = 1;
    unsigned long long seed = 0;
    const char* backend = nullptr;
} settings;

// Not of the allocator under test: it must not disturb what is compared.
Block held[kThreadsMax][kSlots];
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

void step(Block& block, Random& random) {
    if (!block.at) return stress::allocate(block, random, some_size(random));
    if (random.below(8) < 3 && block.size < 6 << 20)
        return stress::resize(block, random, another_size(random, block.size));
    stress::release(block, random);
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
        stress::release(blocks[i], random);
}

void work(unsigned thread, uint64_t seed, unsigned long long operations) {
    Random random{seed * 2 + 1};
    Block* const blocks = held[thread];
    size_t range = kSlots;  // how many blocks it holds changes: bursts, then few
    for (unsigned long long i = 0; i < operations; ++i) {
        if (random.one_in(20000)) range = random.one_in(2) ? kSlots : 1 + random.below(64);
        Block& block = blocks[random.below(range)];
        step(block, random);
        if (settings.threads > 1 && random.one_in(4)) swap_with_shared(block, random);
        if (random.one_in(200000)) release_all(blocks, random);
        if (random.one_in(300000)) malloc_trim(0);
    }
}

void run_threads() {
    const unsigned long long each = settings.operations / settings.threads / kGenerations;
    for (unsigned generation = 0; generation < kGenerations; ++generation) {
        std::thread threads[kThreadsMax];
        for (unsigned i = 0; i < settings.threads; ++i)
            // What thread i left is the next one's in another place: its slabs are orphans by then.
            threads[i] = std::thread(work, (i + generation) % settings.threads,
                                     settings.seed + 1000003 * (generation * kThreadsMax + i + 1), each);
        for (unsigned i = 0; i < settings.threads; ++i)
            threads[i].join();
    }
}

void release_everything() {
    Random random{settings.seed * 2 + 1};
    for (auto& blocks : held)
        release_all(blocks, random);
    for (Shared& place : shared)
        stress::release(place.block, random);
}

tarn_stats stats() {
    static tarn_stats numbers;
    if (!tarn_stats_get || tarn_stats_get(&numbers, sizeof numbers) != 0) {
        fprintf(stderr, "shadow_model: not under tarn\n");
        exit(2);
    }
    return numbers;
}

void read_arguments(int count, char** words) {
    settings.seed = static_cast<unsigned long long>(time(nullptr)) * 1000003 + static_cast<unsigned>(clock());
    for (int i = 1; i + 1 < count; i += 2) {
        const char* const value = words[i + 1];
        if (!strcmp(words[i], "--operations")) settings.operations = strtoull(value, nullptr, 10);
        if (!strcmp(words[i], "--threads")) settings.threads = static_cast<unsigned>(atoi(value));
        if (!strcmp(words[i], "--seed")) settings.seed = strtoull(value, nullptr, 10);
        if (!strcmp(words[i], "--backend")) settings.backend = value;
    }
    if (settings.threads < 1 || settings.threads > kThreadsMax) settings.threads = 1;
    stress::seed_in_use = settings.seed;
}

// What is live again after everything was freed; threads leave what libc keeps for them.
int compare(const tarn_stats& before, const tarn_stats& after) {
    int faults = 0;
    if (settings.threads == 1 && after.live_objects != before.live_objects)
        faults += fprintf(stderr, "shadow_model: %lu objects live, %lu before; --seed %llu\n",
                          after.live_objects, before.live_objects, settings.seed) > 0;
    if (after.large_live_objects != before.large_live_objects)
        faults += fprintf(stderr, "shadow_model: %lu large blocks live, %lu before; --seed %llu\n",
                          after.large_live_objects, before.large_live_objects, settings.seed) > 0;
    if (after.allocations - before.allocations < settings.operations / 4)
        faults += fprintf(stderr, "shadow_model: only %lu allocations\n", after.allocations) > 0;
    if (settings.backend && strcmp(settings.backend, after.backend) != 0)
        faults += fprintf(stderr, "shadow_model: backend %s served\n", after.backend) > 0;
    return faults;
}

}  // namespace

int main(int count, char** words) {
    read_arguments(count, words);
    printf("seed %llu, %llu operations, %u threads\n", settings.seed, settings.operations, settings.threads);
    fflush(stdout);
    const tarn_stats before = stats();
    if (settings.threads == 1)
        work(0, settings.seed, settings.operations);
    else
        run_threads();
    release_everything();
    const tarn_stats after = stats();
    printf("%lu allocations, %lu large, %lu freed by other threads, %lu threads ended, backend %s\n",
           after.allocations, after.large_allocations, after.remote_frees, after.threads_ended,
           after.backend);
    return compare(before, after) ? 1 : 0;
}
