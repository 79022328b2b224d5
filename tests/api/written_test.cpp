// SPDX-License-Identifier: MIT
// What holds text is written as a std::string_view is: to streams, by std::format, by {fmt} (format_as).
#include <gtest/gtest.h>

#include <iomanip>
#include <sstream>
#include <string>
#include <type_traits>

#include "tarn/cow_string.hpp"
#include "tarn/interner.hpp"

namespace {

using tarn::CountedInterner;
using tarn::CowString;
using tarn::Interner;
using tarn::Symbol;
using namespace std::literals;

const std::string kLong = "The quick brown fox jumps over the lazy dog, again and again.";

TEST(CowString, IsWrittenAsAViewIs) {
    std::ostringstream out;
    out << CowString("a\0b"sv) << '|' << std::setw(6) << std::left << CowString("abc") << '|'
        << CowString(kLong);
    EXPECT_EQ(out.str(), "a\0b|abc   |"s + kLong);
    EXPECT_EQ(format_as(CowString(kLong)), kLong);
    static_assert(std::is_same_v<decltype(format_as(CowString())), std::string_view>);
#ifdef __cpp_lib_format
    EXPECT_EQ(std::format("{:>5}|{}", CowString("abc"), CowString(kLong)), "  abc|" + kLong);
#endif
}

TEST(Symbol, IsWrittenAsItsTextIs) {
    Interner table;
    CountedInterner counted;
    std::ostringstream out;
    out << table("pear") << '|' << Symbol() << '|' << counted("apple") << '|' << std::setw(4) << table("x");
    EXPECT_EQ(out.str(), "pear||apple|   x");
    EXPECT_EQ(format_as(table("pear")), "pear");
    EXPECT_EQ(format_as(Symbol()), "");
    EXPECT_EQ(format_as(counted("apple")), "apple");
#ifdef __cpp_lib_format
    EXPECT_EQ(std::format("{:>5}|{}", table("pear"), counted("apple")), " pear|apple");
#endif
}

}  // namespace
