// SPDX-License-Identifier: MIT
// Windows: their list, what is mapped of each, and what they count. A list of the test's own; no run is taken here.
#include "pages/windows.h"

#include <gtest/gtest.h>

#include <cstring>
#include <memory>
#include <vector>

#include "os/os.h"

namespace tarn {
namespace {

constexpr size_t kFirst = kUsableBegin;  // the first unit that can be had

class WindowsTest : public testing::Test {
  protected:
    static void SetUpTestSuite() { ASSERT_TRUE(start_page_map()); }
    void TearDown() override {
        os::fail_none();
        while (windows.count() > 0) {
            Window& window = *windows.begin();
            unmap(window, kFirst, kUsableUnits);
            ASSERT_TRUE(windows.remove(window));
        }
        EXPECT_EQ(windows.mapped_units(), Units{});
        EXPECT_EQ(windows.mappings(), 0u);
        EXPECT_EQ(page_table_end, 0u);
    }
    static char* address(const Window& window, size_t unit) { return window.begin() + unit * kUnitSize; }
    // As runs.cpp gives back: out of the books, unmapped, a hole. What is a hole already stays one.
    void unmap(Window& window, size_t first, Units length) {
        for (size_t unit = first; unit < first + length.count(); ++unit) {
            if (window.units().state(unit) == UnitState::kHole) continue;
            window.set(unit, Units{1}, UnitState::kTaken);
            ASSERT_TRUE(os::unmap_exactly(address(window, unit), kUnitSize));
            windows.unmapped(window, unit, Units{1});
        }
    }
    void expect_counts(const Window& window, Units clean, Units dirty, Units holes) {
        EXPECT_EQ(Units{window.clean}, clean);
        EXPECT_EQ(Units{window.dirty}, dirty);
        EXPECT_EQ(Units{window.holes}, holes);
        const UnitMap units = window.units();
        EXPECT_EQ(units.count(UnitState::kClean, kFirst, kUsableUnits), clean);
        EXPECT_EQ(units.count(UnitState::kDirty, kFirst, kUsableUnits), dirty);
        EXPECT_EQ(units.count(UnitState::kHole, kFirst, kUsableUnits), holes);
    }

