// SPDX-License-Identifier: MIT
// Micro-benchmarks of malloc's functions, one function each, on whatever allocator this process has: what a
// call costs when its memory is in the caches. `scripts/bench --micro` runs them under each allocator.
#include <benchmark/benchmark.h>

#include <array>
#include <atomic>
#include <cstdint>
#include <cstdlib>
#include <new>
#include <thread>

namespace {

using benchmark::State;

size_t size_of(const State& state) {
    return static_cast<size_t>(state.range(0));
}

// The compiler must neither drop the pair of calls nor know what the block holds.
void use(void* block) {
    if (!block) std::abort();
    *static_cast<volatile char*>(block) = 1;
    benchmark::DoNotOptimize(block);
}

void pair(State& state) {
    for (auto _ : state) {
        void* const block = std::malloc(size_of(state));
        use(block);
        std::free(block);
    }
    state.SetItemsProcessed(state.iterations());
}

// Four mixed sizes in one loop: no allocator can live on a single hot list.
void pair_mixed(State& state) {
    constexpr std::array<size_t, 4> sizes = {24, 200, 56, 1000};
    size_t turn = 0;
    for (auto _ : state) {
        void* const block = std::malloc(sizes[turn++ % sizes.size()]);
        use(block);
        std::free(block);
    }
    state.SetItemsProcessed(state.iterations());
}

// 100 rows of 100 objects each, made row by row and freed column by column.
void pattern(State& state) {
    constexpr size_t side = 100;
    static std::array<void*, side * side> objects;
    for (auto _ : state) {
        for (void*& object : objects) {
            object = std::malloc(size_of(state));
            use(object);
        }
        for (size_t column = 0; column < side; ++column) {
            for (size_t row = 0; row < side; ++row)
                std::free(objects[row * side + column]);
        }
    }
    state.SetItemsProcessed(state.iterations() * static_cast<int64_t>(objects.size()));
}

void new_sized_delete(State& state) {
    for (auto _ : state) {
        void* const block = ::operator new(size_of(state));
        use(block);
        ::operator delete(block, size_of(state));
    }
    state.SetItemsProcessed(state.iterations());
}

void calloc_free(State& state) {
    for (auto _ : state) {
        void* const block = std::calloc(1, size_of(state));
        use(block);
        std::free(block);
    }
    state.SetItemsProcessed(state.iterations());
}

// From 16 bytes by half as much again and again, as a growing array does.
void realloc_growth(State& state) {
    int64_t steps = 0;
    for (auto _ : state) {
        void* block = std::malloc(16);
        for (size_t size = 24; size <= size_of(state); size += size / 2) {
            void* const grown = std::realloc(block, size);
            use(grown);
            block = grown;
            ++steps;
        }
        std::free(block);
    }
    state.SetItemsProcessed(steps);
}

void aligned(State& state) {
    const auto alignment = static_cast<size_t>(state.range(1));
    for (auto _ : state) {
        void* block = nullptr;
        if (posix_memalign(&block, alignment, size_of(state)) != 0) std::abort();
        use(block);
        std::free(block);
    }
    state.SetItemsProcessed(state.iterations());
}

// Batches of objects that this thread makes and another frees. A slot is the maker's when it is empty, the
// other thread's when it is full; `filled` is what passes it on.
class Freer {
  public:
    Freer() : thread_([this] { run(); }) {}

    ~Freer() {
        stopping_.store(true, std::memory_order_release);
        thread_.join();
    }

    static constexpr size_t batch_size = 256;

    void make_batch(size_t size) {
        Slot& slot = slots_[next_++ % slots_.size()];
        while (slot.filled.load(std::memory_order_acquire))
            std::this_thread::yield();
        for (void*& object : slot.objects) {
            object = std::malloc(size);
            use(object);
        }
        slot.filled.store(true, std::memory_order_release);
    }

  private:
    struct alignas(64) Slot {
        std::atomic<bool> filled{false};
        std::array<void*, batch_size> objects;
    };

    // Empties slots in the order in which they are filled, until there are no more and it is told to stop.
    void run() {
        for (size_t turn = 0;; ++turn) {
            Slot& slot = slots_[turn % slots_.size()];
            while (!slot.filled.load(std::memory_order_acquire)) {
                const bool stopping = stopping_.load(std::memory_order_acquire);
                if (stopping && !slot.filled.load(std::memory_order_acquire)) return;
                std::this_thread::yield();
            }
            for (void* object : slot.objects)
                std::free(object);
            slot.filled.store(false, std::memory_order_release);
        }
    }

    std::array<Slot, 8> slots_;
    size_t next_ = 0;
    std::atomic<bool> stopping_{false};
    std::thread thread_;
};

void free_by_other_thread(State& state) {
    Freer freer;
    for (auto _ : state)
        freer.make_batch(size_of(state));
    state.SetItemsProcessed(state.iterations() * static_cast<int64_t>(Freer::batch_size));
}

void list_benchmarks() {
    using benchmark::RegisterBenchmark;
    for (int64_t size : {16, 64, 256, 1024, 4096, 16384, 65536, 262144}) {
        RegisterBenchmark("pair", pair)->Arg(size);
    }
    RegisterBenchmark("pair_mixed", pair_mixed);
    for (int threads : {2, 4})
        RegisterBenchmark("pair", pair)->Arg(64)->Threads(threads)->UseRealTime();
    for (int64_t size : {16, 128, 1024})
        RegisterBenchmark("pattern_100x100", pattern)->Arg(size);
    for (int64_t size : {32, 512})
        RegisterBenchmark("new_sized_delete", new_sized_delete)->Arg(size);
    for (int64_t size : {64, 4096, 131072})
        RegisterBenchmark("calloc", calloc_free)->Arg(size);
    for (int64_t size : {1024, 65536, 1048576})
        RegisterBenchmark("realloc_growth", realloc_growth)->Arg(size);
    RegisterBenchmark("aligned", aligned)->Args({64, 64})->Args({1000, 256})->Args({4096, 4096});
    for (int64_t size : {64, 1024}) {
        RegisterBenchmark("free_by_other_thread", free_by_other_thread)->Arg(size)->UseRealTime();
    }
}

}  // namespace

int main(int count, char** arguments) {
    list_benchmarks();
    benchmark::Initialize(&count, arguments);
    if (benchmark::ReportUnrecognizedArguments(count, arguments)) return 1;
    if (benchmark::RunSpecifiedBenchmarks() == 0) return 1;
    benchmark::Shutdown();
    return 0;
}
