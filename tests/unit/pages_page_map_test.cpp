// SPDX-License-Identifier: MIT
// The page map alone: units, records and entries, the memory of owners, and a table that grows and shrinks.
#include "pages/page_map.h"

#include <gtest/gtest.h>
#include <sys/resource.h>

#include <cstdlib>
#include <cstring>
#include <set>

#include "os/os.h"

namespace tarn {
namespace {

// Before there is one; so they come first.
TEST(NoPageMap, EverythingIsOutside) {
    EXPECT_EQ(page_table_end, 0u);
    int on_stack;
    EXPECT_EQ(entry_at(&on_stack), 0);
    EXPECT_EQ(entry_at(nullptr), 0);
    EXPECT_EQ(owner_memory(16), nullptr);
    EXPECT_FALSE(cover_window(1000));
    EXPECT_EQ(metadata_bytes(), 0u);
    EXPECT_EQ(shrink_metadata(), 0u);
    EXPECT_EQ(take_run(Units{1}, RunUse::kBlock).at, nullptr);
}

TEST(NoPageMapDeathTest, UnderALimitTheMetadataTakeASmallPartOfIt) {
#if defined(__SANITIZE_THREAD__) || defined(__SANITIZE_ADDRESS__)
    GTEST_SKIP() << "the sanitizers reserve more than any limit";
#endif
    constexpr size_t kLimit = size_t{1} << 30;
    const auto start_limited = [] {
        const rlimit limit{kLimit, kLimit};
        const bool limited = setrlimit(RLIMIT_AS, &limit) == 0;
        const bool started = start_page_map();
        exit(limited && started && metadata_bytes() < kLimit / 32 && owner_memory(1) ? 0 : 1);
    };
    EXPECT_EXIT(start_limited(), testing::ExitedWithCode(0), "");
}

TEST(NoPageMapDeathTest, WhereTheKernelReservesNothingThereIsNone) {
    const auto start_refused = [] {
        os::fail_after(os::Call::kReserve, 0);
        const bool started = start_page_map();
        exit(!started && !owner_memory(1) && !take_run(Units{1}, RunUse::kSlab).at ? 0 : 1);
    };
    EXPECT_EXIT(start_refused(), testing::ExitedWithCode(0), "");
}

class PageMap : public testing::Test {
  protected:
    static void SetUpTestSuite() { ASSERT_TRUE(start_page_map()); }
    void TearDown() override {
        os::fail_none();
        trim_runs();
    }
};

TEST_F(PageMap, UnitsAndAddressesAreTwoWaysToSayTheSame) {
    const auto run = take_run(Units{3}, RunUse::kBlock);
    ASSERT_TRUE(run.at);
    char* const at = static_cast<char*>(run.at);
    const size_t unit = unit_of(at);
    EXPECT_EQ(unit_address(unit), at);
    EXPECT_EQ(unit_of(at + kUnitSize - 1), unit);
    EXPECT_EQ(unit_of(at + kUnitSize), unit + 1);
    EXPECT_TRUE(in_window(at));
    EXPECT_FALSE(in_window(unit_address(unit) + kWindowSize));
    give_run(at, Units{3});
}

TEST_F(PageMap, EveryUnitHasARecordAndAByteOfItsOwnInTheHeader) {
    const auto run = take_run(kRunUnitsMax, RunUse::kBlock);
    ASSERT_TRUE(run.at);
    char* const at = static_cast<char*>(run.at);
    const auto window = reinterpret_cast<uintptr_t>(at) & ~(kWindowSize - 1);
    std::set<void*> records;
    std::set<uint8_t*> bytes;
    for (size_t i = 0; i < kRunUnitsMax.count(); ++i) {
        char* const unit = at + i * kUnitSize;
        void* const record = record_at(unit + 4711);
        EXPECT_EQ(record, record_of(unit_of(unit)));
        EXPECT_EQ(unit_of_record(record), unit);
        EXPECT_EQ(reinterpret_cast<uintptr_t>(record) % kRecordSize, 0u);
        EXPECT_LT(reinterpret_cast<uintptr_t>(record) - window, kRecordUnits.bytes());
        uint8_t* const byte = page_bits_of(unit + 4711);
        EXPECT_GE(reinterpret_cast<uintptr_t>(byte) - window, kRecordUnits.bytes());
        EXPECT_LT(reinterpret_cast<uintptr_t>(byte) - window, kHeaderUnits.bytes());
        EXPECT_EQ(*byte, 0);
        records.insert(record);
        bytes.insert(byte);
    }
    EXPECT_EQ(records.size(), kRunUnitsMax.count());
    EXPECT_EQ(bytes.size(), kRunUnitsMax.count());
    give_run(at, kRunUnitsMax);
}

TEST_F(PageMap, EntriesAreSetUnitByUnitAndReadForEveryByte) {
    const auto run = take_run(Units{4}, RunUse::kSlab);
    char* const at = static_cast<char*>(run.at);
    set_entries(unit_of(at) + 1, Units{2}, -4096);
    EXPECT_EQ(entry_at(at), 0);
    EXPECT_EQ(entry_at(at + kUnitSize - 1), 0);
    EXPECT_EQ(entry_at(at + kUnitSize), -4096);
    EXPECT_EQ(entry_at(at + 3 * kUnitSize - 1), -4096);
    EXPECT_EQ(entry_at(at + 3 * kUnitSize), 0);
    EXPECT_EQ(entry_of(unit_of(at) + 2), -4096);
    set_entries(unit_of(at) + 1, Units{2}, 0);
    give_run(at, Units{4});
}

TEST_F(PageMap, WhatIsInSlabsIsCountedAndFoundAgainAfterAFork) {
    const size_t before = bytes_in_slabs();
    const auto block = take_run(Units{8}, RunUse::kBlock);
    EXPECT_EQ(bytes_in_slabs(), before);
    const auto slab = take_run(Units{4}, RunUse::kSlab), other = take_run(Units{2}, RunUse::kSlab);
    EXPECT_EQ(bytes_in_slabs(), before + 6 * kUnitSize);
    set_entries(unit_of(slab.at), Units{4}, -4096);
    set_entries(unit_of(other.at), Units{2}, kMixedEntry);
    give_run(block.at, Units{8});
    EXPECT_EQ(bytes_in_slabs(), before + 6 * kUnitSize);
    runs_after_fork_child(Others::kLived, Transit::kNobodys);
    EXPECT_EQ(bytes_in_slabs(), before + 6 * kUnitSize);
    check_runs();
    give_run(slab.at, Units{4});
    EXPECT_EQ(bytes_in_slabs(), before + 2 * kUnitSize);
    give_run(other.at, Units{2});
    EXPECT_EQ(bytes_in_slabs(), before);
}

// Who wants to hear of slabs hears of those beyond what is known, and of memory that is mapped.
TEST_F(PageMap, OfSlabsBeyondWhatIsKnownIsTold) {
    const auto room = take_run(Units{8}, RunUse::kBlock);
    give_run(room.at, Units{8});  // is mapped now
    tell_of_slabs_beyond(bytes_in_slabs() + 2 * kUnitSize);
    const uint32_t before = run_takes;
    const auto known = take_run(Units{2}, RunUse::kSlab);
    EXPECT_EQ(run_takes, before);
    const auto beyond = take_run(Units{1}, RunUse::kSlab);
    EXPECT_NE(run_takes, before);
    give_run(known.at, Units{2}), give_run(beyond.at, Units{1});
    tell_of_slabs_beyond(0);
}

TEST_F(PageMap, OutsideOfAllWindowsEveryEntryIsNothing) {
    const auto run = take_run(Units{1}, RunUse::kBlock);
    int on_stack;
    EXPECT_EQ(entry_at(&on_stack), 0);
    EXPECT_EQ(entry_at(nullptr), 0);
    EXPECT_EQ(entry_at(reinterpret_cast<void*>(UINTPTR_MAX)), 0);
    EXPECT_EQ(entry_at(unit_address(first_window() * kWindowUnits.count()) - 1), 0);
    give_run(run.at, Units{1});
}

// A free that looks for a bin at an entry that names none finds zeros.
TEST_F(PageMap, WhereEntriesThatAreNoSlabsPointThereIsNothing) {
    for (const Entry entry : {0, kBlockEntry, kOrphanEntry, kLostEntry})
        for (size_t i = 0; i < 64; ++i)
            ASSERT_EQ(page_table[static_cast<size_t>(entry) + i], 0) << entry;
    for (size_t i = 0; i < kTableZeros; i += 512)
        ASSERT_EQ(page_table[i], 0);
    EXPECT_GE(first_window() * kWindowUnits.count() * sizeof(Entry), kTableZeros);
}

TEST_F(PageMap, MemoryOfOwnersIsZeroedApartAndWithinReachOfAnEntry) {
    char* last = page_table;
    for (size_t bytes : {size_t{1}, os::kPageSize, size_t{100000}, size_t{12} << 20}) {
        auto* const at = static_cast<char*>(owner_memory(bytes));
        ASSERT_TRUE(at) << bytes;
        EXPECT_LE(at + bytes, last) << "apart from what was had before";
        EXPECT_EQ(reinterpret_cast<uintptr_t>(at) % os::kPageSize, 0u);
        EXPECT_EQ(at[0], 0);
        EXPECT_EQ(memcmp(at, at + 1, bytes - 1), 0);
        const auto entry = static_cast<Entry>(at - page_table);
        EXPECT_LT(entry, 0);
        EXPECT_EQ(page_table + entry, at);
        memset(at, 0xa5, bytes);
        last = at;
    }
}

TEST_F(PageMap, MemoryOfOwnersThatTheKernelRefusesIsNotLost) {
    auto* const before = static_cast<char*>(owner_memory(os::kPageSize));
    os::fail_after(os::Call::kCommit, 0);
    while (char* const at = static_cast<char*>(owner_memory(os::kPageSize)))
        EXPECT_LT(at, before);  // what was committed already
    os::fail_none();
    auto* const after = static_cast<char*>(owner_memory(os::kPageSize));
    ASSERT_TRUE(after);
    EXPECT_LT(after, before);
    memset(after, 1, os::kPageSize);
}

TEST_F(PageMap, ACoveredWindowHasEntriesAndAnUncoveredOneIsOutside) {
    ASSERT_EQ(window_count(), 0u);
    const size_t number = first_window() + 3;
    ASSERT_TRUE(cover_window(number));
    EXPECT_EQ(page_table_end, (number + 1) * kWindowUnits.count());
    void* const last = unit_address(page_table_end - 1);
    set_entries(unit_of(last), Units{1}, kLostEntry);
    EXPECT_EQ(entry_at(last), kLostEntry);
    ASSERT_TRUE(cover_window(number - 1)) << "a lower one takes nothing away";
    EXPECT_EQ(entry_at(last), kLostEntry);
    set_entries(unit_of(last), Units{1}, 0);
    uncover_from(number);
    EXPECT_EQ(page_table_end, number * kWindowUnits.count());
    uncover_from(0);
    EXPECT_EQ(page_table_end, 0u);
}

TEST_F(PageMap, AWindowThatTheKernelRefusesIsNotCovered) {
    os::fail_after(os::Call::kCommit, 0);
    EXPECT_FALSE(cover_window(first_window()));
    EXPECT_EQ(page_table_end, 0u);
}

// The last one: the table is another one afterwards.
TEST_F(PageMap, TheTableShrinksToWhatIsInUseAndGrowsAgain) {
    ASSERT_EQ(shrink_metadata(), 0u) << "not while there is no window";
    const auto run = take_run(Units{1}, RunUse::kBlock);
    ASSERT_TRUE(run.at);
    const size_t before = metadata_bytes(), limit = window_limit();
    const size_t gone = shrink_metadata();
    EXPECT_GT(gone, 0u);
    EXPECT_EQ(metadata_bytes(), before - gone);
    EXPECT_LT(window_limit(), limit);
    EXPECT_GT(window_limit(), unit_of(run.at) / kWindowUnits.count());
    EXPECT_EQ(entry_at(run.at), kBlockEntry);
    EXPECT_EQ(shrink_metadata(), 0u);
    const size_t beyond = window_limit() + 5;
    ASSERT_TRUE(cover_window(beyond));
    EXPECT_GT(window_limit(), beyond);
    EXPECT_EQ(entry_at(unit_address(beyond * kWindowUnits.count())), 0);
    EXPECT_EQ(entry_at(run.at), kBlockEntry);
    uncover_from(unit_of(run.at) / kWindowUnits.count() + 1);
    give_run(run.at, Units{1});
}

}  // namespace
}  // namespace tarn
