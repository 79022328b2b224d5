// SPDX-License-Identifier: MIT
// What a supply of memory had better keep, from what it gave back and was asked for again.
#include "base/missed.h"

#include <gtest/gtest.h>

using Missed = tarn::Missed<size_t>;

TEST(Missed, WhatWasNeverGivenBackIsNotMissed) {
    Missed missed;
    missed.asked(100, 1000);
    EXPECT_EQ(missed.worth_keeping(), 0u);
}

TEST(Missed, WhatIsNotAskedForAgainIsNotWorthKeeping) {
    Missed missed;
    missed.returned(100);
    EXPECT_EQ(missed.worth_keeping(), 0u);
}

TEST(Missed, WhatIsAskedForAgainIsAsMuchAsWasAway) {
    Missed missed;
    missed.returned(100);
    missed.asked(30, 1000);
    EXPECT_EQ(missed.worth_keeping(), 30u);
    missed.asked(200, 1000);
    EXPECT_EQ(missed.worth_keeping(), 100u);
    missed.asked(200, 1000);
    EXPECT_EQ(missed.worth_keeping(), 100u) << "all of it has come back by now";
}

TEST(Missed, EachRoundIsMissedAnew) {
    Missed missed;
    for (size_t round = 1; round <= 5; ++round) {
        missed.returned(10);
        missed.asked(10, 1000);
        EXPECT_EQ(missed.worth_keeping(), 10 * round);
    }
}

TEST(Missed, NoMoreThanTheMostEvenWhenTheMostFalls) {
    Missed missed;
    missed.returned(100);
    missed.asked(80, 50);
    EXPECT_EQ(missed.worth_keeping(), 50u);
    missed.asked(0, 20);
    EXPECT_EQ(missed.worth_keeping(), 20u);
}

TEST(Missed, WhatIsNotNeededGoesDownToNothing) {
    Missed missed;
    missed.returned(100);
    missed.asked(100, 1000);
    missed.not_needed(40);
    EXPECT_EQ(missed.worth_keeping(), 60u);
    missed.not_needed(SIZE_MAX);
    EXPECT_EQ(missed.worth_keeping(), 0u);
}
