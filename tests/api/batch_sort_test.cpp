// SPDX-License-Identifier: MIT
// Batch sorts every kind of number as std::stable_sort does.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <numeric>
#include <random>
#include <vector>

#include "tarn/batch.hpp"

namespace {

// The numbers below `count` in the order of what they stand for; compiled once for all kinds of keys.
std::vector<std::size_t> sorted(std::size_t count,
                                const std::function<bool(std::size_t, std::size_t)>& before) {
    std::vector<std::size_t> numbers(count);
    std::iota(numbers.begin(), numbers.end(), std::size_t{0});
    std::stable_sort(numbers.begin(), numbers.end(), before);
    return numbers;
}

template <class T>
void sorts_as_std(std::vector<T> keys) {
    const auto check = [&](auto compare) {
        tarn::Batch<T, std::size_t> batch;
        for (T key : keys)
            batch.emplace_back(key, batch.size());
        const std::vector<std::size_t> model =
            sorted(keys.size(), [&](std::size_t a, std::size_t b) { return compare(keys[a], keys[b]); });
        auto unstable = batch;
        unstable.template sort_by<0>(compare);
        batch.template stable_sort_by<0>(compare);
        for (std::size_t i = 0; i < model.size(); ++i) {
            ASSERT_EQ(batch.template column<0>()[i], keys[model[i]]);
            ASSERT_EQ(batch.template column<1>()[i], model[i]);
            ASSERT_EQ(unstable.template column<0>()[i], keys[model[i]]);
            ASSERT_EQ(keys[unstable.template column<1>()[i]], keys[model[i]]);
        }
    };
    check(std::less<>{});
    check(std::greater<>{});
    check(std::ranges::less{});
    check([](const T& a, const T& b) { return a < b; });  // not known to be the usual order
}

TEST(BatchSort, EveryKindOfNumberSortsAsByStdStableSort) {
    std::mt19937_64 random(5);
    for (std::size_t count : {0, 1, 2, 199, 200, 1000}) {
        std::vector<double> doubles;
        std::vector<float> floats;
        std::vector<std::int64_t> longs;
        std::vector<std::uint64_t> unsigneds;
        std::vector<std::int16_t> shorts;
        std::vector<char> chars;
        for (std::size_t i = 0; i < count; ++i) {
            const std::uint64_t bits = random();
            longs.push_back(static_cast<std::int64_t>(bits));
            unsigneds.push_back(bits >> (bits % 64));
            shorts.push_back(static_cast<std::int16_t>(bits));
            chars.push_back(static_cast<char>(bits));
            const double values[] = {0.0, -0.0, HUGE_VAL, -HUGE_VAL,
                                     static_cast<double>(longs.back()) * 1e-12};
            doubles.push_back(values[bits % 5]);
            floats.push_back(static_cast<float>(doubles.back()));
        }
        sorts_as_std(doubles);
        sorts_as_std(floats);
        sorts_as_std(longs);
        sorts_as_std(unsigneds);
        sorts_as_std(shorts);
        sorts_as_std(chars);
    }
}

}  // namespace
