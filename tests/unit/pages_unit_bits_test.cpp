// SPDX-License-Identifier: MIT
// UnitMap against a model that looks at one unit after another.
#include "pages/unit_bits.h"

#include <gtest/gtest.h>

#include <random>
#include <vector>

namespace tarn {
namespace {

constexpr size_t kUnits = 5 * 64 + 17;  // the last word is not whole

enum class Model : char { kTaken, kClean, kDirty };

struct Pair {
    std::vector<UnitBits> words = std::vector<UnitBits>(kUnits / 64 + 1);
    std::vector<Model> model = std::vector<Model>(kUnits, Model::kTaken);
    UnitMap map{words.data(), kUnits};

    void set(size_t unit, size_t length, UnitKind kind) {
        map.set(unit, length, kind);
        for (size_t i = unit; i < unit + length; ++i)
            if (model[i] != Model::kDirty)
                model[i] = kind == UnitKind::kDirty ? Model::kDirty : Model::kClean;
    }
    void clear(size_t unit, size_t length) {
        map.clear(unit, length);
        for (size_t i = unit; i < unit + length; ++i)
            model[i] = Model::kTaken;
    }
    bool is(UnitKind kind, size_t unit) const {
        return kind == UnitKind::kDirty ? model[unit] == Model::kDirty : model[unit] != Model::kTaken;
    }
    size_t first(UnitKind kind) const {
        for (size_t unit = 0; unit < kUnits; ++unit)
            if (is(kind, unit)) return unit;
        return UnitMap::kNone;
    }
    size_t find(UnitKind kind, size_t length) const {
        size_t run = 0;
        for (size_t unit = 0; unit < kUnits; ++unit) {
            run = is(kind, unit) ? run + 1 : 0;
            if (run == length) return unit + 1 - length;
        }
        return UnitMap::kNone;
    }
    size_t last_dirty(size_t end) const {
        while (end > 0 && model[end - 1] != Model::kDirty)
            --end;
        return end ? end - 1 : UnitMap::kNone;
    }
};

void compare(const Pair& pair, std::mt19937& random) {
    for (UnitKind kind : {UnitKind::kFree, UnitKind::kDirty}) {
        const size_t first = pair.first(kind);
        for (size_t length : {1, 2, 3, 7, 31, 63, 64, 65, 100, 128, 129, 200, 337, 338}) {
            const size_t expected = pair.find(kind, length);
            EXPECT_EQ(pair.map.find(kind, length, 0), expected) << "length " << length;
            // Callers name a unit below which there is none.
            if (first != UnitMap::kNone) {
                EXPECT_EQ(pair.map.find(kind, length, first), expected);
            }
        }
    }
    for (size_t end : {size_t{0}, size_t{1}, size_t{63}, size_t{64}, size_t{65}, size_t{320}, kUnits,
                       size_t{random() % kUnits}})
        EXPECT_EQ(pair.map.last_dirty(end), pair.last_dirty(end)) << "end " << end;
    const size_t unit = random() % kUnits;
    const size_t length = random() % (kUnits - unit);
    size_t dirty = 0;
    for (size_t i = unit; i < unit + length; ++i)
        dirty += pair.model[i] == Model::kDirty;
    EXPECT_EQ(pair.map.count_dirty(unit, length), dirty);
    EXPECT_EQ(pair.map.free(unit), pair.model[unit] != Model::kTaken);
    EXPECT_EQ(pair.map.dirty(unit), pair.model[unit] == Model::kDirty);
}

TEST(UnitBits, RandomStatesAgreeWithTheModel) {
    for (unsigned seed = 0; seed < 20; ++seed) {
        std::mt19937 random(seed);
        Pair pair;
        // Few long ranges, then many short ones.
        const size_t longest = seed % 4 == 0 ? kUnits : seed % 4 == 1 ? 130 : seed % 4 == 2 ? 20 : 2;
        for (int step = 0; step < 300; ++step) {
            const size_t unit = random() % kUnits;
            const size_t room = kUnits - unit;
            const size_t length = 1 + random() % (longest < room ? longest : room);
            switch (random() % 3) {
                case 0:
                    pair.set(unit, length, UnitKind::kFree);
                    break;
                case 1:
                    pair.set(unit, length, UnitKind::kDirty);
                    break;
                default:
                    pair.clear(unit, length);
            }
            compare(pair, random);
            ASSERT_FALSE(HasFailure()) << "seed " << seed << ", step " << step;
        }
    }
}

TEST(UnitBits, WholeWordsJoinTheirNeighbours) {
    Pair pair;
    pair.set(60, 64 + 64 + 10, UnitKind::kFree);
    EXPECT_EQ(pair.map.find(UnitKind::kFree, 138, 0), 60u);
    EXPECT_EQ(pair.map.find(UnitKind::kFree, 139, 0), UnitMap::kNone);
    pair.clear(128, 1);
    EXPECT_EQ(pair.map.find(UnitKind::kFree, 68, 0), 60u);
    EXPECT_EQ(pair.map.find(UnitKind::kFree, 69, 0), 129u);
}

TEST(UnitBits, NothingIsFoundInNothing) {
    Pair pair;
    EXPECT_EQ(pair.map.find(UnitKind::kFree, 1, 0), UnitMap::kNone);
    EXPECT_EQ(pair.map.last_dirty(kUnits), UnitMap::kNone);
}

}  // namespace
}  // namespace tarn
