// SPDX-License-Identifier: MIT
// How a table begins and how it is searched: the block that a small one is, and text of every length.
#include <gtest/gtest.h>

#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "tarn/interner.hpp"
#include "tarn/tarn.h"

namespace {

using tarn::CountedInterner;
using tarn::CountedSymbol;
using tarn::Interner;
using tarn::KeywordSet;
using tarn::Symbol;

uint64_t live_blocks() {
    tarn_stats stats;
    EXPECT_EQ(tarn_stats_get(&stats, sizeof stats), 0);
    return stats.live_objects;
}

// The table, and the lines in which this thread counts its requests.
TEST(SmallTable, IsTwoBlocks) {
    static constexpr std::string_view kNames[] = {"variable_name0", "variable_name1", "variable_name2",
                                                  "variable_name3", "variable_name4", "variable_name5",
                                                  "variable_name6", "variable_name7", "variable_name8"};
    { Interner first; }                          // what is fetched once
    for (int round = 0; round < 100; ++round) {  // hashes differ each time
        const uint64_t before = live_blocks();
        Interner table;
        EXPECT_EQ(live_blocks() - before, 1u);
        // Six are not too many for a part, even if all of them fall into the same.
        for (int strings = 0; strings < 6; ++strings)
            table.intern(kNames[strings]);
        EXPECT_EQ(live_blocks() - before, 2u);
        for (const std::string_view name : kNames)
            EXPECT_EQ(table.intern(name).text(), name);
        EXPECT_LE(live_blocks() - before, 4u);  // an array, if more than six did: nearly never
    }
}

TEST(SmallTable, GrowsOutOfItsBlock) {
    for (const uint32_t shards : {1u, 2u, 8u, 16u})
        for (const size_t expected : {size_t{0}, size_t{30}, size_t{200}}) {
            Interner table(
                {.keywords = KeywordSet::template_language(), .expected = expected, .shards = shards});
            std::vector<Symbol> all;
            for (int i = 0; i < 300; ++i) {
                all.push_back(table.intern(std::to_string(i)));
                ASSERT_EQ(table.size(), TARN_TEMPLATE_KEYWORDS + all.size());
                for (int k = 0; k <= i; ++k)
                    ASSERT_EQ(table.find(std::to_string(k)), all[k]) << k << " of " << i;
            }
            for (int k = 0; k < 300; ++k)
                EXPECT_EQ(all[k].text(), std::to_string(k));
            for (int k = 0; k < TARN_TEMPLATE_KEYWORDS; ++k)
                EXPECT_EQ(table.intern(table.keyword(k).text()).keyword(), k);
        }
}

// A text that does not fit into the room of the table's block leaves that to others.
TEST(SmallTable, LongTextGoesElsewhere) {
    Interner table;
    const std::string text(1000, 'x');
    const Symbol longer = table.intern(text);
    const auto in_block = [&](Symbol symbol) {
        const auto at = reinterpret_cast<uintptr_t>(symbol.c_str());
        return at - reinterpret_cast<uintptr_t>(table.handle()) < 2048;
    };
    EXPECT_EQ(longer.text(), text);
    EXPECT_FALSE(in_block(longer));
    // One that falls into the part of the long text may be beside that; not all of them do.
    int briefs_in_block = 0;
    for (int i = 0; i < 10; ++i)
        briefs_in_block += in_block(table.intern(std::to_string(i)));
    EXPECT_GT(briefs_in_block, 0);
}

TEST(SmallTable, CountedStringsComeAndGo) {
    CountedInterner table({.shards = 1});
    for (const int strings : {3, 7, 100, 7, 3})
        for (int round = 0; round < 3; ++round) {
            std::vector<CountedSymbol> held;
            for (int i = 0; i < strings; ++i)
                held.push_back(table.intern(std::to_string(i)));
            EXPECT_EQ(table.size(), static_cast<size_t>(strings));
            for (int i = 0; i < strings; ++i)
                EXPECT_EQ(table.find(std::to_string(i)), held[i]);
            held.clear();
            EXPECT_EQ(table.size(), 0u);
        }
}

// Of each length, texts that differ in one byte, wherever it is, are different; and each is found again.
// So many of them that some agree in all that is looked at before the text is.
TEST(Search, EveryByteOfEveryLengthCounts) {
    for (size_t length = 0; length < 90; ++length) {
        Interner table({.shards = 1});
        std::vector<std::pair<std::string, Symbol>> all;
        const auto add = [&](const std::string& text) { all.emplace_back(text, table.intern(text)); };
        add(std::string(length, 'a'));
        for (size_t at = 0; at < length; ++at)
            for (const char byte : std::string_view("\0bcdefghijklmnopqrstuvwxyz\x80\xff", 28)) {
                std::string text(length, 'a');
                text[at] = byte;
                add(text);
            }
        std::set<const void*> addresses;
        for (const auto& [text, symbol] : all) {
            ASSERT_EQ(symbol.text(), text);
            ASSERT_EQ(table.intern(text), symbol);
            addresses.insert(symbol.handle());
        }
        ASSERT_EQ(addresses.size(), all.size()) << length;
    }
}

// Texts that begin alike and have different lengths; the longer ones first, so that a shorter one is what a
// longer one begins with.
TEST(Search, LengthsCount) {
    Interner table({.shards = 1});
    const std::string zeros(3000, '\0');
    std::vector<Symbol> all(zeros.size());
    for (size_t length = zeros.size(); length-- > 0;)
        all[length] = table.intern(std::string_view(zeros).substr(0, length));
    for (size_t length = 0; length < zeros.size(); ++length) {
        ASSERT_EQ(all[length].size(), length);
        ASSERT_EQ(table.intern(std::string_view(zeros).substr(0, length)), all[length]);
    }
}

}  // namespace
