// SPDX-License-Identifier: MIT
// Formatting, and that a sink gets every byte once and in order.
#include "base/text.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "base/output.h"
#include "collect.h"

using tarn::Text;

TEST(Text, Decimal) {
    EXPECT_EQ(text_of([](Text& t) { t.decimal(0); }), "0");
    EXPECT_EQ(text_of([](Text& t) { t.decimal(10); }), "10");
    EXPECT_EQ(text_of([](Text& t) { t.decimal(UINT64_MAX); }), "18446744073709551615");
}

TEST(Text, DecimalIsRightAlignedAndNeverCut) {
    EXPECT_EQ(text_of([](Text& t) { t.decimal(42, 5); }), "   42");
    EXPECT_EQ(text_of([](Text& t) { t.decimal(42, 2); }), "42");
    EXPECT_EQ(text_of([](Text& t) { t.decimal(12345, 2); }), "12345");
    EXPECT_EQ(text_of([](Text& t) { t.decimal(7, -3); }), "7");
}

TEST(Text, SignedDecimal) {
    EXPECT_EQ(text_of([](Text& t) { t.signed_decimal(0); }), "0");
    EXPECT_EQ(text_of([](Text& t) { t.signed_decimal(-1); }), "-1");
    EXPECT_EQ(text_of([](Text& t) { t.signed_decimal(INT64_MAX); }), "9223372036854775807");
    EXPECT_EQ(text_of([](Text& t) { t.signed_decimal(INT64_MIN); }), "-9223372036854775808");
}

TEST(Text, Hexadecimal) {
    EXPECT_EQ(text_of([](Text& t) { t.hex(0); }), "0x0");
    EXPECT_EQ(text_of([](Text& t) { t.hex(0xdeadbeef); }), "0xdeadbeef");
    EXPECT_EQ(text_of([](Text& t) { t.hex(UINT64_MAX); }), "0xffffffffffffffff");
    EXPECT_EQ(text_of([](Text& t) { t.address(nullptr); }), "0x0");
    EXPECT_EQ(text_of([](Text& t) { t.address(reinterpret_cast<void*>(0x7f00)); }), "0x7f00");
}

TEST(Text, Fixed) {
    EXPECT_EQ(text_of([](Text& t) { t.fixed(0, 2); }), "0.00");
    EXPECT_EQ(text_of([](Text& t) { t.fixed(12.345, 1); }), "12.3");
    EXPECT_EQ(text_of([](Text& t) { t.fixed(0.05, 2); }), "0.05");
    EXPECT_EQ(text_of([](Text& t) { t.fixed(3.999, 2); }), "4.00") << "rounding carries into the whole part";
    EXPECT_EQ(text_of([](Text& t) { t.fixed(2.5, 0); }), "3");
    EXPECT_EQ(text_of([](Text& t) { t.fixed(1.5, 1, 6); }), "   1.5");
    EXPECT_EQ(text_of([](Text& t) { t.fixed(15, 0, 4); }), "  15");
    EXPECT_EQ(text_of([](Text& t) { t.fixed(999999999999.0, 6); }), "999999999999.000000");
}

TEST(Text, Padded) {
    EXPECT_EQ(text_of([](Text& t) { t.padded("ab", 4).add('|'); }), "ab  |");
    EXPECT_EQ(text_of([](Text& t) { t.padded("abcd", 2).add('|'); }), "abcd|");
    EXPECT_EQ(text_of([](Text& t) { t.padded("", 2).add('|'); }), "  |");
}

TEST(Text, Spaces) {
    EXPECT_EQ(text_of([](Text& t) { t.spaces(3); }), "   ");
    EXPECT_EQ(text_of([](Text& t) { t.spaces(0).spaces(-5); }), "");
}

TEST(Text, ChainsInOrder) {
    EXPECT_EQ(text_of([](Text& t) { t.add("a").add('b').add("cde", 2).decimal(1).hex(2); }), "abcd10x2");
}

TEST(Text, LongTextArrivesWholeInSeveralPieces) {
    std::string expected;
    for (int i = 0; i < 5000; ++i)
        expected += static_cast<char>('a' + i % 26);
    std::vector<size_t> pieces;
    struct Sink {
        std::string all;
        std::vector<size_t> pieces;
    } sink;
    {
        Text text(
            [](void* context, const char* piece, size_t length) {
                auto& s = *static_cast<Sink*>(context);
                s.all.append(piece, length);
                s.pieces.push_back(length);
            },
            &sink);
        text.add(expected.c_str());
    }
    EXPECT_EQ(sink.all, expected);
    EXPECT_GT(sink.pieces.size(), 1u);
    for (size_t length : sink.pieces)
        EXPECT_LE(length, 512u);
}

TEST(Text, FlushTwiceHandsOverOnce) {
    int calls = 0;
    {
        Text text([](void* context, const char*, size_t) { ++*static_cast<int*>(context); }, &calls);
        text.flush();
        EXPECT_EQ(calls, 0) << "nothing was added";
        text.add("x");
        text.flush();
        text.flush();
    }
    EXPECT_EQ(calls, 1);
}

TEST(Text, ToADescriptor) {
    EXPECT_EQ(written_to(2,
                         [] {
                             tarn::Output two(2);
                             Text(two).add("to ").decimal(2).add('\n');
                         }),
              "to 2\n");
}
