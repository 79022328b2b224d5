// SPDX-License-Identifier: MIT
// scan.hpp: sets, texts, ranges and the hash, against plain C++ on random input; threads that scan at once.
#include "tarn/scan.hpp"
#include "thread_sanitizer.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <random>
#include <string>
#include <thread>
#include <unordered_map>
#include <unordered_set>
#include <vector>

namespace {

using tarn::ByteSet;
using tarn::Fields;
using tarn::Lines;
using tarn::PaddedText;

constexpr ByteSet kVowels("aeiou");
static_assert(kVowels.contains('e') && !kVowels.contains('b') && (~kVowels).contains('\xff'));
static_assert((kVowels | ByteSet("b")) == ByteSet("bouiea") && !(kVowels == ByteSet("aeio")));
static_assert(std::ranges::forward_range<Fields> && std::ranges::view<Fields>);
static_assert(std::ranges::forward_range<Lines> && std::ranges::view<Lines>);

std::string random_text(std::mt19937_64& random, std::size_t most, std::string_view letters) {
    std::string text(random() % (most + 1), ' ');
    for (char& letter : text)
        letter = letters[random() % letters.size()];
    return text;
}

template <typename Range>
std::vector<std::string> collected(Range&& range) {
    std::vector<std::string> pieces;
    for (const std::string_view piece : range)
        pieces.emplace_back(piece);
    return pieces;
}

TEST(ByteSet, IsTheSameAsInC) {
    for (int i = 0; i < 256; ++i) {
        const char byte = static_cast<char>(i);
        tarn_byte_set set;
        tarn_byte_set_make(&set, &byte, 1);
        EXPECT_TRUE(std::ranges::equal(set.rows, ByteSet(std::string_view(&byte, 1)).get()->rows));
    }
}

TEST(Scan, FindsWhatTheStandardLibraryFinds) {
    const unsigned seed = std::random_device()();
    SCOPED_TRACE("seed " + std::to_string(seed));
    std::mt19937_64 random(seed);
    for (int i = 0; i < 20000; ++i) {
        const std::string text = random_text(random, 200, "abcdefghijklmnop,;\n");
        const std::string_view view = text;
        const std::string set = random_text(random, 10, "abcdef,;\n");
        const auto end = [&](std::size_t at) { return at == view.npos ? view.size() : at; };
        ASSERT_EQ(tarn::find_any(view, ByteSet(set)), end(view.find_first_of(set)));
        ASSERT_EQ(tarn::find_not(view, ByteSet(set)), end(view.find_first_not_of(set)));
        ASSERT_EQ(tarn::find_byte(view, 'c'), end(view.find('c')));
        ASSERT_EQ(tarn::find_newline(view), end(view.find('\n')));
        ASSERT_EQ(tarn::count_byte(view, 'c'), static_cast<std::size_t>(std::ranges::count(view, 'c')));
        std::string other = text.substr(0, random() % (text.size() + 1));
        if (!other.empty()) other[random() % other.size()] = 'c';
        const auto where = std::mismatch(view.begin(), view.end(), other.begin(), other.end()).first;
        ASSERT_EQ(tarn::mismatch(view, other), static_cast<std::size_t>(where - view.begin()));
        ASSERT_EQ(tarn::compare(view, other), view <=> std::string_view(other));
        ASSERT_EQ(tarn::equal(view, other), text == other);
    }
}

TEST(Scan, MarksEveryByteOfASet) {
    const std::string text = std::string(63, 'a') + ";;" + std::string(70, 'b') + ";";
    std::array<std::uint64_t, 3> marks;
    tarn::mark_any(text, ByteSet(";"), marks);
    EXPECT_EQ(marks, (std::array<std::uint64_t, 3>{std::uint64_t{1} << 63, 1, std::uint64_t{1} << 7}));
    tarn::mark_any(text, ByteSet("ab"), marks);
    EXPECT_EQ(marks[0], ~std::uint64_t{0} >> 1);
    EXPECT_EQ(marks[1], ~std::uint64_t{1});
    EXPECT_EQ(marks[2], 0x7fu);
}

TEST(Scan, PaddedTextIsScannedFromAnyPosition) {
    tarn::AlignedBuffer<char> buffer;
    for (int i = 0; i < 500; ++i)
        buffer.append(std::string(static_cast<std::size_t>(i % 7), 'x') + ",");
    const PaddedText text(buffer);
    for (std::size_t from = 0; from <= text.size(); ++from) {
        ASSERT_EQ(tarn::find_byte(text.from(from), ','), tarn::find_byte(buffer.view().substr(from), ','));
        ASSERT_EQ(tarn::find_any(text.from(from), ","), tarn::find_any(buffer.view().substr(from), ","));
        ASSERT_EQ(tarn::find_not(text.from(from), "x"), tarn::find_not(buffer.view().substr(from), "x"));
    }
    EXPECT_EQ(tarn::find_byte(PaddedText(tarn::AlignedBuffer<char>()), 'a'), 0u);
}

TEST(Scan, SkipsBlanks) {
    EXPECT_EQ(tarn::skip_blanks(" \t\r\n x "), "x ");
    EXPECT_EQ(tarn::skip_blanks(" \t\r\n x ", TARN_BLANKS_IN_LINE), "\r\n x ");
    EXPECT_EQ(tarn::skip_blanks("x"), "x");
    EXPECT_EQ(tarn::skip_blanks(""), "");
    EXPECT_EQ(tarn::skip_blanks(std::string(100, ' ')), "");
}

TEST(Fields, AreThePiecesBetweenSeparators) {
    using Pieces = std::vector<std::string>;
    EXPECT_EQ(collected(Fields("a,b;;c", ",;")), (Pieces{"a", "b", "", "c"}));
    EXPECT_EQ(collected(Fields("", ",")), (Pieces{""}));
    EXPECT_EQ(collected(Fields(",", ",")), (Pieces{"", ""}));
    EXPECT_EQ(collected(Fields("abc", "")), (Pieces{"abc"}));
    EXPECT_EQ(std::ranges::distance(Fields("a,b,c,", ",")), 4);
    const Fields fields("a,b", ",");
    auto at = fields.begin();
    const auto before = at++;
    EXPECT_EQ(*before, "a");
    EXPECT_EQ(*at, "b");
    EXPECT_NE(at, before);
    EXPECT_EQ(++at, fields.end());
}

TEST(Fields, JoinedAreTheText) {
    std::mt19937_64 random(7);
    for (int i = 0; i < 3000; ++i) {
        const std::string text = random_text(random, 100, "ab,");
        std::string joined;
        for (const std::string_view field : Fields(text, ",")) {
            ASSERT_EQ(field.find(','), field.npos);
            joined.append(field).append(",");
        }
        joined.pop_back();
        ASSERT_EQ(joined, text);
    }
}

TEST(Lines, EndAtLineFeeds) {
    using Pieces = std::vector<std::string>;
    EXPECT_EQ(collected(Lines("a\nb\r\n\nc")), (Pieces{"a", "b", "", "c"}));
    EXPECT_EQ(collected(Lines("a\n")), (Pieces{"a"}));
    EXPECT_EQ(collected(Lines("")), (Pieces{}));
    EXPECT_EQ(collected(Lines("\n\r\n\r")), (Pieces{"", "", "\r"}));
    EXPECT_EQ(std::ranges::distance(Lines("1\n2\n3")), 3);
}

TEST(Hash, ServesUnorderedContainers) {
    std::unordered_map<std::string, int, tarn::Hash, std::equal_to<>> map;
    for (int i = 0; i < 10000; ++i)
        map["key " + std::to_string(i)] = i;
    EXPECT_EQ(map.find(std::string_view("key 4711"))->second, 4711);
    EXPECT_EQ(map.find(std::string_view("key")), map.end());
}

// Of n keys into 2^32 values, n * n / 2^33 collide by chance.
template <typename MakeKey>
void expect_few_collisions(MakeKey make_key) {
    constexpr std::uint64_t kKeys = 300000;
    std::unordered_set<std::uint32_t> low, high;
    for (std::uint64_t i = 0; i < kKeys; ++i) {
        const std::uint64_t hash = tarn::hash(make_key(i));
        low.insert(static_cast<std::uint32_t>(hash));
        high.insert(static_cast<std::uint32_t>(hash >> 32));
    }
    EXPECT_GT(low.size(), kKeys - 40);  // 10.5 expected
    EXPECT_GT(high.size(), kKeys - 40);
}

TEST(Hash, SpreadsSimilarKeys) {
    expect_few_collisions([](std::uint64_t i) { return std::to_string(i); });
    expect_few_collisions(
        [](std::uint64_t i) { return "a rather long name with a number " + std::to_string(i); });
    expect_few_collisions(
        [](std::uint64_t i) { return std::string(reinterpret_cast<const char*>(&i), sizeof i); });
    expect_few_collisions(
        [](std::uint64_t i) { return std::string(i % 600, 'x') + std::to_string(i / 600); });
    expect_few_collisions(
        [](std::uint64_t i) { return std::string(100, '\0') + std::to_string(i) + std::string(90, '\0'); });
}

TEST(Scan, ServesManyThreadsFromTheFirstCallOn) {
    const std::string text = std::string(1000, 'x') + "," + std::string(100, 'y');
    std::atomic<int> wrong{0};
    std::vector<std::thread> threads;
    for (int i = 0; i < 4; ++i)
        threads.emplace_back([&, i] {
            for (int turn = 0; turn < 2000; ++turn) {
                if (i == 0) tarn_scan_select(turn % 2 ? "scalar" : nullptr);
                wrong += tarn::find_any(text, ",;") != 1000 || tarn::count_byte(text, 'y') != 100;
            }
        });
    for (std::thread& thread : threads)
        thread.join();
    EXPECT_EQ(wrong, 0);
    tarn_scan_select(nullptr);
}

}  // namespace
