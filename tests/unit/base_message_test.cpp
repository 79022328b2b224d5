// SPDX-License-Identifier: MIT
// Warnings are one prefixed line; faults are one line that names the fault and the address, then SIGABRT.
#include "base/message.h"

#include <gtest/gtest.h>

#include "collect.h"

using tarn::die;
using tarn::Fault;

TEST(Messages, WarningIsOneLine) {
    EXPECT_EQ(written_to(2, [] { tarn::warn("a", "b", "c", "d", "e"); }), "tarn: abcde\n");
    EXPECT_EQ(written_to(2, [] { tarn::warn("alone"); }), "tarn: alone\n");
}

class Faults : public testing::TestWithParam<std::pair<Fault, const char*>> {};

TEST_P(Faults, FaultNamesItselfAndTheAddressAndAborts) {
    const auto [fault, words] = GetParam();
    void* at = reinterpret_cast<void*>(0x1230);
    EXPECT_EXIT(die(fault, at), testing::KilledBySignal(SIGABRT),
                std::string("^tarn: ") + words + ": 0x1230\n$");
}

INSTANTIATE_TEST_SUITE_P(All, Faults,
                         testing::Values(std::pair{Fault::kDoubleFree, "double free"},
                                         std::pair{Fault::kInsideObject, "pointer into an object"},
                                         std::pair{Fault::kNeverHandedOut, "pointer never handed out"},
                                         std::pair{Fault::kWrongSize, "wrong size"},
                                         std::pair{Fault::kWrongHeap, "pointer of another heap"},
                                         std::pair{Fault::kInternal, "internal error"}));

TEST(Messages, APointerIntoAnObjectEndsInWhoseItIs) {
    void* const mine = reinterpret_cast<void*>(0x40);
    static constinit tarn::Claim claim{
        [](const void* pointer) { return pointer == reinterpret_cast<void*>(0x40) ? "of a part" : nullptr; }};
    for (int again = 0; again < 2; ++again)
        tarn::join_claims(claim);
    EXPECT_DEATH(die(Fault::kInsideObject, mine, "into one of", 64, "bytes"),
                 "^tarn: pointer into an object: 0x40, into one of 64 bytes, of a part\n$");
    EXPECT_DEATH(die(Fault::kInsideObject, reinterpret_cast<void*>(0x50)), "into an object: 0x50\n$");
    EXPECT_DEATH(die(Fault::kDoubleFree, mine), "double free: 0x40\n$");
}

TEST(Messages, DetailAndNumberFollow) {
    void* at = reinterpret_cast<void*>(0x40);
    EXPECT_DEATH(die(Fault::kWrongSize, at, "allocated as", 64, "bytes"),
                 "^tarn: wrong size: 0x40, allocated as 64 bytes\n$");
    EXPECT_DEATH(die(Fault::kDoubleFree, at, "in a bin"), "^tarn: double free: 0x40, in a bin\n$");
}
