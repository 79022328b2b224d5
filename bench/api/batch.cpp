// SPDX-License-Identifier: MIT
// A Batch of eight fields, 64 bytes a row, against `structs` (std::vector of a struct of them) and `vectors`
// (a std::vector per field, kept in step by hand).
#include <benchmark/benchmark.h>

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <numeric>
#include <random>
#include <span>
#include <tuple>
#include <vector>

#include "tarn/batch.hpp"

namespace {

constexpr std::size_t kRows = 1000000;

struct Item {
    double price;
    std::uint64_t id;
    double fields[6];
};
static_assert(sizeof(Item) == 64);

struct Price {
    using type = double;
};
struct Id {
    using type = std::uint64_t;
};
using Batch = tarn::Batch<Price, Id, double, double, double, double, double, double>;
using Structs = std::vector<Item>;
struct Vectors {
    std::vector<double> prices;
    std::vector<std::uint64_t> ids;
    std::vector<double> fields[6];
};

// The same rows in each.
template <class Add>
void fill(Add add) {
    std::mt19937_64 random(1);
    std::uniform_real_distribution<double> price(0, 1000);
    for (std::size_t i = 0; i < kRows; ++i)
        add(price(random), i);
}
void push(Batch& batch, double price, std::uint64_t id) {
    batch.emplace_back(price, id, 1.0, 2.0, 3.0, 4.0, 5.0, 6.0);
}
void push(Structs& structs, double price, std::uint64_t id) {
    structs.push_back({price, id, {1, 2, 3, 4, 5, 6}});
}
void push(Vectors& vectors, double price, std::uint64_t id) {
    vectors.prices.push_back(price);
    vectors.ids.push_back(id);
    for (int i = 0; i < 6; ++i)
        vectors.fields[i].push_back(i + 1.0);
}
template <class T>
const T& original() {
    static const T made = [] {
        T rows;
        fill([&](double price, std::uint64_t id) { push(rows, price, id); });
        return rows;
    }();
    return made;
}

// Functions of their own, each on a line of code of its own: a loop as small as these takes twice as long
// where it happens to lie across two.
[[gnu::noinline, gnu::aligned(64)]] void raise_column(std::span<double> prices) {
    for (double& price : prices)
        price *= 1.0625;
}
[[gnu::noinline, gnu::aligned(64)]] void raise(Structs& structs) {
    for (Item& item : structs)
        item.price *= 1.0625;
}
void raise(Batch& batch) {
    raise_column(batch.column<Price>());
}
void raise(Vectors& vectors) {
    raise_column(vectors.prices);
}
[[gnu::noinline, gnu::aligned(64)]] std::uint64_t column_ids(std::span<const std::uint64_t> ids) {
    return std::accumulate(ids.begin(), ids.end(), std::uint64_t{0});
}
[[gnu::noinline, gnu::aligned(64)]] std::uint64_t ids(const Structs& structs) {
    std::uint64_t sum = 0;
    for (const Item& item : structs)
        sum += item.id;
    return sum;
}
std::uint64_t ids(const Batch& batch) {
    return column_ids(batch.column<Id>());
}
std::uint64_t ids(const Vectors& vectors) {
    return column_ids(vectors.ids);
}

void sort(Batch& batch) {
    batch.stable_sort_by<Price>();
}
void sort(Structs& structs) {
    std::ranges::stable_sort(structs, {}, &Item::price);
}
template <class T>
void reorder(std::vector<T>& column, const std::vector<std::uint32_t>& order) {
    std::vector<T> sorted;
    sorted.reserve(order.size());
    for (std::uint32_t row : order)
        sorted.push_back(column[row]);
    column = std::move(sorted);
}
void sort(Vectors& vectors) {
    std::vector<std::uint32_t> order(vectors.prices.size());
    std::iota(order.begin(), order.end(), 0u);
    std::ranges::stable_sort(order, {}, [&](std::uint32_t row) { return vectors.prices[row]; });
    reorder(vectors.prices, order);
    reorder(vectors.ids, order);
    for (auto& field : vectors.fields)
        reorder(field, order);
}

// As for a callback that the batch knows nothing of: no radix sort.
void compare_sort(Batch& batch) {
    batch.stable_sort_by<Price>([](double a, double b) { return a < b; });
}

constexpr double kMost = 500;  // half of them
void filter(Batch& batch) {
    batch.keep_if<Price>([](double price) { return price < kMost; });
}
void filter(Structs& structs) {
    std::erase_if(structs, [](const Item& item) { return !(item.price < kMost); });
}
void filter(Vectors& vectors) {
    const auto compact = [&](auto& column) {
        std::size_t kept = 0;
        for (std::size_t i = 0; i < column.size(); ++i)
            if (vectors.prices[i] < kMost) column[kept++] = column[i];
        column.resize(kept);
    };
    compact(vectors.ids);
    for (auto& field : vectors.fields)
        compact(field);
    std::erase_if(vectors.prices, [](double price) { return !(price < kMost); });
}

std::vector<std::uint64_t> id_list(const Batch& batch) {
    return {batch.column<Id>().begin(), batch.column<Id>().end()};
}
std::vector<std::uint64_t> id_list(const Structs& structs) {
    std::vector<std::uint64_t> result;
    for (const Item& item : structs)
        result.push_back(item.id);
    return result;
}
std::vector<std::uint64_t> id_list(const Vectors& vectors) {
    return vectors.ids;
}

// A change of all rows, on a fresh copy each time; the rows must be those of the model afterwards.
template <class T, void (*kChange)(T&), void (*kModel)(Structs&)>
void change(benchmark::State& state) {
    T rows = original<T>();
    for (auto _ : state) {
        state.PauseTiming();
        rows = original<T>();
        state.ResumeTiming();
        kChange(rows);
        benchmark::ClobberMemory();
    }
    Structs model = original<Structs>();
    kModel(model);
    if (id_list(rows) != id_list(model)) std::abort();
}
template <class T>
void pass(benchmark::State& state) {
    T rows = original<T>();
    for (auto _ : state) {
        raise(rows);
        benchmark::ClobberMemory();
    }
}
template <class T>
void sum(benchmark::State& state) {
    const T& rows = original<T>();
    for (auto _ : state) {
        if (ids(rows) != kRows * (kRows - 1) / 2) std::abort();
        benchmark::ClobberMemory();
    }
}
template <class T>
void append(benchmark::State& state) {
    for (auto _ : state) {
        T rows;
        for (std::size_t i = 0; i < kRows; ++i)
            push(rows, static_cast<double>(i), i);
        benchmark::DoNotOptimize(rows);
    }
}

BENCHMARK(pass<Batch>)->Name("tarn/pass-1000000");
BENCHMARK(pass<Structs>)->Name("structs/pass-1000000");
BENCHMARK(pass<Vectors>)->Name("vectors/pass-1000000");
BENCHMARK(sum<Batch>)->Name("tarn/sum-1000000");
BENCHMARK(sum<Structs>)->Name("structs/sum-1000000");
BENCHMARK(sum<Vectors>)->Name("vectors/sum-1000000");
BENCHMARK(change<Batch, sort, sort>)->Name("tarn/sort-1000000");
BENCHMARK(change<Structs, sort, sort>)->Name("structs/sort-1000000");
BENCHMARK(change<Vectors, sort, sort>)->Name("vectors/sort-1000000");
BENCHMARK(change<Batch, compare_sort, sort>)->Name("tarn/sort-by-callback-1000000");
BENCHMARK(change<Structs, sort, sort>)->Name("structs/sort-by-callback-1000000");
BENCHMARK(change<Vectors, sort, sort>)->Name("vectors/sort-by-callback-1000000");
BENCHMARK(change<Batch, filter, filter>)->Name("tarn/filter-half-1000000");
BENCHMARK(change<Structs, filter, filter>)->Name("structs/filter-half-1000000");
BENCHMARK(change<Vectors, filter, filter>)->Name("vectors/filter-half-1000000");
BENCHMARK(append<Batch>)->Name("tarn/append-1000000");
BENCHMARK(append<Structs>)->Name("structs/append-1000000");
BENCHMARK(append<Vectors>)->Name("vectors/append-1000000");

}  // namespace

BENCHMARK_MAIN();
