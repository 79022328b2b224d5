// SPDX-License-Identifier: MIT
// Rows of a Batch: references in all but name, so that algorithms of std::ranges work on them.
#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <numeric>
#include <random>
#include <string>
#include <vector>

#include "tarn/batch.hpp"

namespace {

struct Price {
    using type = double;
};
struct Name {
    using type = std::string;
};
using Goods = tarn::Batch<Price, Name, int>;
using Owners = tarn::Batch<std::unique_ptr<int>, int>;

static_assert(std::random_access_iterator<Goods::iterator>);
static_assert(std::random_access_iterator<Goods::const_iterator>);
static_assert(std::sortable<Goods::iterator> &&
              std::sortable<Owners::iterator, std::ranges::less, decltype(tarn::field<int>)>);
static_assert(std::indirectly_copyable<Goods::const_iterator, Goods::iterator>);
static_assert(std::indirectly_movable<Owners::iterator, Owners::iterator>);
static_assert(!std::indirectly_copyable<Goods::iterator, Goods::const_iterator>);
static_assert(std::convertible_to<Goods::iterator, Goods::const_iterator>);
static_assert(!std::convertible_to<Goods::const_iterator, Goods::iterator>);
static_assert(std::is_same_v<decltype(std::declval<const Goods&>().column<0>()), std::span<const double>>);

Goods three() {
    Goods goods;
    goods.emplace_back(3.0, "c", 30);
    goods.push_back({1.0, "a", 10});
    goods.emplace_back(2.0, "b", 20);
    return goods;
}
std::string names(const Goods& goods) {
    return std::accumulate(goods.column<Name>().begin(), goods.column<Name>().end(), std::string());
}

TEST(BatchRows, FieldsAreNamedByNumberByTagAndByType) {
    Goods goods = three();
    auto row = goods[0];
    EXPECT_EQ(&row.get<0>(), &row.get<Price>());
    EXPECT_EQ(&row.get<2>(), &row.get<int>());
    EXPECT_EQ(&tarn::get<Price>(row), &goods.column<Price>()[0]);
    EXPECT_EQ(std::as_const(goods)[1].get<Name>(), "a");
}

TEST(BatchRows, StructuredBindingsWriteThrough) {
    Goods goods = three();
    for (auto [price, name, number] : goods) {
        price *= 2;
        name += "!";
        ++number;
    }
    EXPECT_EQ(goods[0], (Goods::value_type{6.0, "c!", 31}));
    const auto& [price, name, number] = std::as_const(goods)[2];
    EXPECT_EQ(price, 4.0);
    EXPECT_EQ(name, "b!");
    EXPECT_EQ(number, 21);
    Goods::value_type value = goods[1];
    auto& [own_price, own_name, own_number] = value;
    own_price = 0;
    EXPECT_EQ(goods[1].get<Price>(), 2.0);
    EXPECT_EQ(value.get<Price>(), 0.0);
}

TEST(BatchRows, AssignmentAssignsTheFields) {
    Goods goods = three();
    goods[0] = goods[1];
    EXPECT_EQ(goods[0], goods[1]);
    goods[1] = std::as_const(goods)[2];
    EXPECT_EQ(goods[1].get<Name>(), "b");
    goods[2] = Goods::value_type{9.0, "z", 90};
    EXPECT_EQ(names(goods), "abz");
    swap(goods[0], goods[2]);
    EXPECT_EQ(names(goods), "zba");
    auto first = goods[0], last = goods[2];
    std::ranges::swap(first, last);
    EXPECT_EQ(names(goods), "abz");
    using std::swap;
    swap(first, last);
    EXPECT_EQ(names(goods), "zba");
    EXPECT_EQ(first.get<Price>(), 9.0);
}

TEST(BatchRows, RowsCompareFieldByField) {
    Goods goods = three();
    EXPECT_LT(goods[1], goods[2]);
    EXPECT_GT(goods[0], std::as_const(goods)[2]);
    EXPECT_NE(goods[0], Goods::value_type(goods[1]));
    goods[0].get<Price>() = 1.0;
    EXPECT_GT(goods[0], goods[1]);  // by name, then
}

TEST(BatchRows, AlgorithmsOfRangesWork) {
    Goods goods = three();
    std::ranges::sort(goods);
    EXPECT_EQ(names(goods), "abc");
    std::ranges::sort(goods, std::greater{}, tarn::field<Name>);
    EXPECT_EQ(names(goods), "cba");
    std::ranges::stable_sort(
        goods, [](Goods::const_row a, Goods::const_row b) { return a.get<int>() < b.get<int>(); });
    EXPECT_EQ(names(goods), "abc");
    std::ranges::reverse(goods);
    EXPECT_EQ(names(goods), "cba");
    EXPECT_EQ(std::ranges::find(goods, 1.0, tarn::field<Price>) - goods.begin(), 2);
    EXPECT_EQ((*std::ranges::max_element(goods, {}, tarn::field<int>)).get<Name>(), "c");
    const auto end = std::ranges::remove_copy_if(three(), goods.begin(), [](const auto& row) {
                         return row.template get<Price>() < 2;
                     }).out;
    EXPECT_EQ(end - goods.begin(), 2);
    EXPECT_EQ(names(goods), "cba");
    std::vector<Goods::value_type> values(goods.begin(), goods.end());
    values[0] = Goods::value_type{0.0, "new", 0};
    std::ranges::copy(values, goods.begin());
    EXPECT_EQ(names(goods), "newba");
    EXPECT_TRUE(std::ranges::is_sorted(std::as_const(goods), {}, tarn::field<Price>) == false);
}

TEST(BatchRows, MoveOnlyRowsAreMovedAndSwapped) {
    Owners owners, others;
    for (int i = 0; i < 100; ++i)
        owners.emplace_back(std::make_unique<int>(i), i);
    others.resize(100);
    std::ranges::reverse(owners);
    for (std::ptrdiff_t i = 0; i < 100; ++i)
        others.begin()[i] = std::ranges::iter_move(owners.begin() + i);
    for (std::size_t i = 0; i < 100; ++i) {
        EXPECT_EQ(owners.column<0>()[i], nullptr);
        EXPECT_EQ(*others.column<0>()[i], 99 - static_cast<int>(i));
    }
    Owners::value_type value = std::ranges::iter_move(others.begin());
    EXPECT_EQ(*value.get<0>(), 99);
    EXPECT_EQ(others.column<0>()[0], nullptr);
    others.push_back(std::move(value));
    EXPECT_EQ(*others.back().get<0>(), 99);
}

TEST(BatchRows, IteratorsCountRows) {
    Goods goods = three();
    auto it = goods.begin();
    EXPECT_EQ(goods.end() - it, 3);
    EXPECT_EQ(it[1].get<Name>(), "a");
    EXPECT_EQ((*it++).get<Name>(), "c");
    EXPECT_EQ((*--it).get<Name>(), "c");
    it += 3;
    EXPECT_EQ(it, goods.end());
    EXPECT_GT(it, goods.begin());
    goods.reserve(1000);
    EXPECT_EQ((*(it - 1)).get<Name>(), "b");  // still the same row
    Goods::const_iterator fixed = it;
    EXPECT_EQ(fixed - 3, std::as_const(goods).begin());
}

}  // namespace
