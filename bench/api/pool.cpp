// SPDX-License-Identifier: MIT
// Pools of one object size: tarn's against what C and C++ programs use today. `allocator/CASE`, compared
// within one run (docs/guide/pool.md).
#include <benchmark/benchmark.h>

#include <array>
#include <cstdint>
#include <cstdlib>
#include <list>
#include <memory>
#include <memory_resource>
#include <string>
#include <vector>

#include "peers.h"
#include "tarn/pool.hpp"
#if __has_include(<boost/pool/pool.hpp>)
#include <boost/pool/pool.hpp>
#include <boost/pool/pool_alloc.hpp>
#endif
#if __has_include(<glib.h>)
#include <glib.h>
#endif
#if __has_include(<talloc.h>)
#include <talloc.h>
#endif
#if __has_include(<foonathan/memory/memory_pool.hpp>)
#include <foonathan/memory/memory_pool.hpp>
#endif

namespace {

// Every peer: made for one object size, may be used by one thread (or by all, where kThreads says so).

struct Tarn {
    static constexpr bool kThreads = true;
    explicit Tarn(size_t size) : pool(tarn_pool_create(size, 16, 0)) {}
    ~Tarn() { tarn_pool_destroy(pool); }
    Tarn(const Tarn&) = delete;
    [[gnu::always_inline]] void* allocate() { return tarn_pool_allocate(pool); }
    [[gnu::always_inline]] void free(void* object) { tarn_pool_free(pool, object); }
    tarn_pool* const pool;
};

// The same, as a thread sees it that has looked up its stack.
struct TarnEntered {
    static constexpr bool kThreads = false;
    explicit TarnEntered(size_t size) : pool(tarn_pool_create(size, 16, 0)), local(tarn_pool_enter(pool)) {}
    ~TarnEntered() { tarn_pool_destroy(pool); }
    TarnEntered(const TarnEntered&) = delete;
    [[gnu::always_inline]] void* allocate() { return tarn_pool_allocate_by(pool, local); }
    [[gnu::always_inline]] void free(void* object) { tarn_pool_free_by(pool, local, object); }
    tarn_pool* const pool;
    tarn_pool_local* const local;
};

struct TarnMalloc {
    static constexpr bool kThreads = true;
    explicit TarnMalloc(size_t bytes) : size(bytes) {}
    [[gnu::always_inline]] void* allocate() { return std::malloc(size); }
    [[gnu::always_inline]] void free(void* object) { std::free(object); }
    const size_t size;
};

struct Glibc {
    static constexpr bool kThreads = true;
    explicit Glibc(size_t bytes) : size(bytes) {}
    [[gnu::always_inline]] void* allocate() { return __libc_malloc(size); }
    [[gnu::always_inline]] void free(void* object) { __libc_free(object); }
    const size_t size;
};

const peers::Malloc mimalloc = peers::mimalloc();

struct Mimalloc {
    static constexpr bool kThreads = true;
    explicit Mimalloc(size_t bytes) : size(bytes) {}
    [[gnu::always_inline]] void* allocate() { return mimalloc.allocate(size); }
    [[gnu::always_inline]] void free(void* object) { mimalloc.free(object); }
    const size_t size;
};

struct Pmr {
    static constexpr bool kThreads = false;
    explicit Pmr(size_t bytes) : size(bytes) {}
    [[gnu::always_inline]] void* allocate() { return resource.allocate(size, 16); }
    [[gnu::always_inline]] void free(void* object) { resource.deallocate(object, size, 16); }
    const size_t size;
    std::pmr::unsynchronized_pool_resource resource;
};

#ifdef BOOST_POOL_HPP
struct Boost {
    static constexpr bool kThreads = false;
    explicit Boost(size_t size) : pool(size) {}
    [[gnu::always_inline]] void* allocate() { return pool.malloc(); }
    [[gnu::always_inline]] void free(void* object) { pool.free(object); }
    boost::pool<> pool;
};

// The pools behind it are the process's, one per size, each with a mutex.
template <size_t kSize>
struct BoostFast {
    static constexpr bool kThreads = true;
    struct Object {
        alignas(16) char bytes[kSize];
    };
    explicit BoostFast(size_t) {}
    [[gnu::always_inline]] void* allocate() { return boost::fast_pool_allocator<Object>::allocate(); }
    [[gnu::always_inline]] void free(void* object) {
        boost::fast_pool_allocator<Object>::deallocate(static_cast<Object*>(object));
    }
};
#endif

#ifdef __G_LIB_H__
struct Glib {
    static constexpr bool kThreads = true;
    explicit Glib(size_t bytes) : size(bytes) {}
    [[gnu::always_inline]] void* allocate() { return g_slice_alloc(size); }
    [[gnu::always_inline]] void free(void* object) { g_slice_free1(size, object); }
    const size_t size;
};
#endif

#ifdef _TALLOC_H_
struct Talloc {
    static constexpr bool kThreads = false;
    explicit Talloc(size_t bytes) : size(bytes), pool(talloc_pool(nullptr, 1 << 20)) {}
    ~Talloc() { talloc_free(pool); }
    Talloc(const Talloc&) = delete;
    [[gnu::always_inline]] void* allocate() { return talloc_size(pool, size); }
    [[gnu::always_inline]] void free(void* object) { talloc_free(object); }
    const size_t size;
    void* const pool;
};
#endif

#ifdef FOONATHAN_MEMORY_MEMORY_POOL_HPP_INCLUDED
struct Foonathan {
    static constexpr bool kThreads = false;
    explicit Foonathan(size_t size) : pool(size, 1 << 16) {}
    [[gnu::always_inline]] void* allocate() { return pool.allocate_node(); }
    [[gnu::always_inline]] void free(void* object) { pool.deallocate_node(object); }
    foonathan::memory::memory_pool<> pool;
};
#endif

constexpr size_t kNode = 48;

// An object is freed at once.
template <class Peer>
void pair(benchmark::State& state, Peer& peer) {
    for (auto _ : state) {
        void* object = peer.allocate();
        benchmark::DoNotOptimize(object);
        peer.free(object);
        benchmark::ClobberMemory();
    }
    state.SetItemsProcessed(state.iterations());
}

void check(bool holds, benchmark::State& state) {
    if (!holds) state.SkipWithError("an object has not what was written into it");
}

// Many objects are allocated and written, then read and freed in the same order.
template <class Peer>
void batch(benchmark::State& state, Peer& peer) {
    static constexpr uint64_t kObjects = 1000;
    std::vector<uint64_t*> objects(kObjects);
    uint64_t sum = 0;
    for (auto _ : state) {
        for (uint64_t i = 0; i < kObjects; ++i) {
            objects[i] = static_cast<uint64_t*>(peer.allocate());
            *objects[i] = i;
        }
        benchmark::DoNotOptimize(objects.data());
        benchmark::ClobberMemory();
        for (uint64_t* object : objects) {
            sum += *object;
            peer.free(object);
        }
    }
    check(sum == static_cast<uint64_t>(state.iterations()) * (kObjects * (kObjects - 1) / 2), state);
    state.SetItemsProcessed(state.iterations() * static_cast<int64_t>(kObjects));
}

// One of 10,000 live objects, anyone, is freed and made anew.
template <class Peer>
void replace(benchmark::State& state, Peer& peer) {
    static constexpr uint32_t kObjects = 10000;
    std::vector<uint64_t*> objects(kObjects);
    for (uint64_t i = 0; i < kObjects; ++i)
        *(objects[i] = static_cast<uint64_t*>(peer.allocate())) = i;
    uint32_t random = 1;
    bool right = true;
    for (auto _ : state) {
        random = random * 1664525u + 1013904223u;
        const uint32_t at = static_cast<uint32_t>(uint64_t{random} * kObjects >> 32);
        right &= *objects[at] == at;
        peer.free(objects[at]);
        *(objects[at] = static_cast<uint64_t*>(peer.allocate())) = at;
    }
    check(right, state);
    for (uint64_t* object : objects)
        peer.free(object);
    state.SetItemsProcessed(state.iterations());
}

// A small interpreter: parses a function into nodes, runs it a few times with variables that are dropped when
// they were used, and forgets it when another function takes its place among the 64 that it keeps.
template <class Peer>
class Interpreter {
  public:
    ~Interpreter() {
        for (Node* function : functions_)
            drop(function);
    }
    uint64_t step() {
        Node*& function = functions_[random() % functions_.size()];
        drop(function);
        function = parse(6);
        uint64_t result = 0;
        for (uint64_t argument = 0; argument < 4; ++argument) {
            Variable* value = run(function, argument);
            result += value->value;
            variables_.free(value);
        }
        return result;
    }
    Peer& nodes() { return nodes_; }
    Peer& variables() { return variables_; }

