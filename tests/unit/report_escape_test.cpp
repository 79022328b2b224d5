// SPDX-License-Identifier: MIT
// Strings from outside: whatever the bytes, what comes out is valid UTF-8 and ends nothing it stands in.
#include "report/escape.h"

#include <gtest/gtest.h>

#include <string>

#include "collect.h"

using tarn::Escape;

namespace {

std::string escaped(const std::string& string, Escape escape) {
    return text_of([&](tarn::Text& text) { tarn::add_escaped(text, string.c_str(), escape); });
}

const std::string kReplacement = "\xef\xbf\xbd";

}  // namespace

TEST(Escape, OrdinaryTextIsUnchanged) {
    const std::string text = "python3.11 /usr/bin äöü € 😀 ~";
    for (Escape escape : {Escape::kJson, Escape::kLabel, Escape::kPlain})
        EXPECT_EQ(escaped(text, escape), text);
    EXPECT_EQ(escaped("", Escape::kJson), "");
}

TEST(Escape, QuotesAndBackslashes) {
    EXPECT_EQ(escaped("a\"b\\c", Escape::kJson), "a\\\"b\\\\c");
    EXPECT_EQ(escaped("a\"b\\c", Escape::kLabel), "a\\\"b\\\\c");
    EXPECT_EQ(escaped("a\"b\\c", Escape::kPlain), "a\"b\\c");
}

TEST(Escape, ControlCharacters) {
    EXPECT_EQ(escaped("a\nb\tc\x1f", Escape::kJson), "a\\u000ab\\u0009c\\u001f");
    EXPECT_EQ(escaped("a\nb", Escape::kLabel), "a\\nb");
    EXPECT_EQ(escaped("a\nb\x1b[31m\x7f", Escape::kPlain), "a?b?[31m?");
    EXPECT_EQ(escaped("\xc2\x9b"
                      "31m",
                      Escape::kPlain),
              "?31m")
        << "a control character of two bytes";
}

TEST(Escape, BytesThatAreNoCharacter) {
    for (const char* bad :
         {"\x80", "\xbf", "\xc0", "\xc1", "\xf5", "\xff", "\xc3", "\xe2\x82", "\xf0\x9f\x98"}) {
        const std::string out = escaped(std::string("a") + bad, Escape::kJson);
        EXPECT_EQ(out.substr(0, 1 + kReplacement.size()), "a" + kReplacement) << bad;
        EXPECT_EQ(escaped(std::string("a") + bad, Escape::kPlain)[1], '?');
    }
    EXPECT_EQ(escaped("\xff"
                      "a",
                      Escape::kLabel),
              kReplacement + "a");
}

TEST(Escape, FormsThatRfc3629Forbids) {
    const std::string twice = kReplacement + kReplacement;
    EXPECT_EQ(escaped("\xc0\xaf", Escape::kJson), twice) << "overlong";
    EXPECT_EQ(escaped("\xe0\x80\xaf", Escape::kJson), twice + kReplacement) << "overlong";
    EXPECT_EQ(escaped("\xed\xa0\x80", Escape::kJson), twice + kReplacement) << "surrogate";
    EXPECT_EQ(escaped("\xf0\x80\x80\x80", Escape::kJson), twice + twice) << "overlong";
    EXPECT_EQ(escaped("\xf4\x90\x80\x80", Escape::kJson), twice + twice) << "beyond U+10FFFF";
    EXPECT_EQ(escaped("\xed\x9f\xbf\xee\x80\x80\xf4\x8f\xbf\xbf", Escape::kJson),
              "\xed\x9f\xbf\xee\x80\x80\xf4\x8f\xbf\xbf")
        << "their neighbours are allowed";
}
