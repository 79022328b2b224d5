// SPDX-License-Identifier: MIT
// Units and bytes do not mix; what turns one into the other rounds as its name says.
#include "pages/units.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <functional>
#include <type_traits>

#include "backend/map/run_cache.h"
#include "pages/runs.h"
#include "pages/windows.h"

namespace tarn {
namespace {

template <class From, class To>
constexpr bool kBecomes = std::is_convertible_v<From, To> || std::is_assignable_v<To&, From>;

static_assert(!kBecomes<size_t, Units> && !kBecomes<Units, size_t>);
static_assert(!kBecomes<int, Units> && !kBecomes<Units, int> && !kBecomes<Units, bool>);
static_assert(!std::is_constructible_v<size_t, Units>, "there are count() and bytes()");
static_assert(!kBecomes<size_t, PackedUnits<uint16_t>> && !kBecomes<PackedUnits<uint16_t>, size_t>);
static_assert(!std::is_constructible_v<PackedUnits<uint16_t>, size_t>);
static_assert(kBecomes<PackedUnits<uint16_t>, Units> && std::is_assignable_v<PackedUnits<uint16_t>&, Units>);

template <class A, class B>
constexpr bool kAdds = std::is_invocable_v<std::plus<>, A, B> || std::is_invocable_v<std::minus<>, A, B>;
template <class A, class B>
constexpr bool kCompares =
    std::is_invocable_v<std::equal_to<>, A, B> || std::is_invocable_v<std::less<>, A, B>;

static_assert(kAdds<Units, Units> && kCompares<Units, Units>);
static_assert(!kAdds<Units, size_t> && !kAdds<size_t, Units>);
static_assert(!kCompares<Units, size_t> && !kCompares<size_t, Units>);
static_assert(!kAdds<PackedUnits<uint8_t>, size_t> && !kCompares<PackedUnits<uint8_t>, size_t>);
static_assert(kAdds<PackedUnits<uint8_t>, Units> && kCompares<PackedUnits<uint8_t>, PackedUnits<uint16_t>>);

// Where a caller could take one for the other.
static_assert(!std::is_invocable_v<decltype(take_run), size_t, RunUse>);
static_assert(!std::is_invocable_v<decltype(give_run), void*, size_t>);
static_assert(!std::is_invocable_v<decltype(trim_runs), size_t>);
static_assert(!std::is_invocable_v<decltype(set_entries), size_t, size_t, Entry>);
static_assert(!std::is_invocable_v<decltype(map::take_run_at_hand), size_t>);
static_assert(!std::is_invocable_v<decltype(map::give_run_at_hand), void*, size_t>);
static_assert(!std::is_invocable_v<decltype(&Windows::add), Windows&, size_t>);
static_assert(!std::is_invocable_v<decltype(empty_pages), void*, Units>);

// Passed in a register and stored as what it is made of.
static_assert(sizeof(Units) == sizeof(size_t) && std::is_trivially_copyable_v<Units>);
static_assert(sizeof(PackedUnits<uint16_t>) == 2 && std::is_trivially_copyable_v<PackedUnits<uint16_t>>);

TEST(Units, HoldingRoundsUpAndWithinDown) {
    EXPECT_EQ(Units::holding(0), Units{});
    EXPECT_EQ(Units::holding(1), Units{1});
    EXPECT_EQ(Units::holding(kUnitSize), Units{1});
    EXPECT_EQ(Units::holding(kUnitSize + 1), Units{2});
    EXPECT_EQ(Units::within(kUnitSize - 1), Units{});
    EXPECT_EQ(Units::within(kUnitSize), Units{1});
    EXPECT_EQ(Units::within(2 * kUnitSize - 1), Units{1});
    EXPECT_EQ(Units{3}.bytes(), 3 * kUnitSize);
    for (size_t count : {0, 1, 2, 63, 64, 4096}) {
        EXPECT_EQ(Units::holding(Units{count}.bytes()), Units{count});
        EXPECT_EQ(Units::within(Units{count}.bytes()), Units{count});
    }
}

TEST(Units, AreCountedAsNumbersAre) {
    Units units{5};
    units += Units{3};
    EXPECT_EQ(units, Units{8});
    units -= Units{1};
    EXPECT_EQ(units.count(), 7u);
    EXPECT_EQ(units + Units{2}, Units{9});
    EXPECT_EQ(units - Units{2}, Units{5});
    EXPECT_EQ(2 * units, Units{14});
    EXPECT_EQ(units / 2, Units{3});
    EXPECT_EQ(units / Units{2}, 3u);
    EXPECT_LT(units, Units{8});
    EXPECT_GE(units, Units{7});
    EXPECT_NE(units, Units{6});
}

TEST(Units, PackedTheyAreTheSame) {
    PackedUnits<uint16_t> packed;
    EXPECT_EQ(packed, Units{});
    packed = Units{4096};
    packed += Units{4};
    packed -= Units{1};
    EXPECT_EQ(packed, Units{4099});
    EXPECT_EQ(packed.count(), 4099u);
    EXPECT_EQ(packed.bytes(), 4099 * kUnitSize);
    EXPECT_EQ(packed - packed, Units{});
    EXPECT_GT(packed, PackedUnits<uint8_t>{Units{255}});
}

}  // namespace
}  // namespace tarn