  private:
    struct Node {
        uint32_t kind, line;
        uint64_t constant;
        Node *left, *right;
        const char* name;
        uint64_t type;
    };
    struct Variable {
        uint64_t value, references;
        const char* name;
        Variable* next;
    };
    static_assert(sizeof(Node) == 48 && sizeof(Variable) == 32);

    uint32_t random() {
        seed_ = seed_ * 1664525u + 1013904223u;
        return seed_ >> 16;
    }
    Node* parse(unsigned depth) {
        Node* node = static_cast<Node*>(nodes_.allocate());
        const bool leaf = depth == 0 || random() % 8 == 0;
        *node = Node{leaf ? random() % 2 : 2 + random() % 3, 1, random(), nullptr, nullptr, "", 0};
        if (leaf) return node;
        node->left = parse(depth - 1);
        node->right = parse(depth - 1);
        return node;
    }
    Variable* variable(uint64_t value) {
        Variable* made = static_cast<Variable*>(variables_.allocate());
        *made = Variable{value, 1, "", nullptr};
        return made;
    }
    Variable* run(const Node* node, uint64_t argument) {
        if (node->kind < 2) return variable(node->kind == 0 ? node->constant : argument);
        Variable* left = run(node->left, argument);
        Variable* right = run(node->right, argument);
        const uint64_t a = left->value, b = right->value;
        variables_.free(left);
        variables_.free(right);
        return variable(node->kind == 2 ? a + b : node->kind == 3 ? a * b : a ^ b);
    }
    void drop(Node* node) {
        if (!node) return;
        drop(node->left);
        drop(node->right);
        nodes_.free(node);
    }

