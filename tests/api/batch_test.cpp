// SPDX-License-Identifier: MIT
// Batch: against a model (a vector of structs), its one allocation, alignment, exceptions, and memory running
// out.
#include "tarn/batch.hpp"

#include <gtest/gtest.h>

#include <memory>
#include <random>
#include <string>
#include <vector>

#include "tarn/statistics.h"

namespace {

struct Price {
    using type = double;
};
struct Name {
    using type = std::string;
};
struct Owner {
    using type = std::unique_ptr<int>;
};
using Goods = tarn::Batch<Price, Name, int>;

struct Good {
    double price;
    std::string name;
    int number;
};

void expect_same(const Goods& batch, const std::vector<Good>& model) {
    ASSERT_EQ(batch.size(), model.size());
    ASSERT_GE(batch.capacity(), batch.size());
    for (std::size_t i = 0; i < model.size(); ++i) {
        ASSERT_EQ(batch.column<Price>()[i], model[i].price) << i;
        ASSERT_EQ(batch.column<Name>()[i], model[i].name) << i;
        ASSERT_EQ(batch.column<2>()[i], model[i].number) << i;
    }
}

class Steps {
  public:
    explicit Steps(unsigned seed) : random_(seed) {}
    void run(int count) {
        for (int i = 0; i < count; ++i) {
            step();
            if (i % 8 == 0) expect_same(batch_, model_);
        }
        expect_same(batch_, model_);
    }

  private:
    std::size_t below(std::size_t limit) { return random_() % limit; }

    void step() {
        const std::size_t choice = below(100);
        if (choice < 75)
            add();
        else if (choice < 90 && !model_.empty())
            erase();
        else if (choice < 94)
            sort();
        else if (choice < 95)
            filter();
        else
            resize();
    }
    void add() {
        const Good good{static_cast<double>(below(60)) - 30, "a name of length " + std::to_string(below(300)),
                        static_cast<int>(random_())};
        if (model_.empty() || below(4)) {
            batch_.emplace_back(good.price, good.name, good.number);
            model_.push_back(good);
        } else {
            const std::size_t from = below(model_.size());
            batch_.push_back(batch_[from]);  // of the batch itself
            model_.push_back(Good(model_[from]));
        }
    }
    void erase() {
        const std::size_t at = below(model_.size()),
                          count = below(std::min<std::size_t>(4, model_.size() - at) + 1);
        if (below(2)) {
            batch_.erase(at, at + count);
            model_.erase(model_.begin() + static_cast<long>(at),
                         model_.begin() + static_cast<long>(at + count));
        } else {
            batch_.swap_erase(at);
            std::swap(model_[at], model_.back());
            model_.pop_back();
        }
    }
    void sort() {
        switch (below(4)) {
            case 0:
                batch_.stable_sort_by<Price>();
                std::ranges::stable_sort(model_, {}, &Good::price);
                break;
            case 1:
                batch_.stable_sort_by<Price>(std::greater{});
                std::ranges::stable_sort(model_, std::greater{}, &Good::price);
                break;
            case 2:
                batch_.stable_sort_by<Name>();
                std::ranges::stable_sort(model_, {}, &Good::name);
                break;
            default: {
                const auto by_last = [](int a, int b) { return a % 10 < b % 10; };
                batch_.stable_sort_by<2>(by_last);
                std::ranges::stable_sort(model_, by_last, &Good::number);
            }
        }
    }
    void filter() {
        const auto cheap = [](double price) { return price < 20; };
        const auto kept = batch_.select_if<Price>(cheap);
        const Goods selected = batch_.copy(kept);
        const std::size_t gone = std::erase_if(model_, [&](const Good& good) { return !cheap(good.price); });
        if (below(2))
            batch_.keep(kept);
        else
            ASSERT_EQ(batch_.keep_if<Price>(cheap), gone);
        expect_same(selected, model_);
    }
    void resize() {
        switch (below(4)) {
            case 0:
                batch_.reserve(below(2 * model_.size() + 1));
                break;
            case 1:
                batch_.shrink_to_fit();
                ASSERT_EQ(batch_.capacity(), batch_.size());
                break;
            case 2: {
                Goods other = batch_;
                batch_ = std::move(other);
                break;
            }
            default: {
                const std::size_t size = model_.size() + below(3);
                batch_.resize(size);
                model_.resize(size);
            }
        }
    }

