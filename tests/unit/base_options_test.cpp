// SPDX-License-Identifier: MIT
// The environment as options: every option, every spelling, and what is not understood.
#include "base/options.h"

#include <gtest/gtest.h>
#include <stdlib.h>
#include <unistd.h>

#include <algorithm>
#include <string>

#include "collect.h"

using tarn::HugePageUse;
using tarn::option_count;
using tarn::option_given;
using tarn::option_name;
using tarn::Options;
using tarn::options;
using tarn::StatsFormat;

namespace {

class OptionsTest : public testing::Test {
  protected:
    void SetUp() override { forget(); }
    void TearDown() override { forget(); }
    static void forget() {
        for (int i = 0; i < option_count(); ++i)
            unsetenv(option_name(i));
        options = Options{};
    }
    // Reads the environment with one variable set; what was warned.
    static std::string read(const char* name, const char* value) {
        setenv(name, value, 1);
        std::string warnings = written_to(2, [] { EXPECT_TRUE(tarn::read_options()); });
        unsetenv(name);
        return warnings;
    }
    static void refused(const char* name, const char* value, const char* why = "not understood") {
        const std::string warning = read(name, value);
        EXPECT_EQ(warning.find(std::string("tarn: ") + name + "=" + value + " is " + why + " and ignored"),
                  0u)
            << warning;
        EXPECT_EQ(std::count(warning.begin(), warning.end(), '\n'), 1) << warning;
    }
    static std::string shown(const char* name) {
        for (int i = 0; i < option_count(); ++i)
            if (std::string(option_name(i)) == name)
                return text_of([i](tarn::Text& t) { print_option(t, i); });
        return "no such option";
    }
};

}  // namespace

TEST_F(OptionsTest, NothingGivenKeepsTheDefaults) {
    EXPECT_EQ(written_to(2, [] { EXPECT_TRUE(tarn::read_options()); }), "");
    EXPECT_EQ(options.stats, StatsFormat::kNone);
    EXPECT_STREQ(options.backend, "");
    EXPECT_EQ(options.dirty, size_t{8} << 20);
    EXPECT_EQ(options.map_from, size_t{128} << 10);
    EXPECT_FALSE(options.verbose);
}

TEST_F(OptionsTest, StatisticsFormats) {
    const std::pair<const char*, StatsFormat> known[] = {{"1", StatsFormat::kText},
                                                         {"text", StatsFormat::kText},
                                                         {"classes", StatsFormat::kTextAndClasses},
                                                         {"json", StatsFormat::kJson},
                                                         {"prometheus", StatsFormat::kPrometheus},
                                                         {"0", StatsFormat::kNone},
                                                         {"", StatsFormat::kNone},
                                                         {"openmetrics", StatsFormat::kPrometheus}};
    for (const auto& [value, format] : known) {
        options.stats = format == StatsFormat::kText ? StatsFormat::kJson : StatsFormat::kText;
        EXPECT_EQ(read("TARN_STATS", value), "") << value;
        EXPECT_EQ(options.stats, format) << value;
    }
}

TEST_F(OptionsTest, BadStatisticsFormatWarnsAndIsIgnored) {
    options.stats = StatsFormat::kJson;
    for (const char* value : {"xml", "JSON", "2", "json "})
        refused("TARN_STATS", value);
    EXPECT_EQ(options.stats, StatsFormat::kJson);
}

TEST_F(OptionsTest, Flags) {
    bool* const flags[] = {&options.verbose, &options.hardened, &options.keep_deepbind};
    const char* const names[] = {"TARN_VERBOSE", "TARN_HARDENED", "TARN_KEEP_DEEPBIND"};
    for (size_t i = 0; i < 3; ++i) {
        for (const char* yes : {"1", "yes", "on", "true"}) {
            *flags[i] = false;
            EXPECT_EQ(read(names[i], yes), "");
            EXPECT_TRUE(*flags[i]) << names[i] << '=' << yes;
        }
        for (const char* no : {"0", "no", "off", "false", ""}) {
            *flags[i] = true;
            EXPECT_EQ(read(names[i], no), "");
            EXPECT_FALSE(*flags[i]) << names[i] << '=' << no;
        }
        *flags[i] = true;
        for (const char* bad : {"2", "maybe", "1 ", "Yes"})
            refused(names[i], bad);
        EXPECT_TRUE(*flags[i]);
    }
}

TEST_F(OptionsTest, HugePages) {
    const std::pair<const char*, tarn::HugePageUse> known[] = {
        {"0", HugePageUse::kNever}, {"1", HugePageUse::kAlways}, {"auto", HugePageUse::kDenseBlocks}};
    for (const auto& [value, use] : known) {
        EXPECT_EQ(read("TARN_HUGE_PAGES", value), "");
        EXPECT_EQ(options.huge_pages, use) << value;
    }
    refused("TARN_HUGE_PAGES", "2");
    EXPECT_EQ(options.huge_pages, HugePageUse::kDenseBlocks);
}

