// SPDX-License-Identifier: MIT
// Seals: whole as they are put, broken by any change of any byte, and never the program's own bytes.
#include "base/seal.h"

#include <gtest/gtest.h>

#include <cstring>
#include <set>

namespace tarn {
namespace {

constexpr size_t kSlot = 64;

struct Seal : testing::Test {
    Seal() { make_seal_secret(); }
    alignas(16) char slot[kSlot + 16] = {};
};

TEST_F(Seal, ItLeavesTheObjectAndWhatLiesBehindTheSlot) {
    for (size_t asked = 1; asked <= kSlot; ++asked) {
        memset(slot, 'x', sizeof slot);
        put_seal(slot, asked, kSlot);
        for (size_t i = 0; i < asked; ++i)
            ASSERT_EQ(slot[i], 'x') << asked << " " << i;
        for (size_t i = asked; i < kSlot; ++i)
            ASSERT_NE(slot[i], 'x') << asked << " " << i;
        for (size_t i = kSlot; i < sizeof slot; ++i)
            ASSERT_EQ(slot[i], 'x') << asked << " " << i;
    }
}

TEST_F(Seal, EachChangedByteIsNamed) {
    for (size_t asked = 1; asked <= kSlot; ++asked) {
        put_seal(slot, asked, kSlot);
        ASSERT_EQ(broken_at(slot, asked, kSlot), kSlot) << asked;
        for (size_t i = asked; i < kSlot; ++i)
            for (unsigned bit = 0; bit < 8; ++bit) {
                slot[i] = static_cast<char>(slot[i] ^ 1 << bit);
                ASSERT_EQ(broken_at(slot, asked, kSlot), i) << asked << " " << bit;
                slot[i] = static_cast<char>(slot[i] ^ 1 << bit);
            }
        for (size_t i = 0; i < asked; ++i) {
            slot[i] = static_cast<char>(~slot[i]);
            ASSERT_EQ(broken_at(slot, asked, kSlot), kSlot) << "the object's own bytes may change";
        }
    }
}

TEST_F(Seal, NoByteIsOneThatTextOrRowsOfOnesEndWith) {
    std::set<uint64_t> seen;
    for (size_t i = 0; i < 10000; ++i) {
        const uint64_t seal = seal_of(reinterpret_cast<const void*>(0x7f0000000000 + 16 * i));
        seen.insert(seal);
        for (int byte = 0; byte < 8; ++byte) {
            const unsigned value = seal >> 8 * byte & 0xff;
            ASSERT_TRUE(value >= 0x80 && value % 2 == 0) << std::hex << seal;
        }
    }
    EXPECT_GT(seen.size(), 9990u) << "each object has another one";
}

TEST_F(Seal, ZerosAreTold) {
    alignas(16) char bytes[256] = {};
    for (size_t length = 16; length <= sizeof bytes; length += 16) {
        ASSERT_TRUE(is_zero(bytes, length));
        for (size_t i = 0; i < sizeof bytes; ++i) {
            bytes[i] = 1;
            ASSERT_EQ(is_zero(bytes, length), i >= length) << length << " " << i;
            bytes[i] = 0;
        }
    }
}

}  // namespace
}  // namespace tarn
