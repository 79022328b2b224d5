// SPDX-License-Identifier: MIT
// Arenas. Each case is a cycle: allocate, write, give everything back; all peers do the same and leave the
// same list behind. "bump" is the bare loop that no arena can beat: no check, no chunk.
#include "tarn/arena.hpp"

#include <benchmark/benchmark.h>

#include <cstdint>
#include <cstdlib>
#include <memory_resource>
#include <string>
#include <string_view>

#include "peers.h"
#include "tarn/arena_pool.hpp"
#if __has_include(<glib.h>)
#include <glib.h>
#endif
#if __has_include(<talloc.h>)
extern "C" {
#include <talloc.h>
}
#endif
#if __has_include(<foonathan/memory/memory_stack.hpp>)
#include <foonathan/memory/memory_stack.hpp>
#endif

namespace {

using benchmark::State;

constexpr int kNodes = 1000;

struct Node {
    Node* next;
    uint64_t kind;
    uint64_t rest[4];
};
static_assert(sizeof(Node) == 48);

Node* link(void* memory, Node* next, uint64_t kind) {
    Node* node = static_cast<Node*>(memory);
    node->next = next;
    node->kind = kind;
    return node;
}

// As a program does that gives every field its value.
Node* fill(void* memory, Node* next, uint64_t kind) {
    Node* node = link(memory, next, kind);
    node->rest[0] = node->rest[1] = kind;
    node->rest[2] = node->rest[3] = kind;
    return node;
}

// kNodes nodes in a list by `allocate`, then `give_back`. The list is walked once, at the end.
template <auto kMake = link, class Allocate, class GiveBack>
void nodes(State& state, Allocate allocate, GiveBack give_back) {
    for (auto _ : state) {
        Node* list = nullptr;
        for (uint64_t i = 0; i < kNodes; ++i)
            list = kMake(allocate(), list, i);
        benchmark::DoNotOptimize(list);
        benchmark::ClobberMemory();
        give_back(list);
    }
    Node* list = nullptr;
    for (uint64_t i = 0; i < kNodes; ++i)
        list = kMake(allocate(), list, i);
    uint64_t sum = 0;
    for (const Node* node = list; node; node = node->next)
        sum += node->kind;
    if (sum != uint64_t{kNodes} * (kNodes - 1) / 2) std::abort();
    give_back(list);
    state.SetItemsProcessed(state.iterations() * kNodes);
}

template <auto kMake>
void nodes_bump(State& state) {
    static char memory[kNodes * sizeof(Node)];
    char* next = memory;
    nodes<kMake>(
        state, [&] { return std::exchange(next, next + sizeof(Node)); }, [&](Node*) { next = memory; });
}
BENCHMARK(nodes_bump<link>)->Name("bump/nodes");
BENCHMARK(nodes_bump<fill>)->Name("bump/nodes-filled");

// With an end, in an object that others may see.
struct Bump {
    char* next;
    char* end;
};
[[gnu::noinline]] void* full(Bump* bump) {
    benchmark::DoNotOptimize(bump);
    std::abort();
}
void nodes_bump_object(State& state) {
    static char memory[kNodes * sizeof(Node)];
    Bump object{memory, memory + sizeof memory};
    Bump* bump = &object;
    benchmark::DoNotOptimize(bump);
    nodes(
        state,
        [=]() -> void* {
            if (bump->end - bump->next < static_cast<ptrdiff_t>(sizeof(Node))) return full(bump);
            return std::exchange(bump->next, bump->next + sizeof(Node));
        },
        [=](Node*) { bump->next = memory; });
}
BENCHMARK(nodes_bump_object)->Name("bump-object/nodes");

// With an end, in registers.
void nodes_bump_checked(State& state) {
    static char memory[kNodes * sizeof(Node)];
    char *next = memory, *end = memory + sizeof memory;
    benchmark::DoNotOptimize(end);
    nodes(
        state,
        [&]() -> void* {
            if (end - next < static_cast<ptrdiff_t>(sizeof(Node))) return full(nullptr);
            return std::exchange(next, next + sizeof(Node));
        },
        [&](Node*) { next = memory; });
}
BENCHMARK(nodes_bump_checked)->Name("bump-checked/nodes");

template <auto kMake>
void nodes_tarn(State& state) {
    tarn_arena* arena = tarn_arena_create(0, 0);
    nodes<kMake>(
        state, [=] { return tarn_arena_allocate(arena, sizeof(Node), alignof(Node)); },
        [=](Node*) { tarn_arena_reset(arena); });
    tarn_arena_destroy(arena);
}
BENCHMARK(nodes_tarn<link>)->Name("tarn/nodes");
BENCHMARK(nodes_tarn<fill>)->Name("tarn/nodes-filled");

// A new arena for each cycle.
void nodes_tarn_new(State& state) {
    auto* arena = tarn_arena_create(0, 0);
    nodes(
        state, [&] { return tarn_arena_allocate(arena, sizeof(Node), alignof(Node)); },
        [&](Node*) {
            tarn_arena_destroy(arena);
            arena = tarn_arena_create(0, 0);
        });
    tarn_arena_destroy(arena);
}
BENCHMARK(nodes_tarn_new)->Name("tarn/new-arena");

void nodes_pmr(State& state) {
    std::pmr::monotonic_buffer_resource resource;
    nodes(
        state, [&] { return resource.allocate(sizeof(Node), alignof(Node)); },
        [&](Node*) { resource.release(); });
}
BENCHMARK(nodes_pmr)->Name("pmr/new-arena");

// With a buffer for all of them, which release() keeps.
template <auto kMake>
void nodes_pmr_buffer(State& state) {
    static char memory[kNodes * sizeof(Node)];
    std::pmr::monotonic_buffer_resource resource(memory, sizeof memory);
    nodes<kMake>(
        state, [&] { return resource.allocate(sizeof(Node), alignof(Node)); },
        [&](Node*) { resource.release(); });
}
BENCHMARK(nodes_pmr_buffer<link>)->Name("pmr/nodes");
BENCHMARK(nodes_pmr_buffer<fill>)->Name("pmr/nodes-filled");

template <class Free>
void free_list(Node* list, Free free) {
    while (list) {
        Node* next = list->next;
        free(list);
        list = next;
    }
}

template <auto kMake>
void nodes_malloc(State& state, peers::Malloc peer) {
    if (!peer.allocate) return state.SkipWithError("not installed");
    nodes<kMake>(
        state, [=] { return peer.allocate(sizeof(Node)); }, [=](Node* list) { free_list(list, peer.free); });
}
constexpr auto nodes_linked = nodes_malloc<link>, nodes_filled = nodes_malloc<fill>;
BENCHMARK_CAPTURE(nodes_linked, glibc, peers::kGlibc)->Name("glibc/nodes");
BENCHMARK_CAPTURE(nodes_filled, glibc, peers::kGlibc)->Name("glibc/nodes-filled");
BENCHMARK_CAPTURE(nodes_linked, mimalloc, peers::mimalloc())->Name("mimalloc/nodes");
BENCHMARK_CAPTURE(nodes_linked, tarn, peers::Malloc{"tarn", malloc, free})->Name("tarn-malloc/nodes");

#if __has_include(<glib.h>)
void nodes_slice(State& state) {
    nodes(
        state, [] { return g_slice_alloc(sizeof(Node)); },
        [](Node* list) { g_slice_free_chain(Node, list, next); });
}
BENCHMARK(nodes_slice)->Name("g_slice/nodes");
#endif

#if __has_include(<talloc.h>)
void nodes_talloc(State& state) {
    constexpr size_t kHeader = 128;  // more than talloc puts before an object
    void* pool = talloc_pool(nullptr, kNodes * (sizeof(Node) + kHeader));
    nodes(
        state, [=] { return talloc_size(pool, sizeof(Node)); }, [=](Node*) { talloc_free_children(pool); });
    talloc_free(pool);
}
BENCHMARK(nodes_talloc)->Name("talloc-pool/nodes");
#endif

#if __has_include(<foonathan/memory/memory_stack.hpp>)
template <auto kMake>
void nodes_foonathan(State& state) {
    foonathan::memory::memory_stack<> stack(4096);
    const auto start = stack.top();
    nodes<kMake>(
        state, [&] { return stack.allocate(sizeof(Node), alignof(Node)); },
        [&](Node*) { stack.unwind(start); });
}
BENCHMARK(nodes_foonathan<link>)->Name("memory_stack/nodes");
BENCHMARK(nodes_foonathan<fill>)->Name("memory_stack/nodes-filled");
#endif

// Texts of 3 to 30 bytes.
constexpr std::string_view kText = "identifiers_of_a_program_in_32_";

template <class Copy, class GiveBack>
void strings(State& state, Copy copy, GiveBack give_back) {
    size_t total = 0;
    for (auto _ : state) {
        for (size_t i = 0; i < kNodes; ++i) {
            const char* text = copy(kText.data(), 3 + i % 28);
            benchmark::DoNotOptimize(text);
            total += static_cast<unsigned char>(text[i % 3]);
        }
        give_back();
    }
    benchmark::DoNotOptimize(total);
    if (std::string_view(copy(kText.data(), 7)) != kText.substr(0, 7)) std::abort();
    give_back();
    state.SetItemsProcessed(state.iterations() * kNodes);
}

void strings_tarn(State& state) {
    tarn_arena* arena = tarn_arena_create(0, 0);
    strings(
        state, [=](const char* text, size_t length) { return tarn_arena_string(arena, text, length); },
        [=] { tarn_arena_reset(arena); });
    tarn_arena_destroy(arena);
}
BENCHMARK(strings_tarn)->Name("tarn/strings");

void strings_pmr(State& state) {
    static char memory[kNodes * 32];
    std::pmr::monotonic_buffer_resource resource(memory, sizeof memory);
    strings(
        state,
        [&](const char* text, size_t length) {
            char* copy = static_cast<char*>(resource.allocate(length + 1, 1));
            copy[length] = 0;
            return static_cast<char*>(memcpy(copy, text, length));
        },
        [&] { resource.release(); });
}
BENCHMARK(strings_pmr)->Name("pmr/strings");

#if __has_include(<glib.h>)
void strings_glib(State& state) {
    GStringChunk* chunk = g_string_chunk_new(32768);
    strings(
        state,
        [=](const char* text, size_t length) {
            return g_string_chunk_insert_len(chunk, text, static_cast<gssize>(length));
        },
        [=] { g_string_chunk_clear(chunk); });
    g_string_chunk_free(chunk);
}
BENCHMARK(strings_glib)->Name("GStringChunk/strings");
#endif

#if __has_include(<talloc.h>)
void strings_talloc(State& state) {
    void* pool = talloc_pool(nullptr, size_t{kNodes} * 256);
    strings(
        state, [=](const char* text, size_t length) { return talloc_strndup(pool, text, length); },
        [=] { talloc_free_children(pool); });
    talloc_free(pool);
}
BENCHMARK(strings_talloc)->Name("talloc-pool/strings");
#endif

// A text that grows at its end to 100,000 bytes, 10 at a time.
constexpr size_t kPieces = 10000;

void grow_tarn(State& state) {
    tarn::Arena arena;
    for (auto _ : state) {
        std::span<char> text;
        for (size_t i = 0; i < kPieces; ++i) {
            const size_t length = text.size();
            text = arena.resize(text, length + 10);
            memcpy(text.data() + length, kText.data(), 10);
        }
        if (text.size() != 10 * kPieces || text[10 * kPieces - 1] != kText[9]) std::abort();
        arena.reset();
    }
}
BENCHMARK(grow_tarn)->Name("tarn/grow-at-end");

void grow_string(State& state) {
    for (auto _ : state) {
        std::string text;
        for (size_t i = 0; i < kPieces; ++i)
            text.append(kText.substr(0, 10));
        if (text.size() != 10 * kPieces || text[10 * kPieces - 1] != kText[9]) std::abort();
        benchmark::DoNotOptimize(text.data());
    }
}
BENCHMARK(grow_string)->Name("std-string/grow-at-end");

// A piece of work with an arena of its own: `range` nodes.
template <class WithArena>
void pieces(State& state, WithArena with_arena) {
    for (auto _ : state)
        with_arena([&](tarn::ArenaRef arena) {
            Node* list = nullptr;
            for (int64_t i = 0; i < state.range(0); ++i)
                list = link(arena.allocate(sizeof(Node), alignof(Node)), list, static_cast<uint64_t>(i));
            benchmark::DoNotOptimize(list);
            benchmark::ClobberMemory();
        });
}

tarn::ArenaPool& pool() {
    static tarn::ArenaPool all;
    return all;
}
void pieces_pool(State& state) {
    pieces(state, [](auto work) { work(pool().acquire()); });
}
void pieces_create(State& state) {
    pieces(state, [](auto work) { work(tarn::Arena()); });
}
void pieces_pmr(State& state) {
    for (auto _ : state) {
        std::pmr::monotonic_buffer_resource resource(4096);
        Node* list = nullptr;
        for (int64_t i = 0; i < state.range(0); ++i)
            list = link(resource.allocate(sizeof(Node), alignof(Node)), list, static_cast<uint64_t>(i));
        benchmark::DoNotOptimize(list);
        benchmark::ClobberMemory();
    }
}
void pieces_glibc(State& state) {
    for (auto _ : state) {
        Node* list = nullptr;
        for (int64_t i = 0; i < state.range(0); ++i)
            list = link(peers::kGlibc.allocate(sizeof(Node)), list, static_cast<uint64_t>(i));
        benchmark::DoNotOptimize(list);
        benchmark::ClobberMemory();
        free_list(list, peers::kGlibc.free);
    }
}
BENCHMARK(pieces_pool)->Name("tarn/pool")->Arg(20)->Arg(200)->Arg(5000);
BENCHMARK(pieces_create)->Name("create-destroy/pool")->Arg(20)->Arg(200)->Arg(5000);
BENCHMARK(pieces_pmr)->Name("pmr/pool")->Arg(20)->Arg(200)->Arg(5000);
BENCHMARK(pieces_glibc)->Name("glibc/pool")->Arg(20)->Arg(200)->Arg(5000);
BENCHMARK(pieces_pool)->Name("tarn/pool-2-threads")->Arg(200)->Threads(2)->UseRealTime();
BENCHMARK(pieces_create)->Name("create-destroy/pool-2-threads")->Arg(200)->Threads(2)->UseRealTime();
BENCHMARK(pieces_pmr)->Name("pmr/pool-2-threads")->Arg(200)->Threads(2)->UseRealTime();
BENCHMARK(pieces_glibc)->Name("glibc/pool-2-threads")->Arg(200)->Threads(2)->UseRealTime();

}  // namespace

BENCHMARK_MAIN();