TEST_F(OptionsTest, Bytes) {
    const std::pair<const char*, size_t> known[] = {{"0", 0},
                                                    {"1", 1},
                                                    {"4096", 4096},
                                                    {"8k", 8192},
                                                    {"8K", 8192},
                                                    {"3m", size_t{3} << 20},
                                                    {"3M", size_t{3} << 20},
                                                    {"2g", size_t{2} << 30},
                                                    {"16G", size_t{16} << 30},
                                                    {"65536g", size_t{1} << 46}};
    for (const auto& [value, bytes] : known) {
        for (const char* name : {"TARN_REGION", "TARN_DIRTY", "TARN_MAP_FROM"})
            EXPECT_EQ(read(name, value), "");
        EXPECT_EQ(options.region, bytes) << value;
        EXPECT_EQ(options.dirty, bytes) << value;
        EXPECT_EQ(options.map_from, bytes) << value;
    }
}

TEST_F(OptionsTest, BadBytesWarnAndAreIgnored) {
    options.dirty = 77;
    for (const char* value : {"", "-1", "k", "1t", "1kb", " 1", "1 ", "0x10", "1.5m", "18446744073709551616",
                              "17179869184g", "99999999999999999999999999"})
        refused("TARN_DIRTY", value);
    EXPECT_EQ(options.dirty, 77u);
}

TEST_F(OptionsTest, DirtyAndMapFromMayBeAnything) {
    for (const char* name : {"TARN_DIRTY", "TARN_MAP_FROM"}) {
        EXPECT_EQ(read(name, "18446744073709551615"), "");
        EXPECT_EQ(shown(name), "18446744073709551615");
        EXPECT_EQ(read(name, "17179869183g"), "");
        EXPECT_EQ(shown(name), "18446744072635809792");
    }
}

TEST_F(OptionsTest, RegionLargerThanAnyMachineIsRefused) {
    options.region = 77;
    for (const char* value : {"70368744177665", "65537g", "100000g", "17179869183g", "18446744073709551615"})
        refused("TARN_REGION", value);
    EXPECT_EQ(options.region, 77u);
}

TEST_F(OptionsTest, ProcessThatCannotBeIsRefused) {
    EXPECT_EQ(read("TARN_STATS_PROCESS", "4194303"), "");
    EXPECT_EQ(options.stats_process, 4194303u);
    for (const char* value : {"4194305", "me", "-1"})
        refused("TARN_STATS_PROCESS", value);
    EXPECT_EQ(options.stats_process, 4194303u);
}

TEST_F(OptionsTest, BackendIsCopied) {
    EXPECT_EQ(read("TARN_BACKEND", "jemalloc"), "");
    EXPECT_STREQ(options.backend, "jemalloc");
}

TEST_F(OptionsTest, BackendTooLongIsRefusedWhole) {
    EXPECT_EQ(read("TARN_BACKEND", std::string(sizeof options.backend - 1, 'b').c_str()), "");
    EXPECT_EQ(std::string(options.backend), std::string(sizeof options.backend - 1, 'b'));
    options = Options{};
    refused("TARN_BACKEND", std::string(sizeof options.backend, 'b').c_str(), "too long");
    EXPECT_STREQ(options.backend, "");
}

TEST_F(OptionsTest, StatisticsFileIsMadeAbsolute) {
    char here[4096];
    ASSERT_NE(getcwd(here, sizeof here), nullptr);
    EXPECT_EQ(read("TARN_STATS_FILE", "report-%p.txt"), "");
    EXPECT_EQ(std::string(options.stats_file), std::string(here) + "/report-%p.txt");
    EXPECT_EQ(read("TARN_STATS_FILE", "/var/log/report"), "");
    EXPECT_STREQ(options.stats_file, "/var/log/report");
    EXPECT_EQ(read("TARN_STATS_FILE", ""), "");
    EXPECT_STREQ(options.stats_file, "");
}

TEST_F(OptionsTest, StatisticsFileTooLongIsRefused) {
    EXPECT_EQ(read("TARN_STATS_FILE", ("/" + std::string(sizeof options.stats_file - 2, 'f')).c_str()), "");
    options = Options{};
    refused("TARN_STATS_FILE", ("/" + std::string(sizeof options.stats_file - 1, 'f')).c_str(), "too long");
    refused("TARN_STATS_FILE", std::string(sizeof options.stats_file - 2, 'f').c_str(), "too long");
    EXPECT_STREQ(options.stats_file, "") << "refused whole";
}

TEST_F(OptionsTest, StatisticsFileInADirectoryThatIsGone) {
    char here[4096], folder[] = "/tmp/tarn_options_test_XXXXXX";
    ASSERT_TRUE(getcwd(here, sizeof here) && mkdtemp(folder) && chdir(folder) == 0 && rmdir(folder) == 0);
    refused("TARN_STATS_FILE", "report", "relative to a directory that is gone, or too deep,");
    EXPECT_EQ(chdir(here), 0);
}

