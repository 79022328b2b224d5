// SPDX-License-Identifier: MIT
// What a scope costs, and what it costs malloc within it: "tarn" with an open scope, "none" without.
#include <benchmark/benchmark.h>

#include <array>
#include <cstdint>
#include <cstdlib>

#include "tarn/metrics.hpp"

namespace {

void begin_end(benchmark::State& state, tarn_metrics_mode mode) {
    tarn_metrics result{};
    for (auto _ : state) {
        tarn_metrics_scope scope;
        if (tarn_metrics_begin(&scope, mode) != 0) std::abort();
        tarn_metrics_end(&scope, &result, sizeof result);
        benchmark::DoNotOptimize(result);
    }
    if (result.allocations != 0) state.SkipWithError("counted what was not there");
}

void task(benchmark::State& state) {
    tarn_metrics_task* const all = tarn_metrics_task_create();
    for (auto _ : state) {
        tarn_metrics_scope scope;
        if (tarn_metrics_task_enter(all, &scope, TARN_METRICS_SAMPLED) != 0) std::abort();
        tarn_metrics_task_leave(all, &scope);
    }
    tarn_metrics sum;
    tarn_metrics_task_read(all, &sum, sizeof sum);
    if (sum.scopes != static_cast<uint64_t>(state.iterations())) state.SkipWithError("wrong sum");
    tarn_metrics_task_destroy(all);
}

void pairs() {
    void* p = std::malloc(64);
    benchmark::DoNotOptimize(p);
    std::free(p);
}

// Grows to a few MiB and shrinks again: many visits to the cold ends.
void waves() {
    static std::array<void*, 20000> objects;
    for (size_t i = 0; i < objects.size(); ++i)
        objects[i] = std::malloc(16 + i % 500);
    benchmark::DoNotOptimize(objects.data());
    for (void* p : objects)
        std::free(p);
}

template <void (*Work)()>
void outside(benchmark::State& state) {
    for (auto _ : state)
        Work();
}

template <void (*Work)()>
void inside(benchmark::State& state, tarn_metrics_mode mode) {
    tarn_metrics_scope scope;
    tarn_metrics result;
    if (tarn_metrics_begin(&scope, mode) != 0) std::abort();
    for (auto _ : state)
        Work();
    tarn_metrics_end(&scope, &result, sizeof result);
    if (result.allocations < static_cast<uint64_t>(state.iterations())) state.SkipWithError("wrong count");
}

}  // namespace

int main(int argc, char** argv) {
    using benchmark::RegisterBenchmark;
    RegisterBenchmark("tarn/begin and end", begin_end, TARN_METRICS_SAMPLED);
    RegisterBenchmark("tarn exact/begin and end", begin_end, TARN_METRICS_EXACT);
    RegisterBenchmark("tarn/enter and leave", task);
    RegisterBenchmark("none/pair", outside<pairs>);
    RegisterBenchmark("tarn/pair", inside<pairs>, TARN_METRICS_SAMPLED);
    RegisterBenchmark("tarn exact/pair", inside<pairs>, TARN_METRICS_EXACT);
    RegisterBenchmark("none/waves", outside<waves>);
    RegisterBenchmark("tarn/waves", inside<waves>, TARN_METRICS_SAMPLED);
    RegisterBenchmark("tarn exact/waves", inside<waves>, TARN_METRICS_EXACT);
    benchmark::Initialize(&argc, argv);
    benchmark::RunSpecifiedBenchmarks();
}
