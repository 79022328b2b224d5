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

constexpr size_t kFirst = kHeaderUnits;  // the first unit that can be had
constexpr size_t kUsable = kWindowUnits - kHeaderUnits;

class WindowsTest : public testing::Test {
  protected:
    static void SetUpTestSuite() { ASSERT_TRUE(start_page_map()); }
    void TearDown() override {
        os::fail_none();
        while (windows.count() > 0) {
            Window& window = *windows.begin();
            unmap(window, kFirst, kUsable);
            ASSERT_TRUE(windows.remove(window));
        }
        EXPECT_EQ(windows.mapped_units(), 0u);
        EXPECT_EQ(windows.mappings(), 0u);
        EXPECT_EQ(page_table_end, 0u);
    }
    static char* address(const Window& window, size_t unit) { return window.begin() + unit * kUnitSize; }
    // As runs.cpp gives back: out of the books, unmapped, a hole. What is a hole already stays one.
    void unmap(Window& window, size_t first, size_t length) {
        for (size_t unit = first; unit < first + length; ++unit) {
            if (window.units().state(unit) == UnitState::kHole) continue;
            window.set(unit, 1, UnitState::kTaken);
            ASSERT_TRUE(os::unmap_exactly(address(window, unit), kUnitSize));
            windows.unmapped(window, unit, 1);
        }
    }
    void expect_counts(const Window& window, size_t clean, size_t dirty, size_t holes) {
        EXPECT_EQ(window.clean, clean);
        EXPECT_EQ(window.dirty, dirty);
        EXPECT_EQ(window.holes, holes);
        const UnitMap units = window.units();
        EXPECT_EQ(units.count(UnitState::kClean, kFirst, kUsable), clean);
        EXPECT_EQ(units.count(UnitState::kDirty, kFirst, kUsable), dirty);
        EXPECT_EQ(units.count(UnitState::kHole, kFirst, kUsable), holes);
    }

    std::unique_ptr<Windows> owned = std::make_unique<Windows>();
    Windows& windows = *owned;
};

TEST_F(WindowsTest, ANewOneIsMappedFromItsFrontAndTheRestAreHoles) {
    Window* const window = windows.add(10);
    ASSERT_TRUE(window);
    EXPECT_EQ(windows.count(), 1u);
    EXPECT_EQ(windows.mapped_units(), kHeaderUnits + 10);
    EXPECT_EQ(windows.mappings(), 1u);
    expect_counts(*window, 10, 0, kUsable - 10);
    EXPECT_GE(window->number, first_window());
    EXPECT_EQ(page_table_end, window->first_unit() + kWindowUnits);
    memset(address(*window, kFirst), 1, 10 * kUnitSize);
    EXPECT_FALSE(os::readable(address(*window, kFirst + 10), 1));
    EXPECT_FALSE(window->all_holes());
}

TEST_F(WindowsTest, TheListIsInTheOrderOfAddressesAndFindsEveryUnit) {
    std::vector<size_t> numbers;
    for (int i = 0; i < 20; ++i)
        numbers.push_back(windows.add(1)->number);
    EXPECT_EQ(windows.count(), 20u);
    for (size_t i = 1; i < 20; ++i)
        EXPECT_LT(windows.begin()[i - 1].number, windows.begin()[i].number);
    for (size_t number : numbers) {
        const size_t unit = number * kWindowUnits;
        ASSERT_TRUE(windows.of_unit(unit));
        EXPECT_EQ(windows.of_unit(unit)->number, number);
        EXPECT_EQ(windows.of_unit(unit + kWindowUnits - 1), windows.of_unit(unit));
    }
    EXPECT_EQ(windows.of_unit(0), nullptr);
    EXPECT_EQ(windows.of_unit(windows.end()[-1].first_unit() + kWindowUnits), nullptr);
    EXPECT_EQ(windows.of_unit(windows.begin()->first_unit() - 1), nullptr);
}

TEST_F(WindowsTest, WhatIsInTheWayIsPassedOver) {
    const size_t next = windows.add(1)->number + size_t{1};
    char* const wall = reinterpret_cast<char*>(next << kWindowShift);
    ASSERT_TRUE(os::reserve_zeros_at(wall, os::page_size()));
    Window* const window = windows.add(1);
    ASSERT_TRUE(window);
    EXPECT_GT(window->number, next);
    EXPECT_TRUE(os::readable(wall, 1)) << "not ours to take away";
    os::unmap(wall, os::page_size());
}