    std::mt19937 random_;
    Goods batch_;
    std::vector<Good> model_;
};

TEST(Batch, RandomStepsAreAsOnAVectorOfStructs) {
    for (unsigned seed = 1; seed <= 6; ++seed) {
        SCOPED_TRACE("seed " + std::to_string(seed));
        Steps(seed).run(3000);
    }
}

std::uint64_t allocations() {
    tarn_stats stats;
    EXPECT_EQ(tarn_stats_get(&stats, offsetof(tarn_stats, class_stats)), 0);
    return stats.allocations;
}

TEST(Batch, AllColumnsAreOneAllocation) {
    (void)allocations();
    const std::uint64_t before = allocations();
    tarn::Batch<char, double, int, std::unique_ptr<int>, std::string> batch;
    EXPECT_EQ(allocations(), before);
    batch.reserve(1000);
    EXPECT_EQ(allocations(), before + 1);
    for (int i = 0; i < 1000; ++i)
        batch.emplace_back('c', 1.5, i, nullptr, "short");
    EXPECT_EQ(allocations(), before + 1);
    batch.keep_if<int>([](int i) { return i % 2; });  // allocates nothing
    EXPECT_EQ(allocations(), before + 1);
    batch.shrink_to_fit();
    EXPECT_EQ(allocations(), before + 2);
}

TEST(Batch, GrowthIsGeometric) {
    tarn::Batch<int, double> batch;
    const std::uint64_t before = allocations();
    for (int i = 0; i < 100000; ++i)
        batch.emplace_back(i, 0.5);
    EXPECT_LE(allocations() - before, 14u);  // 16 rows, then twofold
}

TEST(Batch, FieldsMayBeCopiedFromTheRowsThatMove) {
    tarn::Batch<int, double> batch;
    batch.emplace_back(1, 0.5);
    for (int i = 1; i < 10000; ++i) {
        const int& last = batch.column<int>()[static_cast<std::size_t>(i) - 1];
        batch.emplace_back(last + 0, batch.column<double>()[0]);
        batch.column<int>()[static_cast<std::size_t>(i)] += 1;
        batch.emplace_back(batch.column<int>()[0], batch.column<double>()[static_cast<std::size_t>(i)]);
        batch.pop_back();
    }
    for (std::size_t i = 0; i < batch.size(); ++i) {
        ASSERT_EQ(batch.column<int>()[i], static_cast<int>(i) + 1);
        ASSERT_EQ(batch.column<double>()[i], 0.5);
    }
}

// Rows are judged and moved by the thousand.
TEST(Batch, ManyRowsAreKeptInOrder) {
    for (const std::size_t rows : {8191, 8192, 8193, 16384, 50000})
        for (const std::uint64_t mask : {0u, 1u, 6u, 8192u, 0xffff'ffffu}) {
            tarn::Batch<std::uint64_t, char, std::string> batch;
            std::vector<std::uint64_t> model;
            for (std::uint64_t i = 0; i < rows; ++i) {
                batch.emplace_back(i, static_cast<char>(i % 100), std::to_string(i));
                if ((i & mask) == 0) model.push_back(i);
            }
            ASSERT_EQ(batch.keep_if<0>([&](std::uint64_t i) { return (i & mask) == 0; }),
                      rows - model.size());
            ASSERT_TRUE(std::ranges::equal(batch.column<0>(), model));
            for (std::size_t i = 0; i < model.size(); ++i) {
                ASSERT_EQ(batch.column<1>()[i], static_cast<char>(model[i] % 100));
                ASSERT_EQ(batch.column<2>()[i], std::to_string(model[i]));
            }
        }
}

struct alignas(4096) Page {
    char bytes[4096];
};
struct alignas(128) TwoLines {
    char bytes[128];
};

TEST(Batch, ColumnsAreAlignedAndPaddedToWholeLines) {
    for (std::size_t rows : {1, 2, 3, 63, 64, 65, 511, 512, 513, 5000}) {
        tarn::Batch<char, TwoLines, short, Page, std::array<char, 3>> batch;
        batch.reserve(rows);
        batch.resize(rows);
        const auto check = [&](auto column, const void* next) {
            const auto begin = reinterpret_cast<std::uintptr_t>(column.data());
            EXPECT_EQ(begin % std::max<std::size_t>(64, alignof(decltype(column[0]))), 0u);
            const auto end = begin + (column.size_bytes() + 63) / 64 * 64;
            EXPECT_TRUE(!next || end <= reinterpret_cast<std::uintptr_t>(next));
        };
        check(batch.column<0>(), batch.column<1>().data());
        check(batch.column<1>(), batch.column<2>().data());
        check(batch.column<2>(), batch.column<3>().data());
        check(batch.column<3>(), batch.column<4>().data());
        check(batch.column<4>(), nullptr);
    }
}

TEST(Batch, ColumnsOfPlainFieldsBeginOnLines) {
    for (std::size_t rows = 1; rows < 300; rows += 7) {
        tarn::Batch<char, double, short> batch;
        batch.resize(rows);
        batch.shrink_to_fit();
        EXPECT_EQ(reinterpret_cast<std::uintptr_t>(batch.column<0>().data()) % 64, 0u) << rows;
        EXPECT_EQ(reinterpret_cast<std::uintptr_t>(batch.column<1>().data()) % 64, 0u) << rows;
        EXPECT_EQ(reinterpret_cast<std::uintptr_t>(batch.column<2>().data()) % 64, 0u) << rows;
    }
}

// Counts its objects; throws at the operation that `fuse` reaches.
struct Fragile {
    static inline int live = 0, fuse = -1;
    int value = 0;
    static void burn() {
        if (fuse >= 0 && fuse-- == 0) throw std::runtime_error("fragile");
    }
    Fragile() { burn(), ++live; }
    explicit Fragile(int v) : value(v) { burn(), ++live; }
    Fragile(const Fragile& from) : value(from.value) { burn(), ++live; }
    Fragile& operator=(const Fragile& from) {
        burn();
        value = from.value;
        return *this;
    }
    ~Fragile() { --live; }
};
// A second one, so that a throw finds objects made before it.
struct Late : Fragile {
    using Fragile::Fragile;
};
using FragileBatch = tarn::Batch<int, Fragile, std::string, Late>;

FragileBatch fragile_rows(int count) {
    FragileBatch batch;
    for (int i = 0; i < count; ++i)
        batch.emplace_back(i, i, "a string that is not short " + std::to_string(i), i);
    return batch;
}
void expect_rows(const FragileBatch& batch, int count) {
    ASSERT_EQ(batch.size(), static_cast<std::size_t>(count));
    for (int i = 0; i < count; ++i) {
        ASSERT_EQ(batch.column<int>()[static_cast<std::size_t>(i)], i);
        ASSERT_EQ(batch.column<Fragile>()[static_cast<std::size_t>(i)].value, i);
        ASSERT_TRUE(batch.column<std::string>()[static_cast<std::size_t>(i)].ends_with(std::to_string(i)));
    }
}

// Runs `change` with each of its operations throwing in turn; `undone`: nothing may have changed then.
template <class Change>
void throws_in_turn(Change change, bool undone) {
    int fuse = 0;
    for (bool thrown = true; thrown; ++fuse) {
        {
            FragileBatch batch = fragile_rows(16);  // all room taken
            const int live = Fragile::live;
            Fragile::fuse = fuse;
            thrown = false;
            try {
                change(batch);
            } catch (const std::runtime_error&) {
                thrown = true;
            }
            Fragile::fuse = -1;
            if (thrown && undone) {
                expect_rows(batch, 16);
                ASSERT_EQ(Fragile::live, live);
            }
        }
        ASSERT_EQ(Fragile::live, 0) << "fuse " << fuse;
    }
    ASSERT_GT(fuse, 1) << "never thrown";
}

TEST(Batch, EachThrowIsUndone) {
    throws_in_turn([](FragileBatch& b) { b.emplace_back(1, 1, "x", 1); }, true);
    throws_in_turn([](FragileBatch& b) { b.push_back(b[3]); }, true);
    throws_in_turn([](FragileBatch& b) { b.reserve(100); }, true);
    throws_in_turn([](FragileBatch& b) { b.resize(40); }, true);
    throws_in_turn([](FragileBatch& b) { FragileBatch copy = b; }, true);
    throws_in_turn([](FragileBatch& b) { b.copy(std::vector<tarn::RowNumber>{1, 3, 3}); }, true);
    throws_in_turn([](FragileBatch& b) { b.resize(3), b.shrink_to_fit(); }, false);
}

TEST(Batch, NothingLeaksWhereAThrowIsNotUndone) {
    throws_in_turn([](FragileBatch& b) { b.erase(2, 5); }, false);
    throws_in_turn([](FragileBatch& b) { b.swap_erase(2); }, false);
    throws_in_turn([](FragileBatch& b) { b.sort_by<int>(std::greater{}); }, false);
    throws_in_turn([](FragileBatch& b) { b.keep_if<int>([](int i) { return i % 3 == 0; }); }, false);
}

TEST(Batch, AThrowingComparisonChangesNothing) {
    FragileBatch batch = fragile_rows(300);
    int left = 1000;
    const auto compare = [&](const std::string& a, const std::string& b) {
        return left-- == 0 ? throw std::runtime_error("compare") : a > b;
    };
    EXPECT_THROW(batch.stable_sort_by<std::string>(compare), std::runtime_error);
    expect_rows(batch, 300);
}

TEST(Batch, RowsNotYetJudgedStayWhenThePredicateThrows) {
    for (int at : {0, 5, 511, 512, 513, 1200, 1999}) {
        tarn::Batch<int, std::string> batch;
        for (int i = 0; i < 2000; ++i)
            batch.emplace_back(i, std::to_string(i));
        EXPECT_THROW(batch.keep_if<int>(
                         [&](int i) { return i == at ? throw std::runtime_error("predicate") : i % 2 == 0; }),
                     std::runtime_error);
        EXPECT_TRUE(batch.empty() || batch.back().get<0>() == 1999);
        for (auto [number, text] : batch)
            ASSERT_EQ(std::to_string(number), text);
        EXPECT_EQ(std::ranges::count_if(batch.column<0>(), [&](int i) { return i >= at; }), 2000 - at);
    }
}

TEST(Batch, MoveOnlyFieldsWork) {
    tarn::Batch<Owner, int> batch;
    for (int i = 0; i < 1000; ++i)
        batch.emplace_back(std::make_unique<int>(i), -i);
    batch.sort_by<1>();
    batch.keep_if<1>([](int i) { return i % 7 == 0; });
    batch.erase(0);
    batch.swap_erase(0);
    auto moved = std::move(batch);
    EXPECT_TRUE(batch.empty());
    for (auto [owner, number] : moved)
        EXPECT_EQ(*owner, -number);
    EXPECT_EQ(moved.size(), 141u);
}

TEST(Batch, OutOfMemoryIsBadAllocAndLosesNothing) {
    FragileBatch batch = fragile_rows(20);
    for (std::size_t rows : {std::size_t{1} << 32, SIZE_MAX / 2, SIZE_MAX})
        EXPECT_THROW(batch.reserve(rows), std::bad_alloc);
    EXPECT_THROW(batch.resize(SIZE_MAX), std::bad_alloc);
    tarn::Batch<std::array<char, 1 << 20>, Page> wide;
    EXPECT_THROW(wide.reserve(FragileBatch::max_size()), std::bad_alloc);
    expect_rows(batch, 20);
}

}  // namespace
