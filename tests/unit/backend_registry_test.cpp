// SPDX-License-Identifier: MIT
// The registry of large blocks: nobody touches the addresses entered here, so they need not exist.
#include "backend/ranges/registry.h"

#include <gtest/gtest.h>

#include <atomic>
#include <random>
#include <thread>
#include <unordered_map>
#include <vector>

#include "os/os.h"

namespace tarn {
namespace {

void* at(uintptr_t address) {
    return reinterpret_cast<void*>(address);
}

TEST(Registry, UnknownUntilEntered) {
    EXPECT_EQ(find_block(at(0x7f0000000000)).state, BlockState::kUnknown);
    EXPECT_EQ(find_block(nullptr).state, BlockState::kUnknown);
    EXPECT_EQ(strike_block(at(0x7f0000000000)).state, BlockState::kUnknown);
}

TEST(Registry, KeepsSizeSourceAndTag) {
    const Record mapping{size_t{123} << 12, BlockSource::kMapping, 4095};
    const Record backend{54321, BlockSource::kBackend, 0};
    ASSERT_TRUE(enter_block(at(0x7f0000010010), backend));
    ASSERT_TRUE(enter_block(at(0x7f0000020000), mapping));
    EXPECT_EQ(find_block(at(0x7f0000010010)).record.size, 54321u);
    EXPECT_EQ(find_block(at(0x7f0000010010)).record.source, BlockSource::kBackend);
    EXPECT_EQ(find_block(at(0x7f0000020000)).record.size, size_t{123} << 12);
    EXPECT_EQ(find_block(at(0x7f0000020000)).record.source, BlockSource::kMapping);
    EXPECT_EQ(find_block(at(0x7f0000020000)).record.tag, 4095);
}

TEST(Registry, OnlyTheStartOfABlockIsKnown) {
    ASSERT_TRUE(enter_block(at(0x7f0001000040), {40000, BlockSource::kBackend}));
    for (uintptr_t offset : {0x0, 0x30, 0x41, 0x48, 0x50, 0x8040})
        EXPECT_EQ(find_block(at(0x7f0001000000 + offset)).state, BlockState::kUnknown) << offset;
    EXPECT_EQ(find_block(at(0x7f0001000040)).state, BlockState::kLive);
}

TEST(Registry, SecondFreeIsRecognisedUntilTheGranuleIsReused) {
    ASSERT_TRUE(enter_block(at(0x7f0002000000), {40000, BlockSource::kRun}));
    EXPECT_EQ(strike_block(at(0x7f0002000000)).state, BlockState::kLive);
    EXPECT_EQ(strike_block(at(0x7f0002000000)).state, BlockState::kFreed);
    EXPECT_EQ(find_block(at(0x7f0002000000)).state, BlockState::kFreed);
    ASSERT_TRUE(enter_block(at(0x7f0002000100), {50000, BlockSource::kBackend}));
    EXPECT_EQ(find_block(at(0x7f0002000000)).state, BlockState::kUnknown);
    EXPECT_EQ(find_block(at(0x7f0002000100)).state, BlockState::kLive);
}

TEST(Registry, UpdateChangesTheSizeAndRevives) {
    ASSERT_TRUE(enter_block(at(0x7f0003000000), {40000, BlockSource::kBackend}));
    update_block(at(0x7f0003000000), {60000, BlockSource::kBackend});
    EXPECT_EQ(find_block(at(0x7f0003000000)).record.size, 60000u);
    EXPECT_EQ(strike_block(at(0x7f0003000000)).record.size, 60000u);
    update_block(at(0x7f0003000000), {60000, BlockSource::kBackend});
    EXPECT_EQ(find_block(at(0x7f0003000000)).state, BlockState::kLive);
}

TEST(Registry, EdgesOfTheAddressSpace) {
    const uintptr_t highest = (uintptr_t{1} << 52) - kGranule;
    for (uintptr_t address : {uintptr_t{1} << 15, uintptr_t{1} << 46, uintptr_t{1} << 47, highest}) {
        ASSERT_TRUE(enter_block(at(address), {kLargestBlock, BlockSource::kBackend})) << address;
        EXPECT_EQ(find_block(at(address)).record.size, kLargestBlock);
    }
    EXPECT_FALSE(enter_block(at(uintptr_t{1} << 52), {40000, BlockSource::kBackend}));
    EXPECT_EQ(find_block(at(uintptr_t{1} << 52)).state, BlockState::kUnknown);
    EXPECT_EQ(find_block(at(~uintptr_t{15})).state, BlockState::kUnknown);
}

TEST(Registry, RefusesWhatItCannotKeep) {
    EXPECT_FALSE(enter_block(at(0x7f0004000008), {40000, BlockSource::kBackend}));
    EXPECT_FALSE(enter_block(at(0x7f0004000000), {kLargestBlock + 1, BlockSource::kBackend}));
    EXPECT_EQ(find_block(at(0x7f0004000000)).state, BlockState::kUnknown);
}

TEST(Registry, ManyAddressesAgainstAMap) {
    std::mt19937_64 random(20240607);
    std::unordered_map<uintptr_t, size_t> expected;
    for (int i = 0; i < 20000; ++i) {
        const uintptr_t granule = (random() % (uintptr_t{1} << 29)) * kGranule;  // 16 TiB
        const uintptr_t address = granule + random() % (kGranule / 16) * 16;
        if (expected.contains(granule)) continue;
        const size_t size = kSmallestBlock + random() % 1000000;
        ASSERT_TRUE(enter_block(at(address), {size, BlockSource::kBackend}));
        expected[granule] = address << 20 | size;
    }
    for (const auto& [granule, value] : expected) {
        const FoundBlock found = find_block(at(value >> 20));
        ASSERT_EQ(found.state, BlockState::kLive);
        ASSERT_EQ(found.record.size, value & ((1 << 20) - 1));
    }
}

// All threads free the same blocks in the same order. Whoever is behind only reads, and so catches up: they
// meet at the same words again and again.
TEST(Registry, ExactlyOneOfRacingFreesWins) {
    constexpr int kThreads = 2, kBlocks = 100000, kRounds = 20;
    auto address = [](int i) { return at(0x7e0000000000 + static_cast<uintptr_t>(i) * kGranule); };
    for (int round = 0; round < kRounds; ++round) {
        for (int i = 0; i < kBlocks; ++i)
            ASSERT_TRUE(enter_block(address(i), {40000, BlockSource::kRun}));
        std::atomic<int> ready{0}, wins{0};
        std::vector<std::thread> threads;
        for (int t = 0; t < kThreads; ++t)
            threads.emplace_back([&] {
                for (++ready; ready.load() < kThreads;) {
                }
                int won = 0;
                for (int i = 0; i < kBlocks; ++i)
                    won += strike_block(address(i)).state == BlockState::kLive;
                wins += won;
            });
        for (auto& thread : threads)
            thread.join();
        ASSERT_EQ(wins.load(), kBlocks);
    }
}

// Threads enter neighbouring granules, so that they race for the same new nodes.
TEST(Registry, NothingIsLostWhileNodesAreMade) {
    constexpr int kThreads = 4, kBlocks = 20000;
    auto address = [](int t, int i) {
        return at(0x600000000000 +
                  (static_cast<uintptr_t>(i) * 97 * kThreads + static_cast<uintptr_t>(t)) * kGranule);
    };
    std::vector<std::thread> threads;
    for (int t = 0; t < kThreads; ++t)
        threads.emplace_back([&, t] {
            for (int i = 0; i < kBlocks; ++i)
                EXPECT_TRUE(enter_block(address(t, i),
                                        {kSmallestBlock + static_cast<size_t>(i), BlockSource::kBackend}));
        });
    for (auto& thread : threads)
        thread.join();
    for (int t = 0; t < kThreads; ++t)
        for (int i = 0; i < kBlocks; ++i)
            ASSERT_EQ(find_block(address(t, i)).record.size, kSmallestBlock + static_cast<size_t>(i));
}

TEST(Registry, WithoutMemoryForNodesEnterFailsAndSparesDoNot) {
    SpareNodes spares;
    ASSERT_TRUE(spares.fill());
    os::fail_after(os::Call::kMap, 0);
    bool failed = false;
    uintptr_t address = uintptr_t{1} << 50;
    for (int i = 0; i < 100 && !failed; ++i, address += uintptr_t{1} << 42)
        failed = !enter_block(at(address), {40000, BlockSource::kBackend});
    EXPECT_TRUE(failed);
    EXPECT_TRUE(enter_block(at(address), {40000, BlockSource::kBackend}, spares));
    EXPECT_EQ(find_block(at(address)).state, BlockState::kLive);
    os::fail_none();
}

}  // namespace
}  // namespace tarn