TEST_F(WindowsTest, RefusedByTheKernelNothingIsAdded) {
    for (long attempt = 0; attempt < 2; ++attempt) {  // the window's own memory, then its part of the table
        os::fail_after(os::Call::kCommit, attempt);
        EXPECT_EQ(windows.add(1), nullptr);
        EXPECT_EQ(windows.count(), 0u);
        EXPECT_EQ(windows.mapped_units(), 0u);
    }
    os::fail_none();
    EXPECT_TRUE(windows.add(1)) << "nothing was left in the way";
}

TEST_F(WindowsTest, HolesBecomeCleanAndMappingsThatTouchAreOne) {
    Window& window = *windows.add(10);
    EXPECT_EQ(windows.map(window, kFirst + 20, 5), Mapped::kYes);
    EXPECT_EQ(windows.mappings(), 2u);
    expect_counts(window, 15, 0, kUsable - 15);
    memset(address(window, kFirst + 20), 1, 5 * kUnitSize);
    EXPECT_EQ(windows.map(window, kFirst + 10, 4), Mapped::kYes);
    EXPECT_EQ(windows.mappings(), 2u) << "it lengthens the first";
    EXPECT_EQ(windows.map(window, kFirst + 14, 6), Mapped::kYes);
    EXPECT_EQ(windows.mappings(), 1u) << "it joins the two";
    EXPECT_EQ(windows.mapped_units(), kHeaderUnits + 25);
}

TEST_F(WindowsTest, AHoleInTheMiddleMakesTwoMappingsAndAtAnEndNone) {
    Window& window = *windows.add(10);
    EXPECT_TRUE(window.is_inside_mapping(kFirst + 4, 2));
    EXPECT_FALSE(window.is_inside_mapping(kFirst + 8, 2));
    unmap(window, kFirst + 4, 2);
    EXPECT_EQ(windows.mappings(), 2u);
    EXPECT_FALSE(window.is_inside_mapping(kFirst + 2, 2));
    EXPECT_FALSE(window.is_inside_mapping(kFirst + 6, 2));
    unmap(window, kFirst + 9, 1);
    EXPECT_EQ(windows.mappings(), 2u);
    unmap(window, kFirst + 6, 3);
    EXPECT_EQ(windows.mappings(), 1u) << "the second is gone";
    EXPECT_TRUE(window.is_inside_mapping(kFirst, 2)) << "between the header and memory";
    expect_counts(window, 4, 0, kUsable - 4);
    EXPECT_EQ(windows.mapped_units(), kHeaderUnits + 4);
}

TEST_F(WindowsTest, WhereSomethingElseIsNothingIsMapped) {
    Window& window = *windows.add(10);
    char* const wall = address(window, kFirst + 30);
    ASSERT_TRUE(os::reserve_zeros_at(wall, os::page_size()));
    EXPECT_EQ(windows.map(window, kFirst + 20, 20), Mapped::kOccupied);
    expect_counts(window, 10, 0, kUsable - 10);
    EXPECT_EQ(windows.mapped_units(), kHeaderUnits + 10);
    EXPECT_FALSE(os::readable(address(window, kFirst + 20), 1));
    os::unmap(wall, os::page_size());
    os::fail_after(os::Call::kCommit, 0);
    EXPECT_EQ(windows.map(window, kFirst + 20, 20), Mapped::kRefused);
    EXPECT_EQ(windows.mappings(), 1u);
}

TEST_F(WindowsTest, CountsFollowEachState) {
    Window& window = *windows.add(20);
    window.set(kFirst, 12, UnitState::kTaken);
    expect_counts(window, 8, 0, kUsable - 20);
    window.set(kFirst + 2, 5, UnitState::kDirty);
    expect_counts(window, 8, 5, kUsable - 20);
    EXPECT_EQ(window.count(UnitKind::kDirty), 5u);
    EXPECT_EQ(window.count(UnitKind::kMapped), 13u);
    EXPECT_EQ(window.count(UnitKind::kAny), kUsable - 7);
    window.set(kFirst, 14, UnitState::kClean);  // whatever state they were in
    expect_counts(window, 20, 0, kUsable - 20);
}

TEST_F(WindowsTest, FindsTheLowestOfEachKind) {
    Window& window = *windows.add(20);
    window.set(kFirst, 20, UnitState::kTaken);
    EXPECT_EQ(window.find(UnitKind::kMapped, 1), UnitMap::kNone);
    EXPECT_EQ(window.find(UnitKind::kAny, 4), kFirst + 20);
    window.set(kFirst + 6, 3, UnitState::kClean);
    window.set(kFirst + 12, 3, UnitState::kDirty);
    EXPECT_EQ(window.find(UnitKind::kMapped, 3), kFirst + 6);
    EXPECT_EQ(window.find(UnitKind::kDirty, 2), kFirst + 12);
    EXPECT_EQ(window.find(UnitKind::kMapped, 4), UnitMap::kNone);
    EXPECT_EQ(window.find(UnitKind::kAny, kUsable), UnitMap::kNone);
}