    uint32_t seed_ = 1;
    Peer nodes_{sizeof(Node)}, variables_{sizeof(Variable)};
    std::array<Node*, 64> functions_{};
};

double hit_rate(tarn_pool* pool) {
    tarn_pool_stats stats;
    tarn_pool_stats_get(pool, &stats, sizeof stats);
    return stats.hit_rate;
}

template <class Peer>
void interpret(benchmark::State& state) {
    static constexpr int kSteps = 2000;
    static const uint64_t expected = [] {
        Interpreter<TarnMalloc> reference;
        uint64_t sum = 0;
        for (int i = 0; i < kSteps; ++i)
            sum += reference.step();
        return sum;
    }();
    bool right = true;
    for (auto _ : state) {
        Interpreter<Peer> interpreter;
        uint64_t sum = 0;
        for (int i = 0; i < kSteps; ++i)
            sum += interpreter.step();
        right &= sum == expected;
        if constexpr (std::is_same_v<Peer, Tarn>) {
            state.counters["hit_rate_nodes"] = hit_rate(interpreter.nodes().pool);
            state.counters["hit_rate_variables"] = hit_rate(interpreter.variables().pool);
        }
    }
    check(right, state);
    state.SetItemsProcessed(state.iterations() * kSteps);
}

// Nodes of the standard library's containers.
template <class Allocator>
void queue(benchmark::State& state, const Allocator& allocator) {
    std::list<uint64_t, Allocator> list(allocator);
    uint64_t in = 0, out = 0;
    for (; in < 1000; ++in)
        list.push_back(in);
    bool right = true;
    for (auto _ : state) {
        list.push_back(in++);
        right &= list.front() == out++;
        list.pop_front();
    }
    check(right, state);
    state.SetItemsProcessed(state.iterations());
}

template <class Peer>
void add(const std::string& name) {
    // The pool of all threads of one benchmark, made anew when it has been run.
    static std::unique_ptr<Peer> shared;
    const auto prepare = [](const benchmark::State&) { shared = std::make_unique<Peer>(kNode); };
    const auto finish = [](const benchmark::State&) { shared.reset(); };
    const auto add_case = [&](const char* suffix, void (*run)(benchmark::State&, Peer&), int threads = 1) {
        auto* added = benchmark::RegisterBenchmark((name + suffix).c_str(),
                                                   [run](benchmark::State& state) { run(state, *shared); });
        added->Setup(prepare)->Teardown(finish);
        if (threads > 1) added->Threads(threads);
    };
    add_case("/pair48", pair<Peer>);
    add_case("/batch1000", batch<Peer>);
    add_case("/replace10000", replace<Peer>);
    if constexpr (Peer::kThreads) {
        add_case("/pair48_shared", pair<Peer>, 2);
        add_case("/batch1000_shared", batch<Peer>, 2);
    }
    if constexpr (requires { Interpreter<Peer>(); })
        benchmark::RegisterBenchmark((name + "/interpreter").c_str(), interpret<Peer>);
}

template <class Make>
void add_queue(const std::string& name, Make make) {
    benchmark::RegisterBenchmark((name + "/list_queue").c_str(),
                                 [make](benchmark::State& state) { queue(state, make()); });
}

}  // namespace

int main(int count, char** arguments) {
    add<Tarn>("tarn");
    add<TarnEntered>("tarn-entered");
    add<TarnMalloc>("tarn-malloc");
    add<Glibc>("glibc");
    if (mimalloc.allocate) add<Mimalloc>("mimalloc");
    add<Pmr>("std-pmr");
    static tarn::PoolResource resource;
    static std::pmr::unsynchronized_pool_resource unsynchronized;
    add_queue("tarn", [] { return tarn::PoolAllocator<uint64_t>(); });
    add_queue("tarn-pmr", [] { return std::pmr::polymorphic_allocator<uint64_t>(&resource); });
    add_queue("tarn-malloc", [] { return std::allocator<uint64_t>(); });
    add_queue("std-pmr", [] { return std::pmr::polymorphic_allocator<uint64_t>(&unsynchronized); });
#ifdef BOOST_POOL_HPP
    add<Boost>("boost-pool");
    add<BoostFast<kNode>>("boost-fast_pool_allocator");
    add_queue("boost-fast_pool_allocator", [] { return boost::fast_pool_allocator<uint64_t>(); });
#endif
#ifdef __G_LIB_H__
    add<Glib>("glib-g_slice");
#endif
#ifdef _TALLOC_H_
    add<Talloc>("talloc-pool");
#endif
#ifdef FOONATHAN_MEMORY_MEMORY_POOL_HPP_INCLUDED
    add<Foonathan>("foonathan");
#endif
    benchmark::Initialize(&count, arguments);
    if (benchmark::ReportUnrecognizedArguments(count, arguments)) return 1;
    benchmark::RunSpecifiedBenchmarks();
    return 0;
}
