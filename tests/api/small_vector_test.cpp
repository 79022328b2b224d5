// SPDX-License-Identifier: MIT
// SmallVector against std::vector, with elements that count themselves and may throw.
#include "tarn/small_vector.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <random>
#include <ranges>
#include <span>
#include <sstream>
#include <string>
#include <vector>

#include "tarn/statistics.h"

namespace {

using tarn::SmallVector;

static_assert(std::ranges::contiguous_range<SmallVector<int, 4>>);
static_assert(std::ranges::sized_range<SmallVector<int, 4>>);
static_assert(std::is_nothrow_move_constructible_v<SmallVector<std::string, 4>>);
static_assert(std::three_way_comparable<SmallVector<int, 4>>);

template <class Vector, class... Arguments>
concept Emplaces = requires(Vector vector, Arguments... arguments) {
    vector.emplace_back(arguments...);
    vector.emplace(vector.begin(), arguments...);
};
static_assert(Emplaces<SmallVector<std::string, 4>, const char*>);
static_assert(!Emplaces<SmallVector<std::string, 4>, std::vector<int>>);

struct Failure {};

// Every object is counted, and its use after its end is noticed; `until` more copies and moves do not throw.
enum class Move { kNoexcept, kThrows };
template <Move kMove>
struct Counted {
    static inline int live = 0;
    static inline long until = -1;
    Counted* self = this;
    int value = 0;

    Counted() { made(); }
    Counted(int v) : value(v) { made(); }
    Counted(const Counted& other) : value(other.checked()) {
        may_throw();
        made();
    }
    Counted(Counted&& other) noexcept(kMove == Move::kNoexcept) : value(other.checked()) {
        if (kMove == Move::kThrows) may_throw();
        other.value = -1;
        made();
    }
    Counted& operator=(const Counted& other) {
        may_throw();
        value = other.checked();
        return *this;
    }
    Counted& operator=(Counted&& other) noexcept(kMove == Move::kNoexcept) {
        if (kMove == Move::kThrows) may_throw();
        value = other.checked();
        if (&other != this) other.value = -1;
        return *this;
    }
    ~Counted() {
        checked();
        self = nullptr;
        --live;
    }
    bool operator==(const Counted& other) const { return checked() == other.checked(); }
    int checked() const {
        if (self != this) std::abort();
        return value;
    }