TEST_F(WindowsTest, WhatWasNotFoundIsFoundWhenUnitsComeBack) {
    Window& window = *windows.add(20);
    window.set(kFirst, 20, UnitState::kTaken);
    window.set(kFirst + 5, 3, UnitState::kDirty);
    window.set(kFirst + 10, 3, UnitState::kDirty);
    ASSERT_EQ(window.find(UnitKind::kDirty, 4), UnitMap::kNone);
    ASSERT_EQ(window.find(UnitKind::kDirty, 4), UnitMap::kNone) << "known without a search";
    EXPECT_EQ(window.find(UnitKind::kDirty, 3), kFirst + 5) << "shorter ones still are";
    window.set(kFirst + 8, 2, UnitState::kDirty);
    EXPECT_EQ(window.find(UnitKind::kDirty, 4), kFirst + 5);
    EXPECT_EQ(window.find(UnitKind::kDirty, 8), kFirst + 5);
}

TEST_F(WindowsTest, AnEmptyOneIsRemovedAndItsPlaceIsFree) {
    for (int i = 0; i < 3; ++i)
        ASSERT_TRUE(windows.add(4));
    Window& middle = windows.begin()[1];
    const size_t number = middle.number;
    char* const header = middle.begin();
    unmap(middle, kFirst, 4);
    EXPECT_TRUE(middle.all_holes());
    EXPECT_TRUE(windows.remove(middle));
    EXPECT_EQ(windows.count(), 2u);
    EXPECT_EQ(windows.of_unit(number * kWindowUnits), nullptr);
    EXPECT_FALSE(os::readable(header, 1));
    EXPECT_EQ(windows.mapped_units(), 2 * (kHeaderUnits + 4));
    EXPECT_EQ(windows.mappings(), 2u);
}

TEST_F(WindowsTest, OneThatTheKernelKeepsStaysOnTheList) {
    Window& window = *windows.add(4);
    ASSERT_TRUE(windows.add(4));
    unmap(window, kFirst, 4);
    const size_t number = window.number;
    os::fail_after(os::Call::kPurge, 0);
    EXPECT_FALSE(windows.remove(window));
    ASSERT_EQ(windows.count(), 2u);
    EXPECT_EQ(windows.begin()->number, number);
    expect_counts(*windows.begin(), 0, 0, kUsable);
    EXPECT_EQ(windows.mapped_units(), 2 * kHeaderUnits + 4);
}

// As after a fork: the bits are right, what was counted may not be.
TEST_F(WindowsTest, RepairCountsAnewAndForgetsWhatIsThereTwice) {
    for (int i = 0; i < 3; ++i)
        ASSERT_TRUE(windows.add(12));
    unmap(windows.begin()[1], kFirst + 3, 2);
    unmap(windows.begin()[2], kFirst + 11, 1);
    const size_t mapped = windows.mapped_units(), mappings = windows.mappings();
    const size_t first = windows.begin()->number;
    windows.begin()[0].units().set(kFirst, 5, UnitState::kDirty);  // by others
    windows.begin()[1].clean = 4711;
    windows.repair();
    EXPECT_EQ(windows.count(), 3u);
    expect_counts(windows.begin()[0], 7, 5, kUsable - 12);
    expect_counts(windows.begin()[1], 10, 0, kUsable - 10);
    EXPECT_EQ(windows.mapped_units(), mapped);
    EXPECT_EQ(windows.mappings(), mappings);
    const Window kept = windows.begin()[1];
    windows.begin()[1] = windows.begin()[0];  // in the middle of an insertion
    windows.repair();
    EXPECT_EQ(windows.count(), 2u);
    EXPECT_EQ(windows.begin()->number, first);
    for (size_t unit = kFirst; unit < kFirst + 12; ++unit)
        os::unmap(kept.begin() + unit * kUnitSize, kUnitSize);
    os::unmap(kept.begin(), kHeaderUnits * kUnitSize);
}

TEST_F(WindowsTest, PagesThatAreEmptiedReadAsZeroAndKeepTheirNeighbours) {
    Window& window = *windows.add(2);
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
