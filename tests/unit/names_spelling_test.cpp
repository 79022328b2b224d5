// SPDX-License-Identifier: MIT
// Which names are an option but for a slip, and which are somebody else's.
#include "names/spelling.h"

#include <gtest/gtest.h>

#include <string>

namespace {

bool misspelt(const std::string& name, const char* option) {
    return tarn::misspelt(name.data(), name.size(), option);
}

TEST(Spelling, OneLetterTooManyTooFewWrongOrExchanged) {
    for (const char* slip : {"REGIONS", "XREGION", "REGON", "EGION", "REGIEN", "REIGON", "REGINO"})
        EXPECT_TRUE(misspelt(slip, "REGION")) << slip;
}

TEST(Spelling, TwoSlipsInAShortWordAreAnotherWord) {
    for (const char* other : {"REGIOSS", "RGON", "ERGINO", "REASON", "LEGEND"})
        EXPECT_FALSE(misspelt(other, "REGION")) << other;
}

TEST(Spelling, TwoSlipsInAWordOfEightLettersLeaveNoDoubt) {
    EXPECT_TRUE(misspelt("HARDEN", "HARDENED"));
    EXPECT_FALSE(misspelt("HARDE", "HARDENED"));
    EXPECT_FALSE(misspelt("VERBO", "VERBOSE")) << "a word of seven";
}

TEST(Spelling, OneSlipInEachOfTwoWords) {
    EXPECT_TRUE(misspelt("STAT_FILES", "STATS_FILE"));
    EXPECT_FALSE(misspelt("STA_FILE", "STATS_FILE")) << "two in one short word";
    EXPECT_FALSE(misspelt("KEPP_DEPBINDS", "KEEP_DEEPBIND")) << "three in all";
}

TEST(Spelling, CaseIsNoSlip) {
    EXPECT_TRUE(misspelt("dirty", "DIRTY"));
    EXPECT_TRUE(misspelt("ditry", "DIRTY"));
}

TEST(Spelling, ALineBetweenWordsMayBeMissingOrTooMany) {
    EXPECT_TRUE(misspelt("STATSFILE", "STATS_FILE"));
    EXPECT_TRUE(misspelt("MAP__FROM", "MAP_FROM"));
    EXPECT_TRUE(misspelt("DIRTY_", "DIRTY"));
}

TEST(Spelling, MoreOrFewerWordsAreAnotherName) {
    EXPECT_FALSE(misspelt("STATS", "STATS_FILE"));
    EXPECT_FALSE(misspelt("STATS_FILE_NAME", "STATS_FILE"));
}

TEST(Spelling, WordsOfTheirOwnAreNobodysSlip) {
    for (const char* own : {"STATE", "state", "STATUS", "STATES", "STATUS_FILE", "STATE_FILE"}) {
        EXPECT_FALSE(misspelt(own, "STATS")) << own;
        EXPECT_FALSE(misspelt(own, "STATS_FILE")) << own;
    }
}

TEST(Spelling, OnlyAsManyLettersAsAreSaidAreLookedAt) {
    EXPECT_TRUE(tarn::misspelt("DIRT=unterminated", 4, "DIRTY"));
    EXPECT_FALSE(tarn::misspelt("DIRT=unterminated", 17, "DIRTY"));
}

TEST(Spelling, EmptyAndEndlessNamesAreNoSlips) {
    EXPECT_FALSE(misspelt("", "DIRTY"));
    const std::string longest(32, 'A');
    EXPECT_TRUE(misspelt(longest, longest.substr(1).c_str()));
    EXPECT_FALSE(misspelt(longest + 'A', longest.c_str())) << "longer than what is looked at";
    EXPECT_FALSE(misspelt(std::string(4000, '_'), "DIRTY"));
}

}  // namespace
