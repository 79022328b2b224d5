// SPDX-License-Identifier: MIT
// Heaps against malloc, mimalloc's heaps and std::pmr's pool: objects made and freed in turn, and many of
// them freed one by one or as a whole.
#include <benchmark/benchmark.h>
#include <dlfcn.h>

#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <memory_resource>
#include <vector>

#include "peers.h"
#include "tarn/heap.hpp"

namespace {

constexpr size_t kObjects = 20000;

// Sizes as an interpreter asks for: tables, strings, closures.
const std::vector<uint32_t>& sizes() {
    static const std::vector<uint32_t> drawn = [] {
        std::vector<uint32_t> made;
        uint32_t state = 1;
        for (size_t i = 0; i < kObjects; ++i) {
            state = state * 1664525 + 1013904223;
            const uint32_t draw = state >> 16;
            made.push_back(draw % 16 ? 16 + draw % 112 : 128 + draw % 1900);
        }
        return made;
    }();
    return drawn;
}

struct OfTarn {
    tarn_heap* heap;
    explicit OfTarn(uint32_t flags = 0) {
        tarn_heap_options options = TARN_HEAP_OPTIONS_INIT;
        options.flags = flags;
        heap = tarn_heap_create(&options, sizeof options);
    }
    ~OfTarn() { tarn_heap_destroy(heap); }
    void* allocate(size_t size) { return tarn_heap_allocate(heap, size); }
    void free(void* p, size_t) { tarn_heap_free(heap, p); }
    static constexpr bool kWhole = true;
};
struct OfTarnLocked : OfTarn {
    OfTarnLocked() : OfTarn(TARN_HEAP_LOCKED) {}
};
struct OfTarnChecked : OfTarn {
    OfTarnChecked() : OfTarn(TARN_HEAP_CHECKED) {}
};

struct OfMalloc {
    void* allocate(size_t size) { return std::malloc(size); }
    void free(void* p, size_t) { std::free(p); }
    static constexpr bool kWhole = false;
};
struct OfGlibc {
    void* allocate(size_t size) { return peers::kGlibc.allocate(size); }
    void free(void* p, size_t) { peers::kGlibc.free(p); }
    static constexpr bool kWhole = false;
};
struct OfPmr {
    std::pmr::unsynchronized_pool_resource pool;
    void* allocate(size_t size) { return pool.allocate(size); }
    void free(void* p, size_t size) { pool.deallocate(p, size); }
    static constexpr bool kWhole = true;
};

struct MimallocHeaps {
    void* (*make)();
    void (*destroy)(void*);
    void* (*allocate)(void*, size_t);
    void (*free)(void*);
};
const MimallocHeaps* mimalloc_heaps() {
    static MimallocHeaps found{};
    static void* const library = dlopen("libmimalloc.so.2", RTLD_NOW | RTLD_LOCAL);
    if (!library) return nullptr;
    found.make = reinterpret_cast<void* (*)()>(dlsym(library, "mi_heap_new"));
    found.destroy = reinterpret_cast<void (*)(void*)>(dlsym(library, "mi_heap_destroy"));
    found.allocate = reinterpret_cast<void* (*)(void*, size_t)>(dlsym(library, "mi_heap_malloc"));
    found.free = reinterpret_cast<void (*)(void*)>(dlsym(library, "mi_free"));
    return found.make && found.destroy && found.allocate && found.free ? &found : nullptr;
}
struct OfMimalloc {
    const MimallocHeaps* calls = mimalloc_heaps();
    void* heap = calls->make();
    ~OfMimalloc() { calls->destroy(heap); }
    void* allocate(size_t size) { return calls->allocate(heap, size); }
    void free(void* p, size_t) { calls->free(p); }
    static constexpr bool kWhole = true;
};

void fill(void* p, size_t size) {
    std::memset(p, 1, size < 32 ? size : 32);
}

// Allocate, use and free at once.
template <class Heap>
void pair(benchmark::State& state) {
    Heap heap;
    const auto& all = sizes();
    size_t i = 0;
    for (auto _ : state) {
        const size_t size = all[i];
        i = i + 1 < kObjects ? i + 1 : 0;
        void* p = heap.allocate(size);
        benchmark::DoNotOptimize(p);
        fill(p, size);
        heap.free(p, size);
    }
    state.SetItemsProcessed(state.iterations());
}

// A working set, of which one object after another is replaced.
template <class Heap>
void replace(benchmark::State& state) {
    Heap heap;
    const auto& all = sizes();
    std::vector<void*> live(kObjects);
    for (size_t i = 0; i < kObjects; ++i)
        fill(live[i] = heap.allocate(all[i]), all[i]);
    uint32_t draw = 1;
    size_t failed = 0;
    for (auto _ : state) {
        draw = draw * 1664525 + 1013904223;
        const size_t i = (draw >> 8) % kObjects;
        failed += *static_cast<char*>(live[i]) != 1;
        heap.free(live[i], all[i]);
        fill(live[i] = heap.allocate(all[i]), all[i]);
    }
    if (failed) state.SkipWithError("an object was overwritten");
    for (size_t i = 0; i < kObjects; ++i)
        heap.free(live[i], all[i]);
    state.SetItemsProcessed(state.iterations());
}

// A heap of its own, filled and ended: each object freed, or the heap as a whole.
template <class Heap, bool kAsWhole>
void life(benchmark::State& state) {
    static_assert(Heap::kWhole || !kAsWhole);
    const auto& all = sizes();
    std::vector<void*> live(kObjects);
    for (auto _ : state) {
        Heap heap;
        for (size_t i = 0; i < kObjects; ++i)
            fill(live[i] = heap.allocate(all[i]), all[i]);
        benchmark::DoNotOptimize(live.data());
        if (!kAsWhole)
            for (size_t i = 0; i < kObjects; ++i)
                heap.free(live[i], all[i]);
    }
    state.SetItemsProcessed(state.iterations() * static_cast<int64_t>(kObjects));
}

template <class Heap>
void add(const std::string& name) {
    benchmark::RegisterBenchmark((name + "/pair").c_str(), pair<Heap>);
    benchmark::RegisterBenchmark((name + "/replace").c_str(), replace<Heap>);
    benchmark::RegisterBenchmark((name + "/life one by one").c_str(), life<Heap, false>);
    benchmark::RegisterBenchmark((name + "/life as a whole").c_str(), life<Heap, Heap::kWhole>);
}

}  // namespace

int main(int argc, char** argv) {
    add<OfTarn>("tarn");
    add<OfTarnLocked>("tarn locked");
    add<OfTarnChecked>("tarn checked");
    add<OfMalloc>("tarn malloc");
    add<OfGlibc>("glibc");
    add<OfPmr>("pmr pool");
    if (mimalloc_heaps()) add<OfMimalloc>("mimalloc heap");
    benchmark::Initialize(&argc, argv);
    benchmark::RunSpecifiedBenchmarks();
}
