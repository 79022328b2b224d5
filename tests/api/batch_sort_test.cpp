// SPDX-License-Identifier: MIT
// Batch sorts every kind of number as std::stable_sort does.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <random>
#include <vector>

#include "tarn/batch.hpp"

namespace {

template <class T>
void sorts_as_std(std::vector<T> keys) {
    const auto check = [&](auto compare) {
        tarn::Batch<T, std::size_t> batch;
        std::vector<std::pair<T, std::size_t>> model;
        for (T key : keys) {
            model.emplace_back(key, model.size());
            batch.emplace_back(key, batch.size());
        }
        std::ranges::stable_sort(model, compare, &std::pair<T, std::size_t>::first);
        auto unstable = batch;
        unstable.template sort_by<0>(compare);
        batch.template stable_sort_by<0>(compare);
        for (std::size_t i = 0; i < model.size(); ++i) {
            ASSERT_EQ(batch.template column<0>()[i], model[i].first);
            ASSERT_EQ(batch.template column<1>()[i], model[i].second);
            ASSERT_EQ(unstable.template column<0>()[i], model[i].first);
            ASSERT_EQ(keys[unstable.template column<1>()[i]], model[i].first);
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
