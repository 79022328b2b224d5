// SPDX-License-Identifier: MIT
// What CowString promises: what it does not copy (by its counters), pieces, containers, memory running out.
#include "tarn/cow_string.hpp"

#include <gtest/gtest.h>
#include <sys/mman.h>
#include <sys/resource.h>

#include <map>
#include <string>
#include <unordered_map>
#include <vector>

namespace {

using tarn::CowString;
using namespace tarn::literals;

const std::string kLong = "The quick brown fox jumps over the lazy dog, again and again.";

// What happened since it was made.
class Counted {
  public:
    void expect(std::uint64_t copies, std::uint64_t bytes, std::uint64_t avoided,
                std::uint64_t not_copied) const {
        const tarn_string_counters now = CowString::counters();
        EXPECT_EQ(now.copies - before_.copies, copies);
        EXPECT_EQ(now.bytes_copied - before_.bytes_copied, bytes);
        EXPECT_EQ(now.copies_avoided - before_.copies_avoided, avoided);
        EXPECT_EQ(now.bytes_not_copied - before_.bytes_not_copied, not_copied);
    }

  private:
    tarn_string_counters before_ = CowString::counters();
};

TEST(CowString, CopiesOfAHandleShare) {
    const CowString text(kLong);
    const Counted counted;
    const std::vector<CowString> copies(10, text);
    EXPECT_EQ(copies.back().data(), text.data());
    EXPECT_EQ(text.use_count(), 11u);
    const CowString part = text.substr(4, 15);
    EXPECT_EQ(part, "quick brown fox");
    EXPECT_EQ(part.data(), text.data() + 4);
    counted.expect(0, 0, 11, 10 * kLong.size() + 15);
}

TEST(CowString, WritingCopiesOnceIfShared) {
    CowString text(kLong);
    const Counted alone;
    text.edit()[0] = 't';
    text = std::move(text).upper();
    alone.expect(0, 0, 0, 0);
    const CowString old = text;
    const Counted shared;
    text.edit()[0] = 'x';
    text.edit()[1] = 'y';
    shared.expect(1, kLong.size(), 0, 0);
    EXPECT_EQ(old[0], 'T');
    EXPECT_EQ(old.use_count(), 1u);
}

TEST(CowString, NothingIsCopiedWhereNothingChanges) {
    const CowString text("t" + kLong.substr(1));
    const Counted counted;
    EXPECT_EQ(text.lower().data(), text.data());
    EXPECT_EQ(text.replace("absent", "x").data(), text.data());
    EXPECT_EQ(text.replace("dog", "dog").data(), text.data());
    EXPECT_EQ(text.replace("", "x").data(), text.data());
    EXPECT_EQ(text.trim().data(), text.data());
    EXPECT_EQ(text.own().data(), text.data());
    EXPECT_EQ((text + CowString()).data(), text.data());
    EXPECT_EQ((CowString() + text).data(), text.data());
    CowString empty;
    EXPECT_EQ(empty.append(text).data(), text.data());
    counted.expect(0, 0, 9, 9 * kLong.size());
}

TEST(CowString, ChangesCopyExactlyTheirResult) {
    const CowString text(kLong);
    const Counted counted;
    EXPECT_EQ(text.replace("again", "no").size(), kLong.size() - 6);
    EXPECT_EQ(text.upper().size(), kLong.size());
    EXPECT_EQ((text + " More.").size(), kLong.size() + 6);
    counted.expect(3, 3 * kLong.size(), 1, 6);  // " More." is borrowed for the sum
}

TEST(CowString, BorrowedTextIsCopiedWhenWrittenOnly) {
    const Counted counted;
    CowString text = CowString::borrow(kLong);
    const CowString part = text.substr(4, 5);
    EXPECT_TRUE(text.is_borrowed() && part.is_borrowed());
    EXPECT_EQ(part.data(), kLong.data() + 4);
    counted.expect(0, 0, 2, kLong.size() + 5);
    text += "!";
    EXPECT_FALSE(text.is_borrowed());
    EXPECT_EQ(kLong + "!", text);
    counted.expect(1, kLong.size() + 1, 2, kLong.size() + 5);
    const CowString own = part.own();
    EXPECT_TRUE(own.is_short());
    counted.expect(2, kLong.size() + 6, 2, kLong.size() + 5);
}

TEST(CowString, TerminatedTextNeedsNoCopyForCStr) {
    const Counted counted;
    CowString literal = "a literal that is longer than 22 bytes"_cow;
    EXPECT_EQ(literal.c_str(), literal.data());
    CowString tail = literal.substr(2);
    EXPECT_STREQ(tail.c_str(), "literal that is longer than 22 bytes");
    counted.expect(0, 0, 2, 2 * literal.size() - 2);
    CowString head = literal.substr(0, 30);
    EXPECT_STREQ(head.c_str(), "a literal that is longer than ");
    counted.expect(1, 30, 3, 2 * literal.size() - 2 + 30);
    const char with_nul[] = "ab\0cd";
    EXPECT_EQ((CowString::borrow({with_nul, 5}).size()), 5u);
    EXPECT_EQ("ab\0cd"_cow.size(), 5u);
}

TEST(CowString, CStrTerminatesInPlaceWhenAlone) {
    CowString text = CowString(kLong).substr(0, 30);
    EXPECT_EQ(text.use_count(), 1u);
    const Counted counted;
    EXPECT_EQ(text.c_str(), text.data());
    EXPECT_EQ(text.c_str(), kLong.substr(0, 30));
    counted.expect(0, 0, 0, 0);
    CowString whole(kLong), half = whole.substr(0, 31);
    EXPECT_EQ(whole.c_str(), whole.data());
    EXPECT_EQ(half.c_str(), kLong.substr(0, 31));
    EXPECT_EQ(whole, kLong);  // not cut short
}

TEST(CowString, AppendsGrowInPlaceWithAmortisedCopies) {
    CowString text;
    const Counted counted;
    std::string model;
    for (int i = 0; i < 100000; ++i) {
        text.push_back(static_cast<char>('a' + i % 26));
        model.push_back(static_cast<char>('a' + i % 26));
    }
    EXPECT_EQ(text, model);
    const auto grown = CowString::counters().bytes_copied;
    CowString reserved;
    reserved.reserve(100000);
    const Counted after_reserve;
    for (int i = 0; i < 1000; ++i)
        reserved.append(std::string_view(model).substr(0, 100));
    after_reserve.expect(1000, 100000, 0, 0);
    const auto before = CowString::counters().bytes_copied;
    EXPECT_EQ(before - grown, 100000u);
    CowString again;
    for (int i = 0; i < 100000; ++i)
        again.push_back('x');
    const auto moved = CowString::counters().bytes_copied - before;
    EXPECT_GT(moved, 50000u);  // the last time that it grew
    EXPECT_LT(moved, 2 * 100000u);
}

TEST(CowString, ABytePushedIsNoCopyWhereThereIsRoom) {
    CowString text;
    const Counted counted;
    for (std::size_t length = 0; length < CowString::kShort; ++length) {
        EXPECT_EQ(text, kLong.substr(0, length));
        text += kLong[length];
        EXPECT_TRUE(text.is_short());
    }
    counted.expect(0, 0, 0, 0);
    text.push_back(kLong[CowString::kShort]);
    EXPECT_EQ(text, kLong.substr(0, CowString::kShort + 1));
    counted.expect(1, CowString::kShort, 0, 0);
    text.push_back('\xff');
    counted.expect(1, CowString::kShort, 0, 0);
    EXPECT_EQ(text, kLong.substr(0, CowString::kShort + 1) + '\xff');
    EXPECT_STREQ(text.c_str(), std::string(text.view()).c_str());
    EXPECT_EQ(text.use_count(), 1u);
}

TEST(CowString, AByteIsPushedToACopyOfWhatIsNotItsOwn) {
    CowString text(kLong);
    const CowString shared = text;
    const Counted counted;
    text.push_back('!');
    counted.expect(1, kLong.size(), 0, 0);
    EXPECT_EQ(text, kLong + "!");
    EXPECT_EQ(shared, kLong);
    for (const std::string_view literal :
         {"a", "abcdefghijk", "abcdefghijkl", "0123456789012345678901234567"}) {
        CowString borrowed = CowString::borrow(literal);
        borrowed.push_back('!');
        EXPECT_EQ(borrowed, std::string(literal) + "!");
        EXPECT_FALSE(borrowed.is_borrowed());
    }
    CowString part = CowString(kLong).substr(0, 30);  // alone, and there is room behind it
    part.push_back('!');
    EXPECT_EQ(part, kLong.substr(0, 30) + "!");
}

// Whole words are read: but none before or behind the text, which may be all that can be read.
TEST(CowString, ShortTextIsCopiedFromEitherEndOfMemory) {
    constexpr std::size_t kPage = 4096;
    void* const memory = mmap(nullptr, 3 * kPage, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    ASSERT_NE(memory, MAP_FAILED);
    char* const page = static_cast<char*>(memory) + kPage;
    ASSERT_EQ(mprotect(page, kPage, PROT_READ | PROT_WRITE), 0);
    for (std::size_t i = 0; i < kPage; ++i)
        page[i] = static_cast<char>(i * 7 + 200);
    for (std::size_t length = 0; length <= 30; ++length)
        for (const char* text : {page, page + kPage - length}) {
            const std::string_view view(text, length);
            CowString copy(view);
            EXPECT_EQ(copy, view);
            for (std::size_t first = 0; first <= length; ++first)
                EXPECT_EQ(copy.substr(first), view.substr(first));
            copy.push_back('x');  // behind a short text there must be zeros
            EXPECT_EQ(copy, std::string(view) + "x");
        }
    munmap(memory, 3 * kPage);
}

TEST(CowString, EveryOccurrenceIsReplaced) {
    for (std::size_t count = 0; count <= 40; ++count) {
        std::string text = "<", model = "<";
        for (std::size_t i = 0; i < count; ++i)
            text.append("abx ab-"), model.append("Q ab-");
        EXPECT_EQ(CowString(text).replace("abx", "Q"), model) << count;
        EXPECT_EQ(CowString(text).replace("abx", "").size(), 1 + 4 * count);
    }
}

TEST(CowString, ShortStringsAreKeptInside) {
    static_assert(sizeof(CowString) == 24 && CowString::kShort == 22);
    for (std::size_t length = 0; length <= 40; ++length) {
        const std::string model = kLong.substr(0, length);
        CowString text(model);
        EXPECT_EQ(text.is_short(), length <= 22);
        EXPECT_EQ(text.use_count(), length <= 22 ? 0u : 1u);
        EXPECT_STREQ(text.c_str(), model.c_str());
        const CowString moved = std::move(text);
        EXPECT_EQ(moved, model);
        EXPECT_TRUE(text.empty());
    }
}

std::vector<std::string> pieces(const std::string& text, std::string_view separator) {
    std::vector<std::string> result;
    for (const CowString& piece : CowString(text).split(separator))
        result.emplace_back(piece);
    std::vector<std::string> views;
    for (std::string_view piece : CowString(text).split_views(separator))
        views.emplace_back(piece);
    EXPECT_EQ(result, views);
    return result;
}

TEST(CowString, SplitGivesEveryPiece) {
    using V = std::vector<std::string>;
    EXPECT_EQ(pieces("", ","), V{""});
    EXPECT_EQ(pieces(",", ","), (V{"", ""}));
    EXPECT_EQ(pieces("a,b,,c,", ","), (V{"a", "b", "", "c", ""}));
    EXPECT_EQ(pieces("a::b:c:::d", "::"), (V{"a", "b:c", ":d"}));
    EXPECT_EQ(pieces("abc", ""), V{"abc"});
    EXPECT_EQ(pieces(kLong, " ").size(), 12u);
    static_assert(std::forward_iterator<decltype(CowString().split(",").begin())>);
}

TEST(CowString, SplitIsLazyAndCopiesNothing) {
    const CowString text(kLong);
    const Counted counted;
    const auto range = text.split(" ");
    EXPECT_EQ(*range.begin(), "The");
    EXPECT_EQ(*std::next(range.begin(), 3), "fox");
    counted.expect(0, 0, 3, kLong.size() + 6);
}

TEST(CowString, PiecesOutliveTheirString) {
    std::vector<CowString> words;
    {
        const CowString text(kLong);
        for (CowString word : text.split(" "))
            words.push_back(std::move(word));
    }
    EXPECT_EQ(words[3], "fox");
    EXPECT_EQ(words[3].use_count(), words.size());
    EXPECT_TRUE(words[3].own().is_short());
}

TEST(CowString, MixesWithViewsInContainers) {
    std::unordered_map<CowString, int, tarn::CowStringHash, std::equal_to<>> counts;
    for (CowString word : CowString("to be or not to be").split(" "))
        ++counts[word];
    EXPECT_EQ(counts.find(std::string_view("to"))->second, 2);
    EXPECT_EQ(counts.find("absent"), counts.end());
    std::map<CowString, int, std::less<>> ordered(counts.begin(), counts.end());
    EXPECT_EQ(ordered.begin()->first, "be");
    EXPECT_TRUE(ordered.contains("not"));
    EXPECT_EQ(std::hash<CowString>{}("to"_cow), std::hash<std::string_view>{}("to"));
    const std::string std_string = "abc";
    EXPECT_TRUE(CowString(std_string) == std_string && std_string == CowString("abc"));
    EXPECT_TRUE(CowString("a") < CowString("b") && CowString("a") < std::string_view("ab") &&
                "b" > CowString("a"));
    EXPECT_TRUE("abc"_cow.starts_with("ab") && "abc"_cow.ends_with("bc") && "abc"_cow.contains("b"));
}

// Sharing, slicing and reading go on when there is no memory; what must copy throws and changes nothing.
TEST(CowString, OutOfMemoryLosesNothing) {
    const std::string big(std::size_t{1} << 20, 'a');
    CowString text(big);
    rlimit before;
    ASSERT_EQ(getrlimit(RLIMIT_AS, &before), 0);
    const rlimit tight{1, before.rlim_max};
    const std::string_view huge(big.data(), std::size_t{1} << 62);
    const CowString shared = text;
    EXPECT_THROW(text.reserve(SIZE_MAX), std::bad_alloc);
    EXPECT_THROW(text.reserve(SIZE_MAX / 2), std::bad_alloc);
    EXPECT_THROW(text.append(huge), std::bad_alloc);
    EXPECT_THROW(CowString{huge}, std::bad_alloc);
    ASSERT_EQ(setrlimit(RLIMIT_AS, &tight), 0);
    std::vector<std::string> failed;
    const auto try_it = [&](const char* what, auto operation) {
        try {
            operation();
        } catch (const std::bad_alloc&) {
            failed.emplace_back(what);
        }
    };
    try_it("reserve", [&] { text.reserve(big.size() * 64); });
    try_it("replace", [&] { (void)text.replace("a", std::string_view(big).substr(0, 200)); });
    const CowString part = text.substr(3, 1000);
    const CowString same = text.lower();
    ASSERT_EQ(setrlimit(RLIMIT_AS, &before), 0);
    EXPECT_EQ(failed, (std::vector<std::string>{"reserve", "replace"}));
    EXPECT_EQ(part.data(), text.data() + 3);
    EXPECT_EQ(same.data(), text.data());
    EXPECT_EQ(text, big);
    EXPECT_EQ(text.use_count(), 4u);
}

}  // namespace
