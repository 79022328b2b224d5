// SPDX-License-Identifier: MIT
// Batches of plain fields that grow where they are.
#include <gtest/gtest.h>

#include <array>
#include <cstdint>

#include "tarn/batch.hpp"
#include "tarn/metrics.hpp"

namespace {

using Odd = std::array<unsigned char, 3>;
struct alignas(4096) Page {
    unsigned char bytes[4096];
};
using Mixed = tarn::Batch<std::uint8_t, double, Odd, std::uint16_t>;
using Pages = tarn::Batch<std::uint32_t, Page>;

Odd odd(std::size_t i) {
    return {static_cast<unsigned char>(i), static_cast<unsigned char>(i >> 8),
            static_cast<unsigned char>(i >> 16)};
}

// Every row has its own number in all fields.
testing::AssertionResult has_rows(const Mixed& batch, std::size_t count) {
    if (batch.size() != count) return testing::AssertionFailure() << batch.size() << " rows";
    for (std::size_t i = 0; i < count; ++i)
        if (batch.column<0>()[i] != static_cast<std::uint8_t>(i) ||
            batch.column<1>()[i] != static_cast<double>(i) || batch.column<2>()[i] != odd(i) ||
            batch.column<3>()[i] != static_cast<std::uint16_t>(i))
            return testing::AssertionFailure() << "row " << i;
    return testing::AssertionSuccess();
}

TEST(BatchGrowth, KeepsAllRows) {
    Mixed batch;
    for (std::size_t i = 0; i < 1000000; ++i) {
        const std::size_t before = batch.capacity();
        batch.emplace_back(static_cast<std::uint8_t>(i), static_cast<double>(i), odd(i),
                           static_cast<std::uint16_t>(i));
        if (batch.capacity() != before) {
            ASSERT_TRUE(has_rows(batch, i + 1));
        }
        ASSERT_EQ(reinterpret_cast<std::uintptr_t>(batch.column<3>().data()) % 64, 0u);
    }
    batch.reserve(1500000);  // not twice as many
    EXPECT_TRUE(has_rows(batch, 1000000));
    batch.shrink_to_fit();
    EXPECT_TRUE(has_rows(batch, 1000000));
    batch.reserve(1000001);
    EXPECT_TRUE(has_rows(batch, 1000000));
    EXPECT_THROW(batch.reserve(SIZE_MAX / 64), std::bad_alloc);
    EXPECT_TRUE(has_rows(batch, 1000000));
}

TEST(BatchGrowth, KeepsAlignment) {
    Pages batch;
    for (std::uint32_t i = 0; i < 3000; ++i) {
        batch.emplace_back(i, Page{{static_cast<unsigned char>(i)}});
        ASSERT_EQ(reinterpret_cast<std::uintptr_t>(&batch.column<1>()[0]) % 4096, 0u);
    }
    for (std::uint32_t i = 0; i < 3000; ++i)
        ASSERT_TRUE(batch.column<0>()[i] == i &&
                    batch.column<1>()[i].bytes[0] == static_cast<unsigned char>(i));
}

// No second block beside the one that grows.
TEST(BatchGrowth, TakesTheMemoryOfOneBlock) {
    tarn::Metrics metrics;
    {
        const tarn::MetricsScope scope(metrics, tarn::MetricsMode::kExact);
        tarn::Batch<double, std::uint64_t> batch;
        for (std::uint64_t i = 0; i < (1 << 20); ++i)
            batch.emplace_back(1.0, i);
    }
    EXPECT_GE(metrics.peak_bytes, 16u << 20);
    EXPECT_LT(metrics.peak_bytes, 20u << 20);
}

}  // namespace
