// SPDX-License-Identifier: MIT
// Names of functions of this very program, and of what others made.
#include <elfutils/libdwfl.h>
#include <gtest/gtest.h>
#include <link.h>

#include "reader/symbols/demangle.h"
#include "reader/symbols/symbols.h"

namespace lookup {

int volatile sink;

[[gnu::always_inline]] inline int inlined(int value) {
    sink = value;
    return __LINE__;
}

[[gnu::noinline]] int outer(int value) {
    int line = inlined(value) + 1000 * __LINE__;
    sink = line;
    return line;
}

}  // namespace lookup

namespace {

using namespace tarn::reader;

std::string own_path() {
    char path[4096] = {};
    ssize_t length = readlink("/proc/self/exe", path, sizeof path - 1);
    return length > 0 ? path : "";
}

// Where the program lies: its first object's bias.
uint64_t own_bias() {
    uint64_t bias = 0;
    dl_iterate_phdr(
        [](dl_phdr_info* object, size_t, void* context) {
            *static_cast<uint64_t*>(context) = object->dlpi_addr;
            return 1;
        },
        &bias);
    return bias;
}

TEST(Symbols, FunctionFileAndLineWithWhatWasInlined) {
    Symbols symbols;
    int lines = lookup::outer(3);
    uint64_t begin = reinterpret_cast<uint64_t>(&lookup::outer) - own_bias();
    // Somewhere in the function is the one that was inlined; every address in it is of the outer one.
    bool seen = false;
    for (uint64_t address = begin; address < begin + 24; ++address) {
        const std::vector<Line>& at = symbols.at(own_path(), "", address);
        ASSERT_FALSE(at.empty());
        if (at.back().function != "lookup::outer") break;
        EXPECT_NE(at.back().file.find("symbols_test.cpp"), std::string::npos);
        EXPECT_EQ(at.back().symbol, "_ZN6lookup5outerEi");
        if (at.size() != 2 || seen) continue;
        seen = true;
        EXPECT_EQ(at[0].function, "lookup::inlined");
        EXPECT_NE(at[0].file.find("symbols_test.cpp"), std::string::npos);
        EXPECT_LE(at[0].line, static_cast<uint32_t>(lines % 1000));
        EXPECT_GE(at[0].line, static_cast<uint32_t>(lines % 1000 - 2));
        EXPECT_EQ(at[1].line, static_cast<uint32_t>(lines / 1000));
    }
    EXPECT_TRUE(seen);
    EXPECT_TRUE(symbols.missing().empty());
}

TEST(Symbols, OfAnotherFileNothing) {
    Symbols symbols;
    EXPECT_TRUE(symbols.at("/nonexistent/file", "", 0x1000).empty());
    EXPECT_TRUE(symbols.at("[vdso]", "", 0x1000).empty());
    EXPECT_TRUE(symbols.at("", "", 0x1000).empty());
    EXPECT_TRUE(symbols.at("/etc/passwd", "", 0x1000).empty());
    EXPECT_TRUE(symbols.at(own_path(), "wrong build id", 0x1000).empty());
    std::map<std::string, std::string> missing = symbols.missing();
    EXPECT_EQ(missing.size(), 5u);
    EXPECT_NE(missing[own_path()].find("build id"), std::string::npos);
    EXPECT_NE(missing["/etc/passwd"].find("ELF"), std::string::npos);
}

TEST(Symbols, OutsideOfAllFunctions) {
    Symbols symbols;
    EXPECT_TRUE(symbols.at(own_path(), "", UINT64_MAX - 1).empty());
}

TEST(Demangle, CppAndRust) {
    EXPECT_EQ(demangled("_ZN7orchard6Basket3addIdEEvT_"), "orchard::Basket::add<double>");
    EXPECT_EQ(demangled("_ZN3app4main17h0123456789abcdefE"), "app::main");
    EXPECT_EQ(demangled("_RNvMs_NtCs1234_7mycrate3fooNtB4_3Bar3new"), "<mycrate::foo::Bar>::new");
    EXPECT_EQ(demangled("malloc"), "malloc");
    EXPECT_EQ(demangled("_Znonsense"), "_Znonsense");
    EXPECT_EQ(demangled(""), "");
}

}  // namespace
