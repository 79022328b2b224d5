// SPDX-License-Identifier: MIT
// UnitMap against a model that looks at one unit after another.
#include "pages/unit_bits.h"

#include <gtest/gtest.h>

#include <random>
#include <vector>

namespace tarn {
namespace {

constexpr size_t kCount = 5 * 64 + 17;  // the last word is not whole

struct Pair {
    std::vector<UnitBits> words = std::vector<UnitBits>(kCount / 64 + 1);
    std::vector<UnitState> model = std::vector<UnitState>(kCount, UnitState::kTaken);
    UnitMap map{words.data(), Units{kCount}};

    void set(size_t unit, size_t length, UnitState state) {
        const UnitCounts were = map.set(unit, Units{length}, state);
        size_t counts[4] = {};
        for (size_t i = unit; i < unit + length; ++i) {
            ++counts[static_cast<size_t>(model[i])];
            model[i] = state;
        }
        EXPECT_EQ(were.clean, Units{counts[static_cast<size_t>(UnitState::kClean)]});
        EXPECT_EQ(were.dirty, Units{counts[static_cast<size_t>(UnitState::kDirty)]});
        EXPECT_EQ(were.holes, Units{counts[static_cast<size_t>(UnitState::kHole)]});
    }
    bool is(UnitKind kind, size_t unit) const {
        const UnitState state = model[unit];
        if (kind == UnitKind::kDirty) return state == UnitState::kDirty;
        if (kind == UnitKind::kMapped) return state == UnitState::kDirty || state == UnitState::kClean;
        return state != UnitState::kTaken;
    }
    size_t find(UnitKind kind, size_t length) const {
        size_t run = 0;
        for (size_t unit = 0; unit < kCount; ++unit) {
            run = is(kind, unit) ? run + 1 : 0;
            if (run == length) return unit + 1 - length;
        }
        return UnitMap::kNone;
    }
    size_t last(UnitKind kind, size_t end) const {
        while (end > 0 && !is(kind, end - 1))
            --end;
        return end ? end - 1 : UnitMap::kNone;
    }
};

void compare(const Pair& pair, std::mt19937& random) {
    for (UnitKind kind : {UnitKind::kDirty, UnitKind::kMapped, UnitKind::kAny}) {
        for (size_t length : {1, 2, 3, 7, 31, 63, 64, 65, 100, 128, 129, 200, 337, 338})
            EXPECT_EQ(pair.map.find(kind, Units{length}), pair.find(kind, length)) << "length " << length;
        for (size_t end : {size_t{0}, size_t{1}, size_t{63}, size_t{64}, size_t{65}, size_t{320}, kCount,
                           size_t{random() % kCount}})
            EXPECT_EQ(pair.map.last(kind, end), pair.last(kind, end)) << "end " << end;
    }
    const size_t unit = random() % kCount;
    const size_t length = random() % (kCount - unit);
    for (UnitState state : {UnitState::kTaken, UnitState::kClean, UnitState::kDirty, UnitState::kHole}) {
        size_t count = 0;
        for (size_t i = unit; i < unit + length; ++i)
            count += pair.model[i] == state;
        EXPECT_EQ(pair.map.count(state, unit, Units{length}), Units{count});
    }
    EXPECT_EQ(pair.map.state(unit), pair.model[unit]);
}

TEST(UnitBits, RandomStatesAgreeWithTheModel) {
    for (unsigned seed = 0; seed < 20; ++seed) {
        std::mt19937 random(seed);
        Pair pair;
        // Few long ranges, then many short ones.
        const size_t longest = seed % 4 == 0 ? kCount : seed % 4 == 1 ? 130 : seed % 4 == 2 ? 20 : 2;
        for (int step = 0; step < 300; ++step) {
            const size_t unit = random() % kCount;
            const size_t room = kCount - unit;
            const size_t length = 1 + random() % (longest < room ? longest : room);
            pair.set(unit, length, static_cast<UnitState>(random() % 4));
            compare(pair, random);
            ASSERT_FALSE(HasFailure()) << "seed " << seed << ", step " << step;
        }
    }
}

TEST(UnitBits, WholeWordsJoinTheirNeighbours) {
    Pair pair;
    pair.set(60, 64 + 64 + 10, UnitState::kClean);
    EXPECT_EQ(pair.map.find(UnitKind::kMapped, Units{138}), 60u);
    EXPECT_EQ(pair.map.find(UnitKind::kMapped, Units{139}), UnitMap::kNone);
    pair.set(128, 1, UnitState::kTaken);
    EXPECT_EQ(pair.map.find(UnitKind::kMapped, Units{68}), 60u);
    EXPECT_EQ(pair.map.find(UnitKind::kMapped, Units{69}), 129u);
    pair.set(128, 1, UnitState::kHole);
    EXPECT_EQ(pair.map.find(UnitKind::kMapped, Units{69}), 129u);
    EXPECT_EQ(pair.map.find(UnitKind::kAny, Units{138}), 60u);
}

TEST(UnitBits, NothingIsFoundInNothing) {
    Pair pair;
    EXPECT_EQ(pair.map.find(UnitKind::kAny, Units{1}), UnitMap::kNone);
    EXPECT_EQ(pair.map.last(UnitKind::kAny, kCount), UnitMap::kNone);
}

}  // namespace
}  // namespace tarn