    std::unique_ptr<Windows> owned = std::make_unique<Windows>();
    Windows& windows = *owned;
};

TEST_F(WindowsTest, ANewOneIsMappedFromItsFrontAndTheRestAreHoles) {
    Window* const window = windows.add(Units{10});
    ASSERT_TRUE(window);
    EXPECT_EQ(windows.count(), 1u);
    EXPECT_EQ(windows.mapped_units(), kHeaderUnits + Units{10});
    EXPECT_EQ(windows.mappings(), 1u);
    expect_counts(*window, Units{10}, Units{}, kUsableUnits - Units{10});
    EXPECT_GE(window->number, first_window());
    EXPECT_EQ(page_table_end, window->first_unit() + kWindowUnits.count());
    memset(address(*window, kFirst), 1, 10 * kUnitSize);
    EXPECT_FALSE(os::readable(address(*window, kFirst + 10), 1));
    EXPECT_FALSE(window->all_holes());
}

TEST_F(WindowsTest, TheListIsInTheOrderOfAddressesAndFindsEveryUnit) {
    std::vector<size_t> numbers;
    for (int i = 0; i < 20; ++i)
        numbers.push_back(windows.add(Units{1})->number);
    EXPECT_EQ(windows.count(), 20u);
    for (size_t i = 1; i < 20; ++i)
        EXPECT_LT(windows.begin()[i - 1].number, windows.begin()[i].number);
    for (size_t number : numbers) {
        const size_t unit = number * kWindowUnits.count();
        ASSERT_TRUE(windows.of_unit(unit));
        EXPECT_EQ(windows.of_unit(unit)->number, number);
        EXPECT_EQ(windows.of_unit(unit + kWindowUnits.count() - 1), windows.of_unit(unit));
    }
    EXPECT_EQ(windows.of_unit(0), nullptr);
    EXPECT_EQ(windows.of_unit(windows.end()[-1].first_unit() + kWindowUnits.count()), nullptr);
    EXPECT_EQ(windows.of_unit(windows.begin()->first_unit() - 1), nullptr);
}

TEST_F(WindowsTest, WhatIsInTheWayIsPassedOver) {
    const size_t next = windows.add(Units{1})->number + size_t{1};
    char* const wall = reinterpret_cast<char*>(next << kWindowShift);
    ASSERT_TRUE(os::reserve_zeros_at(wall, os::page_size()));
    Window* const window = windows.add(Units{1});
    ASSERT_TRUE(window);
    EXPECT_GT(window->number, next);
    EXPECT_TRUE(os::readable(wall, 1)) << "not ours to take away";
    os::unmap(wall, os::page_size());
}

TEST_F(WindowsTest, RefusedByTheKernelNothingIsAdded) {
    for (long attempt = 0; attempt < 2; ++attempt) {  // the window's own memory, then its part of the table
        os::fail_after(os::Call::kCommit, attempt);
        EXPECT_EQ(windows.add(Units{1}), nullptr);
        EXPECT_EQ(windows.count(), 0u);
        EXPECT_EQ(windows.mapped_units(), Units{});
    }
    os::fail_none();
    EXPECT_TRUE(windows.add(Units{1})) << "nothing was left in the way";
}

TEST_F(WindowsTest, HolesBecomeCleanAndMappingsThatTouchAreOne) {
    Window& window = *windows.add(Units{10});
    EXPECT_EQ(windows.map(window, kFirst + 20, Units{5}), Mapped::kYes);
    EXPECT_EQ(windows.mappings(), 2u);
    expect_counts(window, Units{15}, Units{}, kUsableUnits - Units{15});
    memset(address(window, kFirst + 20), 1, 5 * kUnitSize);
    EXPECT_EQ(windows.map(window, kFirst + 10, Units{4}), Mapped::kYes);
    EXPECT_EQ(windows.mappings(), 2u) << "it lengthens the first";
    EXPECT_EQ(windows.map(window, kFirst + 14, Units{6}), Mapped::kYes);
    EXPECT_EQ(windows.mappings(), 1u) << "it joins the two";
    EXPECT_EQ(windows.mapped_units(), kHeaderUnits + Units{25});
}

TEST_F(WindowsTest, AHoleInTheMiddleMakesTwoMappingsAndAtAnEndNone) {
    Window& window = *windows.add(Units{10});
    EXPECT_TRUE(window.is_inside_mapping(kFirst + 4, Units{2}));
    EXPECT_FALSE(window.is_inside_mapping(kFirst + 8, Units{2}));
    unmap(window, kFirst + 4, Units{2});
    EXPECT_EQ(windows.mappings(), 2u);
    EXPECT_FALSE(window.is_inside_mapping(kFirst + 2, Units{2}));
    EXPECT_FALSE(window.is_inside_mapping(kFirst + 6, Units{2}));
    unmap(window, kFirst + 9, Units{1});
    EXPECT_EQ(windows.mappings(), 2u);
    unmap(window, kFirst + 6, Units{3});
    EXPECT_EQ(windows.mappings(), 1u) << "the second is gone";
    EXPECT_TRUE(window.is_inside_mapping(kFirst, Units{2})) << "between the header and memory";
    expect_counts(window, Units{4}, Units{}, kUsableUnits - Units{4});
    EXPECT_EQ(windows.mapped_units(), kHeaderUnits + Units{4});
}

TEST_F(WindowsTest, WhereSomethingElseIsNothingIsMapped) {
    Window& window = *windows.add(Units{10});
    char* const wall = address(window, kFirst + 30);
    ASSERT_TRUE(os::reserve_zeros_at(wall, os::page_size()));
    EXPECT_EQ(windows.map(window, kFirst + 20, Units{20}), Mapped::kOccupied);
    expect_counts(window, Units{10}, Units{}, kUsableUnits - Units{10});
    EXPECT_EQ(windows.mapped_units(), kHeaderUnits + Units{10});
    EXPECT_FALSE(os::readable(address(window, kFirst + 20), 1));
    os::unmap(wall, os::page_size());
    os::fail_after(os::Call::kCommit, 0);
    EXPECT_EQ(windows.map(window, kFirst + 20, Units{20}), Mapped::kRefused);
    EXPECT_EQ(windows.mappings(), 1u);
}

TEST_F(WindowsTest, CountsFollowEachState) {
    Window& window = *windows.add(Units{20});
    window.set(kFirst, Units{12}, UnitState::kTaken);
    expect_counts(window, Units{8}, Units{}, kUsableUnits - Units{20});
    window.set(kFirst + 2, Units{5}, UnitState::kDirty);
    expect_counts(window, Units{8}, Units{5}, kUsableUnits - Units{20});
    EXPECT_EQ(window.count(UnitKind::kDirty), Units{5});
    EXPECT_EQ(window.count(UnitKind::kMapped), Units{13});
    EXPECT_EQ(window.count(UnitKind::kAny), kUsableUnits - Units{7});
    window.set(kFirst, Units{14}, UnitState::kClean);  // whatever state they were in
    expect_counts(window, Units{20}, Units{}, kUsableUnits - Units{20});
}

TEST_F(WindowsTest, FindsTheLowestOfEachKind) {
    Window& window = *windows.add(Units{20});
    window.set(kFirst, Units{20}, UnitState::kTaken);
    EXPECT_EQ(window.find(UnitKind::kMapped, Units{1}), UnitMap::kNone);
    EXPECT_EQ(window.find(UnitKind::kAny, Units{4}), kFirst + 20);
    window.set(kFirst + 6, Units{3}, UnitState::kClean);
    window.set(kFirst + 12, Units{3}, UnitState::kDirty);
    EXPECT_EQ(window.find(UnitKind::kMapped, Units{3}), kFirst + 6);
    EXPECT_EQ(window.find(UnitKind::kDirty, Units{2}), kFirst + 12);
    EXPECT_EQ(window.find(UnitKind::kMapped, Units{4}), UnitMap::kNone);
    EXPECT_EQ(window.find(UnitKind::kAny, kUsableUnits), UnitMap::kNone);
}

TEST_F(WindowsTest, WhatWasNotFoundIsFoundWhenUnitsComeBack) {
    Window& window = *windows.add(Units{20});
    window.set(kFirst, Units{20}, UnitState::kTaken);
    window.set(kFirst + 5, Units{3}, UnitState::kDirty);
    window.set(kFirst + 10, Units{3}, UnitState::kDirty);
    ASSERT_EQ(window.find(UnitKind::kDirty, Units{4}), UnitMap::kNone);
    ASSERT_EQ(window.find(UnitKind::kDirty, Units{4}), UnitMap::kNone) << "known without a search";
    EXPECT_EQ(window.find(UnitKind::kDirty, Units{3}), kFirst + 5) << "shorter ones still are";
    window.set(kFirst + 8, Units{2}, UnitState::kDirty);
    EXPECT_EQ(window.find(UnitKind::kDirty, Units{4}), kFirst + 5);
    EXPECT_EQ(window.find(UnitKind::kDirty, Units{8}), kFirst + 5);
}

TEST_F(WindowsTest, AnEmptyOneIsRemovedAndItsPlaceIsFree) {
    for (int i = 0; i < 3; ++i)
        ASSERT_TRUE(windows.add(Units{4}));
    Window& middle = windows.begin()[1];
    const size_t number = middle.number;
    char* const header = middle.begin();
    unmap(middle, kFirst, Units{4});
    EXPECT_TRUE(middle.all_holes());
    EXPECT_TRUE(windows.remove(middle));
    EXPECT_EQ(windows.count(), 2u);
    EXPECT_EQ(windows.of_unit(number * kWindowUnits.count()), nullptr);
    EXPECT_FALSE(os::readable(header, 1));
    EXPECT_EQ(windows.mapped_units(), 2 * (kHeaderUnits + Units{4}));
    EXPECT_EQ(windows.mappings(), 2u);
}

TEST_F(WindowsTest, OneThatTheKernelKeepsStaysOnTheList) {
    Window& window = *windows.add(Units{4});
    ASSERT_TRUE(windows.add(Units{4}));
    unmap(window, kFirst, Units{4});
    const size_t number = window.number;
    os::fail_after(os::Call::kPurge, 0);
    EXPECT_FALSE(windows.remove(window));
    ASSERT_EQ(windows.count(), 2u);
    EXPECT_EQ(windows.begin()->number, number);
    expect_counts(*windows.begin(), Units{}, Units{}, kUsableUnits);
    EXPECT_EQ(windows.mapped_units(), 2 * kHeaderUnits + Units{4});
}

// As after a fork: the bits are right, what was counted may not be.
TEST_F(WindowsTest, RepairCountsAnewAndForgetsWhatIsThereTwice) {
    for (int i = 0; i < 3; ++i)
        ASSERT_TRUE(windows.add(Units{12}));
    unmap(windows.begin()[1], kFirst + 3, Units{2});
    unmap(windows.begin()[2], kFirst + 11, Units{1});
    const Units mapped = windows.mapped_units();
    const size_t mappings = windows.mappings();
    const size_t first = windows.begin()->number;
    windows.begin()[0].units().set(kFirst, Units{5}, UnitState::kDirty);  // by others
    windows.begin()[1].clean = Units{4711};
    windows.repair();
    EXPECT_EQ(windows.count(), 3u);
    expect_counts(windows.begin()[0], Units{7}, Units{5}, kUsableUnits - Units{12});
    expect_counts(windows.begin()[1], Units{10}, Units{}, kUsableUnits - Units{10});
    EXPECT_EQ(windows.mapped_units(), mapped);
    EXPECT_EQ(windows.mappings(), mappings);
    const Window kept = windows.begin()[1];
    windows.begin()[1] = windows.begin()[0];  // in the middle of an insertion
    windows.repair();
    EXPECT_EQ(windows.count(), 2u);
    EXPECT_EQ(windows.begin()->number, first);
    for (size_t unit = kFirst; unit < kFirst + 12; ++unit)
        os::unmap(kept.begin() + unit * kUnitSize, kUnitSize);
    os::unmap(kept.begin(), kHeaderUnits.bytes());
}

TEST_F(WindowsTest, PagesThatAreEmptiedReadAsZeroAndKeepTheirNeighbours) {
    Window& window = *windows.add(Units{2});
    char* const at = address(window, kFirst);
    memset(at, 7, 2 * kUnitSize);
    ASSERT_TRUE(empty_pages(at + os::page_size(), os::page_size()));
    EXPECT_EQ(at[os::page_size() - 1], 7);
    EXPECT_EQ(at[os::page_size()], 0);
    EXPECT_EQ(at[2 * os::page_size() - 1], 0);
    EXPECT_EQ(at[2 * os::page_size()], 7);
    os::fail_after(os::Call::kPurge, 0);
    EXPECT_FALSE(empty_pages(at, os::page_size()));
    EXPECT_EQ(at[0], 7) << "they stand as they were";
}

}  // namespace
}  // namespace tarn
