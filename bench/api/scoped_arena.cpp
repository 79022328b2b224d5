// SPDX-License-Identifier: MIT
// Temporaries on the stack: a scope that allocates, writes and is left. CASE is scratch-N, one block of N
// bytes; mixed-N, eight of N/8; or vector-N, a list of N numbers pushed one by one.
#include "tarn/scoped_arena.hpp"

#include <benchmark/benchmark.h>

#include <cstdint>
#include <cstdlib>
#include <memory_resource>
#include <numeric>
#include <string>
#include <vector>

#include "peers.h"
#include "tarn/small_vector.hpp"
#if __has_include(<boost/container/small_vector.hpp>)
#include <boost/container/small_vector.hpp>
#endif
#if __has_include(<foonathan/memory/temporary_allocator.hpp>)
#include <foonathan/memory/temporary_allocator.hpp>
#endif
#if __has_include(<glib.h>)
#include <glib.h>
#endif

namespace {

using benchmark::State;

// Whoever the compiler is, it must not drop the block; first and last byte are written.
void use(void* block, size_t size) {
    char* bytes = static_cast<char*>(block);
    bytes[0] = bytes[size - 1] = 1;
    benchmark::DoNotOptimize(bytes);
    benchmark::ClobberMemory();
}

size_t opaque(size_t size) {
    benchmark::DoNotOptimize(size);
    return size;
}

template <size_t kSize, int kPieces>
void scoped(State& state) {
    const size_t size = opaque(kSize / kPieces);
    for (auto _ : state) {
        tarn::ScopedArena<kSize> arena;
        for (int i = 0; i < kPieces; ++i)
            use(arena.allocate(size, 16), size);
    }
}

template <size_t kSize, int kPieces>
void pmr(State& state) {
    const size_t size = opaque(kSize / kPieces);
    for (auto _ : state) {
        alignas(16) char buffer[kSize];
        std::pmr::monotonic_buffer_resource resource(buffer, sizeof buffer);
        for (int i = 0; i < kPieces; ++i)
            use(resource.allocate(size, 16), size);
    }
}

template <size_t kSize, int kPieces>
void heap(State& state, peers::Malloc peer) {
    if (!peer.allocate) return state.SkipWithError("not installed");
    const size_t size = opaque(kSize / kPieces);
    for (auto _ : state) {
        void* blocks[kPieces];
        for (void*& block : blocks)
            use(block = peer.allocate(size), size);
        for (void* block : blocks)
            peer.free(block);
    }
}

#if __has_include(<foonathan/memory/temporary_allocator.hpp>)
template <size_t kSize, int kPieces>
void temporary(State& state) {
    const size_t size = opaque(kSize / kPieces);
    for (auto _ : state) {
        foonathan::memory::temporary_allocator allocator;
        for (int i = 0; i < kPieces; ++i)
            use(allocator.allocate(size, 16), size);
    }
}
#endif

template <class Vector, size_t kCount>
void push(State& state) {
    const size_t count = opaque(kCount);
    for (auto _ : state) {
        Vector vector;
        for (size_t i = 0; i < count; ++i)
            vector.push_back(static_cast<int>(i));
        benchmark::DoNotOptimize(vector.data());
        benchmark::ClobberMemory();
        if (vector.back() != static_cast<int>(kCount) - 1) std::abort();
    }
}

#if __has_include(<glib.h>)
template <size_t kCount>
void push_glib(State& state) {
    const size_t count = opaque(kCount);
    for (auto _ : state) {
        GArray* array = g_array_sized_new(FALSE, FALSE, sizeof(int), 16);
        for (size_t i = 0; i < count; ++i) {
            const int value = static_cast<int>(i);
            g_array_append_val(array, value);
        }
        if (g_array_index(array, int, kCount - 1) != static_cast<int>(kCount) - 1) std::abort();
        g_array_free(array, TRUE);
    }
}
#endif

template <size_t kSize, int kPieces>
void add_scratch(const std::string& kind) {
    const std::string name = "/" + kind + "-" + std::to_string(kSize);
    const auto add = [&](const char* who, auto function) {
        benchmark::RegisterBenchmark((who + name).c_str(), function);
    };
    add("tarn", scoped<kSize, kPieces>);
    add("pmr", pmr<kSize, kPieces>);
    add("glibc", [](State& state) { heap<kSize, kPieces>(state, peers::kGlibc); });
    add("mimalloc", [](State& state) { heap<kSize, kPieces>(state, peers::mimalloc()); });
    add("tarn-malloc", [](State& state) { heap<kSize, kPieces>(state, {"tarn", malloc, free}); });
#if __has_include(<foonathan/memory/temporary_allocator.hpp>)
    add("temporary_allocator", temporary<kSize, kPieces>);
#endif
}

template <size_t kCount>
void add_vector() {
    const std::string name = "/vector-" + std::to_string(kCount);
    const auto add = [&](const char* who, auto function) {
        benchmark::RegisterBenchmark((who + name).c_str(), function);
    };
    add("tarn", push<tarn::SmallVector<int, 16>, kCount>);
    add("std-vector", push<std::vector<int>, kCount>);
#if __has_include(<boost/container/small_vector.hpp>)
    add("boost-small_vector", push<boost::container::small_vector<int, 16>, kCount>);
#endif
#if __has_include(<glib.h>)
    add("GArray", push_glib<kCount>);
#endif
}

}  // namespace

int main(int count, char** arguments) {
    add_scratch<64, 1>("scratch");
    add_scratch<256, 1>("scratch");
    add_scratch<1024, 1>("scratch");
    add_scratch<4096, 1>("scratch");
    add_scratch<512, 8>("mixed");
    add_scratch<4096, 8>("mixed");
    add_vector<4>();
    add_vector<16>();
    add_vector<64>();
    benchmark::Initialize(&count, arguments);
    benchmark::RunSpecifiedBenchmarks();
    return 0;
}