  private:
    void made() { ++live; }
    static void may_throw() {
        if (until >= 0 && until-- == 0) throw Failure();
    }
};

template <class T>
class SmallVectorOf : public ::testing::Test {};
using Elements = ::testing::Types<int, std::string, Counted<Move::kNoexcept>, Counted<Move::kThrows>>;
TYPED_TEST_SUITE(SmallVectorOf, Elements);

template <class T>
T element(int value) {
    if constexpr (std::is_same_v<T, std::string>)
        return std::string(static_cast<size_t>(value % 40), 'a') + std::to_string(value);
    else
        return T(value);
}

template <class T, size_t N>
void expect_same(const SmallVector<T, N>& ours, const std::vector<T>& model) {
    ASSERT_TRUE(std::equal(ours.begin(), ours.end(), model.begin(), model.end()));
    ASSERT_EQ(ours.is_inline(), ours.capacity() == N);
    ASSERT_LE(ours.size(), ours.capacity());
}

TYPED_TEST(SmallVectorOf, AtRandom) {
    using T = TypeParam;
    const uint64_t seed = std::random_device()();
    SCOPED_TRACE("seed " + std::to_string(seed));
    std::mt19937_64 random(seed);
    const auto pick = [&](size_t most) { return std::uniform_int_distribution<size_t>(0, most)(random); };
    SmallVector<T, 6> ours, other;
    std::vector<T> model, other_model;
    for (int step = 0; step < 20000; ++step) {
        const size_t at = pick(model.size()), count = pick(4);
        const auto to = [](auto& vector, size_t i) { return vector.begin() + static_cast<ptrdiff_t>(i); };
        const T value = element<T>(step);
        std::vector<T> several;
        for (size_t i = 0; i < count; ++i)
            several.push_back(element<T>(step + static_cast<int>(i)));
        switch (pick(17)) {
            case 0:
                ours.push_back(value), model.push_back(value);
                break;
            case 1:
                if (!model.empty()) ours.pop_back(), model.pop_back();
                break;
            case 2:
                EXPECT_EQ(ours.insert(to(ours, at), value) - ours.begin(), static_cast<ptrdiff_t>(at));
                model.insert(to(model, at), value);
                break;
            case 3:
                if (at < model.size()) ours.erase(to(ours, at)), model.erase(to(model, at));
                break;
            case 4: {
                const size_t last = at + pick(model.size() - at);
                EXPECT_EQ(ours.erase(to(ours, at), to(ours, last)) - ours.begin(),
                          static_cast<ptrdiff_t>(at));
                model.erase(to(model, at), to(model, last));
                break;
            }
            case 5:
                ours.insert(to(ours, at), count, value), model.insert(to(model, at), count, value);
                break;
            case 6:
                ours.insert(to(ours, at), several.begin(), several.end());
                model.insert(to(model, at), several.begin(), several.end());
                break;
            case 7:
                ours.resize(count * 3), model.resize(count * 3);
                break;
            case 8:
                ours.resize(count * 4, value), model.resize(count * 4, value);
                break;
            case 9:
                ours.append_range(several), model.insert(model.end(), several.begin(), several.end());
                break;
            case 10:
                std::swap(model, other_model), swap(ours, other);
                break;
            case 11:
                model = other_model, ours = other;
                break;
            case 12:
                model = std::move(other_model), ours = std::move(other);
                other_model.clear();
                EXPECT_TRUE(other.empty());
                break;
            case 13:
                if (!model.empty()) ours.push_back(ours[at / 2]), model.push_back(T(model[at / 2]));
                break;
            case 14:
                if (!model.empty()) {
                    ours.insert(to(ours, at), ours.back());
                    model.insert(to(model, at), T(model.back()));
                }
                break;
            case 15:
                ours.shrink_to_fit();
                break;
            case 16:
                ours.assign(count, value), model.assign(count, value);
                break;
            case 17:
                ours.reserve(count * 5);
                ASSERT_GE(ours.capacity(), count * 5);
        }
        expect_same(ours, model);
        expect_same(other, other_model);
        if (this->HasFailure()) return;
    }
}

// Each copy or move of an operation fails in turn: all or nothing where that is promised, no leak anywhere.
template <class T, class Operation>
void every_copy_fails_in_turn(Operation operate, int size, bool strong) {
    for (long until = 0;; ++until) {
        T::until = -1;
        const int live = T::live;
        bool failed = false;
        {
            SmallVector<T, 4> vector;
            std::vector<T> before;
            for (int i = 0; i < size; ++i)
                vector.emplace_back(i), before.emplace_back(i);
            T::until = until;
            try {
                operate(vector);
            } catch (const Failure&) {
                failed = true;
            }
            T::until = -1;
            for (const T& value : vector)
                value.checked();
            if (failed && strong) expect_same(vector, before);
        }
        ASSERT_EQ(T::live, live);
        if (!failed) break;
        ASSERT_LT(until, 100);
    }
}

template <class T>
void every_operation_fails(bool strong_by_move) {
    static const T value(7);
    static const std::vector<T> values = {T(1), T(2), T(3)};
    for (int size : {0, 3, 4, 5, 8}) {
        const auto strong = [&](auto operate) { every_copy_fails_in_turn<T>(operate, size, strong_by_move); };
        const auto basic = [&](auto operate) { every_copy_fails_in_turn<T>(operate, size, false); };
        strong([](auto& v) { v.push_back(value); });
        strong([](auto& v) { v.emplace_back(value); });
        strong([](auto& v) { v.reserve(20); });
        strong([](auto& v) { v.resize(30); });
        strong([](auto& v) { v.resize(9, value); });
        strong([](auto& v) { v.append_range(values); });
        strong([](auto& v) { auto copy = v; });
        basic([](auto& v) { v.assign(6, value); });
        basic([](auto& v) { v.insert(v.begin(), value); });
        basic([](auto& v) { v.insert(v.begin(), values.begin(), values.end()); });
        basic([](auto& v) { v.insert(v.begin(), 3, value); });
        basic([](auto& v) { v.shrink_to_fit(); });
        basic([](auto& v) {
            if (!v.empty()) v.erase(v.begin());
        });
        basic([](auto& v) {
            auto moved = std::move(v);
            v = std::move(moved);
        });
    }
}

TEST(SmallVector, Exceptions) {
    every_operation_fails<Counted<Move::kNoexcept>>(true);
    every_operation_fails<Counted<Move::kThrows>>(true);  // which can be copied
    EXPECT_EQ(Counted<Move::kNoexcept>::live, 4);         // the values above
}

TEST(SmallVector, TakesNothingFromMallocUntilItIsFull) {
    tarn_stats before, after;
    tarn_stats_get(&before, sizeof before);
    SmallVector<int, 8> vector;
    for (int i = 0; i < 8; ++i)
        vector.push_back(i);
    SmallVector<int, 8> moved(std::move(vector));
    tarn_stats_get(&after, sizeof after);
    EXPECT_EQ(after.allocations, before.allocations);
    moved.push_back(8);
    tarn_stats_get(&after, sizeof after);
    EXPECT_EQ(after.allocations, before.allocations + 1);
    const int* data = moved.data();
    const SmallVector<int, 8> stolen(std::move(moved));
    EXPECT_EQ(stolen.data(), data);
    EXPECT_TRUE(moved.empty() && moved.is_inline());
}

TEST(SmallVector, HoldsWhatOnlyMoves) {
    SmallVector<std::unique_ptr<int>, 2> vector;
    for (int i = 0; i < 10; ++i)
        vector.insert(vector.begin(), std::make_unique<int>(i));
    vector.erase(vector.begin() + 2, vector.begin() + 5);
    EXPECT_EQ(*vector[2], 4);
    auto moved = std::move(vector);
    EXPECT_EQ(moved.size(), 7u);
}

TEST(SmallVector, Ranges) {
    SmallVector<int, 4> vector = {5, 3, 9, 1, 7};
    std::ranges::sort(vector);
    EXPECT_EQ(vector, (SmallVector<int, 8>{1, 3, 5, 7, 9}));
    EXPECT_LT(vector, (SmallVector<int, 8>{1, 4}));
    EXPECT_EQ(erase_if(vector, [](int i) { return i > 4; }), 3u);
    EXPECT_EQ(tarn::erase(vector, 3), 1u);
    std::istringstream words("one two three");
    const SmallVector<std::string, 2> read(std::istream_iterator<std::string>(words),
                                           std::istream_iterator<std::string>{});
    EXPECT_EQ(read.back(), "three");
    const std::vector<int> squares = {1, 4, 9};
    vector.append_range(std::span(squares));
    EXPECT_EQ(vector, (SmallVector<int, 1>{1, 1, 4, 9}));
    EXPECT_EQ(*vector.rbegin(), 9);
}

TEST(SmallVector, Limits) {
    SmallVector<int, 4> vector = {1};
    EXPECT_THROW(vector.reserve(SIZE_MAX / 4), std::length_error);
    EXPECT_THROW(vector.resize(SIZE_MAX), std::length_error);
    EXPECT_THROW(vector.insert(vector.begin(), SIZE_MAX, 1), std::length_error);
    EXPECT_THROW(vector.reserve(vector.max_size()), std::bad_alloc);
    EXPECT_THROW(vector.at(1), std::out_of_range);
    EXPECT_EQ(vector.at(0), 1);
    struct alignas(128) Wide {
        char bytes[128];
    };
    SmallVector<Wide, 2> wide(9);
    for (const Wide& each : wide)
        EXPECT_EQ(reinterpret_cast<uintptr_t>(&each) % 128, 0u);
}

}  // namespace
