// SPDX-License-Identifier: MIT
// The parts of `tarn compare` that are functions of what they are given.
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <random>
#include <stdexcept>

#include "cli/allocators/loader_cache.h"
#include "cli/compare/figures.h"
#include "cli/compare/rounds.h"
#include "measure/group.h"
#include "measure/output.h"

namespace {

using namespace tarn;
using namespace tarn::cli;
using Numbers = std::vector<double>;

TEST(Compare, EachBeginsInTurnAndNobodyAlwaysFollowsTheSame) {
    EXPECT_EQ(order_of(0, 3), (std::vector<size_t>{0, 1, 2}));
    EXPECT_EQ(order_of(1, 3), (std::vector<size_t>{1, 0, 2}));
    EXPECT_EQ(order_of(2, 3), (std::vector<size_t>{2, 0, 1}));
    EXPECT_EQ(order_of(5, 1), (std::vector<size_t>{0}));
}

TEST(Compare, AllocatorsAreKnownByTheirFiles) {
    EXPECT_EQ(name_of_library("libjemalloc.so.2"), "jemalloc");
    EXPECT_EQ(name_of_library("libmimalloc.so.2.0"), "mimalloc2");
    EXPECT_EQ(name_of_library("libmimalloc.so.3"), "mimalloc3");
    EXPECT_EQ(name_of_library("libmimalloc.so.20"), "");
    EXPECT_EQ(name_of_library("libtcmalloc_minimal.so.4"), "tcmalloc-minimal");
    EXPECT_EQ(name_of_library("libtcmalloc_minimal_debug.so.4"), "");
    EXPECT_EQ(name_of_library("libtbbmalloc_proxy.so.2"), "tbbmalloc");
    EXPECT_EQ(name_of_library("libsnmallocshim.so"), "snmalloc");
    EXPECT_EQ(name_of_library("libc_malloc_debug.so.0"), "");
}

void append(std::string* bytes, uint32_t number) {
    bytes->append(reinterpret_cast<const char*>(&number), sizeof number);
}

TEST(Compare, LoaderCacheIsReadAndNotTrusted) {
    std::string texts = std::string("liba.so.1") + '\0' + "/lib/liba.so.1" + '\0',
                cache = "glibc-ld.so.cache1.1";
    append(&cache, 3);
    append(&cache, static_cast<uint32_t>(texts.size()));
    cache.append(20, '\0');
    uint32_t start = 48 + 3 * 24;
    for (uint32_t path :
         {start + 10, start, 0xffffff00u}) {  // the second's is not absolute, the third's nowhere
        append(&cache, 0x303);
        append(&cache, start);
        append(&cache, path);
        cache.append(12, '\0');
    }
    cache += texts;
    ASSERT_EQ(cached_libraries(cache).size(), 1u);
    EXPECT_EQ(cached_libraries(cache)[0].path, "/lib/liba.so.1");
    EXPECT_EQ(cached_libraries("older format" + cache).size(), 1u);
    for (size_t size = 0; size < cache.size(); ++size)
        EXPECT_LE(cached_libraries(std::string_view(cache).substr(0, size)).size(), 1u);
}

TEST(Compare, GroupsAreMadeWhereTheKernelLets) {
    std::string two = "30 23 0:26 / /sys/fs/cgroup rw,nosuid shared:9 - cgroup2 cgroup2 rw,nsdelegate\n";
    auto found = measure::group_places("0::/user.slice/a.scope\n", two);
    ASSERT_EQ(found.size(), 2u);
    EXPECT_EQ(found[0].folder, "/sys/fs/cgroup/user.slice/a.scope");
    EXPECT_EQ(found[1].folder, "/sys/fs/cgroup/user.slice");
    EXPECT_EQ(found[1].peak_file, "memory.peak");
    std::string one =
        "35 31 0:32 /box /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory\n"
        "34 31 0:31 / /sys/fs/cgroup/cpuset rw - cgroup cgroup rw,cpuset\n";
    found = measure::group_places("5:cpuset:/\n4:memory:/box/mine\n0::/\n", one);
    ASSERT_EQ(found.size(), 1u);
    EXPECT_EQ(found[0].folder, "/sys/fs/cgroup/memory/mine");
    EXPECT_EQ(found[0].peak_file, "memory.max_usage_in_bytes");
    EXPECT_TRUE(measure::group_places("nonsense", "more - of\n it").empty());
}

// The kernel makes a group's files with its folder; here the file of the peak lies beside it, the others are made.
TEST(Compare, GroupsOfVersionTwoAreReadAndRemoved) {
    namespace fs = std::filesystem;
    fs::path folder = fs::path(testing::TempDir()) / ("groups-" + std::to_string(getpid()));
    fs::create_directories(folder);
    auto groups = [&] { return std::distance(fs::directory_iterator(folder), fs::directory_iterator()); };
    {  // no file of a peak: the controller is not handed on to the groups below, or the kernel is too old
        measure::Group group({folder, "memory.peak"});
        EXPECT_FALSE(group.made());
        EXPECT_EQ(groups(), 0);
    }
    std::ofstream(folder / "memory.peak") << "123456789\n";
    {
        measure::Group group({folder, "../memory.peak"}), other({folder, "../memory.peak"});
        ASSERT_TRUE(group.made() && other.made());
        EXPECT_NE(group.processes(), other.processes());
        EXPECT_EQ(group.peak(), 123456789u);
        EXPECT_FALSE(group.processor());
        fs::path inside = fs::path(group.processes()).parent_path();
        std::ofstream(inside / "cpu.stat") << "usage_usec 3500000\nuser_usec 2000000\nsystem_usec 1500000\n"
                                              "nr_periods 0\nnr_throttled 0\nthrottled_usec 0\n";
        ASSERT_TRUE(group.processor());
        EXPECT_EQ(group.processor()->user, 2);
        EXPECT_EQ(group.processor()->system, 1.5);
        std::ofstream(inside / "cpu.stat")
            << "nr_periods 0\nnr_throttled 0\nthrottled_time 0\n";  // version 1
        EXPECT_FALSE(group.processor());
        fs::remove(inside / "cpu.stat");
    }
    EXPECT_EQ(groups(), 1);
    fs::remove_all(folder);
    EXPECT_FALSE(measure::Group({folder, "memory.peak"}).made());
}

TEST(Compare, FiguresAndReadinessAreReadAsTheyCome) {
    measure::Pattern rate("rate: ([\\d,.]+)"), ready("^Ready");
    measure::Output output(&rate, &ready);
    output.take("rate: 1,0");
    output.take("00.5 a second\nnot Ready\nrate: 7");
    EXPECT_EQ(output.metric(), 1000.5);
    EXPECT_FALSE(output.ready());
    output.end();
    EXPECT_EQ(output.metric(), 7);
    output.take("Ready.\n");
    EXPECT_TRUE(output.ready());
    EXPECT_THROW(measure::Pattern("(rate"), std::invalid_argument);
}

// Seconds and MiB of each round, of allocators by name.
Results made(const std::vector<std::pair<std::string, std::pair<Numbers, Numbers>>>& all) {
    Results results;
    results.command = {"program"};
    for (const auto& [name, numbers] : all) {
        Series series{{name}};
        for (size_t i = 0; i < numbers.first.size(); ++i) {
            measure::Taken run;
            run.wall = numbers.first[i];
            run.metric = 1 / run.wall;
            run.peak = static_cast<uint64_t>(numbers.second[i] * (1 << 20));
            series.runs.push_back(run);
        }
        results.series.push_back(series);
    }
    results.rounds = results.series.front().runs.size();
    return results;
}

const Numbers kSecond = {1.00, 1.01, 0.99, 1.00, 1.02, 0.98}, kNoisy = {1.30, 0.80, 1.00, 1.10, 0.85, 0.95},
              kLess = {0.900, 0.910, 0.892, 0.899, 0.917, 0.883};
const Numbers kHundred = {100, 100, 100.5, 100, 100, 100.2}, kEighty = {80, 80, 80.4, 80, 80.1, 80},
              kTriple = {300, 301, 300, 299, 300, 300};

TEST(Verdict, NamesWhatTheRunsShow) {
    Results results = made({{"glibc", {kSecond, kHundred}}, {"tarn", {kLess, kEighty}}});
    EXPECT_EQ(verdict(results),
              "tarn against glibc: 10 % less time (9.8 to 10 %), 20 % less memory (20 to 20 %)");
    results = made({{"glibc", {kSecond, kHundred}}, {"other", {kSecond, kTriple}}});
    EXPECT_EQ(verdict(results),
              "other against glibc: no difference in time that these runs can show, 3.00 times the memory "
              "(2.98 to 3.01)");
}

TEST(Verdict, SaysNoMoreThanTheSpreadAllows) {
    Results results = made({{"glibc", {kSecond, kHundred}}, {"tarn", {kNoisy, kHundred}}});
    EXPECT_EQ(verdict(results),
              "tarn against glibc: no difference in time that these runs can show (it is less than 33 %), no "
              "difference "
              "in memory that these runs can show");
    results.series[1].runs.resize(2);
    EXPECT_EQ(verdict(results), "there is nothing to compare with glibc");
    for (Series& series : results.series)
        series.runs.resize(1);
    EXPECT_EQ(verdict(results), "too few runs for a verdict");
}

TEST(Verdict, NamesTheBestAndThoseLikeIt) {
    Results results = made({{"glibc", {kSecond, kHundred}},
                            {"first", {kLess, kHundred}},
                            {"tarn", {kLess, kEighty}},
                            {"failed", {kEighty, kLess}}});
    results.series[3].failure = "crashed";
    std::string said = verdict(results);
    EXPECT_EQ(said.find("tarn against glibc: 10 % less time"), 0u) << said;
    EXPECT_NE(said.find("; least time: first or tarn; least memory: tarn"), std::string::npos) << said;
    EXPECT_EQ(said.find("failed"), std::string::npos) << said;
}

TEST(Verdict, OfAMetricIsOfTheMetric) {
    Results results =
        made({{"glibc", {kLess, kHundred}}, {"tarn", {kSecond, kHundred}}, {"last", {kTriple, kHundred}}});
    results.metric = "rate";
    std::string said = verdict(results);
    EXPECT_EQ(said.find("tarn against glibc: 10 % less metric"), 0u) << said;
    EXPECT_NE(said.find("highest metric: glibc; least memory: none is shown"), std::string::npos) << said;
}

TEST(Verdict, OfEqualOnesIsSeldomThatTheyDiffer) {
    constexpr int kTimes = 300;
    std::minstd_rand random(1);  // the same everywhere
    auto times = [&] {
        Numbers found;
        for (int round = 0; round < 8; ++round) {
            double sum = 0;  // of twelve even ones: nearly normal
            for (int i = 0; i < 12; ++i)
                sum += static_cast<double>(random() % 10000) / 10000 - 0.5;
            found.push_back(1 + 0.03 * sum);
        }
        return found;
    };
    int differ = 0;
    for (int i = 0; i < kTimes; ++i) {
        std::vector<std::pair<std::string, std::pair<Numbers, Numbers>>> all;
        for (const char* name : {"glibc", "a", "b", "c", "tarn"})
            all.push_back({name, {times(), times()}});
        std::string said = verdict(made(all));
        differ += said.find("tarn against glibc: no difference in time") != 0 ||
                  said.find(", no difference in memory") == std::string::npos ||
                  said.find("least time: none") == std::string::npos ||
                  said.find("least memory: none") == std::string::npos;
    }
    EXPECT_LE(differ, kTimes * 3 / 100);
}

TEST(Verdict, LessThanAGroupIsChargedAtOnceIsNoDifference) {
    Results results = made({{"glibc", {kSecond, Numbers(6, 1.0)}}, {"tarn", {kSecond, Numbers(6, 1.25)}}});
    EXPECT_NE(verdict(results).find("25 % more memory"), std::string::npos) << verdict(results);
    results.memory_by = measure::MemoryBy::kGroup;
    EXPECT_NE(verdict(results).find("no difference in memory"), std::string::npos) << verdict(results);
}

TEST(Figures, OutliersAreNamedByTheirRound) {
    Numbers times = kSecond;
    times[3] = 9;
    Figures found = figures(made({{"glibc", {times, kHundred}}, {"tarn", {kLess, kHundred}}}));
    ASSERT_EQ(found.rows[0].outliers.size(), 1u);
    EXPECT_EQ(found.rows[0].outliers[0].round, 4u);
    EXPECT_EQ(found.rows[0].outliers[0].value, 9);
    EXPECT_TRUE(found.rows[1].outliers.empty());
}

}  // namespace