TEST_F(OptionsTest, SimilarNamesSetNothing) {
    for (const char* name : {"TARN_STATSX", "TARN_STAT", "TARN", "XTARN_STATS", "TARN_STATS_"}) {
        read(name, "json");
        EXPECT_EQ(options.stats, StatsFormat::kNone) << name;
        EXPECT_STREQ(options.stats_file, "") << name;
    }
}

TEST_F(OptionsTest, MisspeltNamesAreTold) {
    const std::pair<const char*, const char*> slips[] = {{"TARN_STAT", "TARN_STATS"},
                                                         {"TARN_STATSX", "TARN_STATS"},
                                                         {"TARN_STATS_", "TARN_STATS"},
                                                         {"TARN_STAST", "TARN_STATS"},
                                                         {"TARN_Stats", "TARN_STATS"},
                                                         {"TARN_STATS_FILES", "TARN_STATS_FILE"},
                                                         {"TARN_STAT_FILES", "TARN_STATS_FILE"},
                                                         {"TARN_STATSFILE", "TARN_STATS_FILE"},
                                                         {"TARN_STATS_PROCES", "TARN_STATS_PROCESS"},
                                                         {"TARN_BACKEN", "TARN_BACKEND"},
                                                         {"TARN_HARDEN", "TARN_HARDENED"},
                                                         {"TARN_HUGEPAGES", "TARN_HUGE_PAGES"},
                                                         {"TARN_MAP_FORM", "TARN_MAP_FROM"},
                                                         {"TARN_KEEP_DEPBIND", "TARN_KEEP_DEEPBIND"},
                                                         {"TARN_VERBOS", "TARN_VERBOSE"},
                                                         {"TARN_DITRY", "TARN_DIRTY"},
                                                         {"TARN_REGIONS", "TARN_REGION"}};
    for (const auto& [name, meant] : slips)
        EXPECT_EQ(read(name, "1"),
                  std::string("tarn: ") + name + " is not an option of tarn's; " + meant + " is\n");
}

TEST_F(OptionsTest, NamesOfOthersAreToldOnlyWhenVerbose) {
    const std::string longest = "TARN_" + std::string(200, 'S');
    for (const char* name :
         {"TARN_HOME", "TARN_DIR", "TARN_STATE", "TARN_STATUS", "TARN_STATE_FILE", "TARN_START", "TARN_STACK",
          "TARN_STAGE_FILE", "TARN_MAIL_FROM", "TARN_VERSION", "TARN_FILE", "TARN_", "TARN_LOG", "TARN_USER",
          "TARN_DEBUG", "TARN_X", longest.c_str()}) {
        EXPECT_EQ(read(name, "1"), "");
        setenv("TARN_VERBOSE", "1", 1);
        EXPECT_EQ(read(name, "1"), std::string("tarn: ") + name + " is not an option of tarn's\n");
        unsetenv("TARN_VERBOSE");
        options = Options{};
    }
    EXPECT_EQ(read("TARN", "1") + read("XTARN_STATS", "1"), "");
}

TEST_F(OptionsTest, ValuesAreShownAsTheyAreUnderstood) {
    read("TARN_STATS", "openmetrics");
    read("TARN_DIRTY", "1k");
    read("TARN_HARDENED", "yes");
    read("TARN_BACKEND", "system");
    EXPECT_EQ(shown("TARN_STATS"), "prometheus");
    EXPECT_EQ(shown("TARN_DIRTY"), "1024");
    EXPECT_EQ(shown("TARN_HARDENED"), "1");
    EXPECT_EQ(shown("TARN_BACKEND"), "system");
}

TEST_F(OptionsTest, GivenMeansUnderstood) {
    const auto given = [](const char* wanted) {
        for (int i = 0; i < option_count(); ++i)
            if (std::string(option_name(i)) == wanted) return option_given(i);
        ADD_FAILURE() << "no option " << wanted;
        return false;
    };
    read("TARN_KEEP_DEEPBIND", "1");
    EXPECT_TRUE(given("TARN_KEEP_DEEPBIND"));
    EXPECT_FALSE(given("TARN_DIRTY"));
    read("TARN_DIRTY", "much");
    EXPECT_FALSE(given("TARN_DIRTY"));
    EXPECT_FALSE(given("TARN_KEEP_DEEPBIND")) << "no longer in the environment";
}

TEST_F(OptionsTest, ListShowsEveryOptionOnALineOfItsOwn) {
    const std::string list = text_of([](tarn::Text& t) { tarn::print_options(t); });
    EXPECT_EQ(std::count(list.begin(), list.end(), '\n'), option_count());
    for (int i = 0; i < option_count(); ++i)
        EXPECT_NE(list.find(std::string("tarn: ") + option_name(i) + " "), std::string::npos)
            << option_name(i);
}

TEST_F(OptionsTest, NoEnvironmentYet) {
    char** const saved = environ;
    environ = nullptr;
    const bool read = tarn::read_options();
    environ = saved;
    EXPECT_FALSE(read);
}
