// SPDX-License-Identifier: MIT
// The reports, byte by byte for the text and by what they promise for all of them; check_report.py reads
// the other two with independent eyes.
#include "report/report.h"

#include <errno.h>
#include <fcntl.h>
#include <gtest/gtest.h>
#include <stdlib.h>
#include <unistd.h>

#include <sstream>
#include <string>
#include <vector>

#include "collect.h"
#include "export/own_report.h"
#include "metrics/metric_list.h"
#include "os/os.h"
#include "stats/stats.h"
#include "stats_sample.h"

using tarn::Snapshot;
using tarn::StatsFormat;

namespace {
struct Process {
    const char* program;
    int id;
};
constexpr Process kProcess{"program", 4711};

using Writer = void (*)(tarn::Text&, const tarn::Report&);

std::string report(Writer write, Snapshot snapshot, const Process& process = kProcess) {
    tarn::complete(snapshot);
    const tarn::OptionValues options;
    const tarn::Report report{snapshot,   TARN_VERSION,    process.program,
                              process.id, options.first(), static_cast<size_t>(options.count())};
    return text_of([&](tarn::Text& text) { write(text, report); });
}

std::vector<std::string> lines_of(const std::string& text) {
    std::vector<std::string> lines;
    std::istringstream stream(text);
    for (std::string line; std::getline(stream, line);)
        lines.push_back(line);
    return lines;
}

class Report : public testing::Test {
  protected:
    void SetUp() override { set("TARN_STATS", nullptr); }
    void TearDown() override { set("TARN_STATS", nullptr); }
    static void set(const char* name, const char* value) {
        if (value)
            setenv(name, value, 1);
        else
            unsetenv(name);
        tarn::options = tarn::Options{};
        tarn::read_options();
    }
};

}  // namespace

constexpr const char* kSubjects =
    "tarn: memory    150.0 MiB resident = 124.5 MiB live + 24.3 MiB kept by tarn + 1.2 MiB not malloc's,\n"
    "tarn:           fragmentation ratio 1.21\n"
    "tarn: peak      160.0 MiB resident, 132.0 MiB live, 3.0 MiB small, 130.0 MiB large\n"
    "tarn: kept      320.0 KiB in bins, 6.0 MiB in slabs, 1.0 MiB in free runs, 17.0 MiB in freed "
    "blocks\n"
    "tarn: requests  1,236,864 allocations, 1,202,160 frees, 34,704 live, 2 foreign frees\n"
    "tarn: pool      99.9% of allocations, 96.8% hit rate, 1,195,606 reused, 40,058 fresh\n"
    "tarn: large     1,200 allocations, 1,100 frees, 100 live blocks, 123.0 MiB live, 44 grown in place,\n"
    "tarn:           140.0 MiB committed\n"
    "tarn: threads   3 with a heap, 5 ended, 400 remote frees, 1 slabs of no thread\n"
    "tarn: arenas    4 in use, 1,000 made, 3.0 MiB held, 40.0 MiB taken in all\n"
    "tarn: obj pools 2 in use, 3 made, 1,000,000 allocations, 99.8% hit rate, 2,500 fresh, 1,200 live,\n"
    "tarn:           256.0 KiB held\n"
    "tarn: interners 1 in use, 5 made, 500 strings, 80,000 requests, 40.0 KiB held\n"
    "tarn: heaps     3 in use, 30 made, 70,000 allocations, 9,000 live, 1.8 MiB in them, 2.0 MiB held\n"
    "tarn: guarded   4,711 allocations, 99 in use, 1 faults\n"
    "tarn: hardened  123,456 checks, 256.0 KiB in quarantine\n"
    "tarn: region    64.0 GiB reserved, 6.0 MiB committed, 4.0 MiB in use, 90.0 MiB returned\n";

TEST_F(Report, TextIsExactlyThis) {
    set("TARN_STATS", "1");
    EXPECT_EQ(
        report(tarn::write_text, sample()),
        std::string("tarn: statistics of program, process 4711 (tarn " TARN_VERSION ", backend mimalloc)\n") +
            kSubjects +
            "tarn: options   TARN_STATS=1\n"
            "tarn: classes   5 used; TARN_STATS=classes has a row for each\n");
}

TEST_F(Report, OfTheClassesThoseThatFillTheMemoryAreShown) {
    Snapshot s = sample();
    s.class_stats[5].slab_bytes = (15 << 20) + 1;
    const std::string text = report(tarn::write_text, s);
    const char* const expected =
        "tarn: classes   5 used; TARN_STATS=classes has a row for each, those here fill a tenth of the "
        "memory\n"
        "tarn:   size  allocations  frees  live  live bytes  reused  remote  slabs  slab bytes\n"
        "tarn: 32,768           90     60    30   960.0 KiB   44.4%       0     10    15.0 MiB\n";
    EXPECT_TRUE(text.ends_with(expected)) << text;
    s.class_stats[5].slab_bytes = 15 << 20;
    EXPECT_EQ(report(tarn::write_text, s).find("slab bytes"), std::string::npos) << "a tenth, and no more";
    s.resident = s.peak_resident = 0;
    s.class_stats[5].slab_bytes = 13 << 20;
    EXPECT_NE(report(tarn::write_text, s).find("13.0 MiB\n"), std::string::npos) << "of what is live";
}

TEST_F(Report, MemoryAddsUpOrSaysWhyNot) {
    Snapshot s{};
    s.large_allocations = 1;
    s.large_live_bytes = 10 << 20;
    s.dirty = 1 << 20;
    EXPECT_NE(report(tarn::write_text, s).find("tarn: memory    10.0 MiB live + 1.0 MiB kept by tarn"),
              std::string::npos);
    s.resident = 8 << 20;
    EXPECT_NE(report(tarn::write_text, s)
                  .find("tarn: memory    8.0 MiB resident = 10.0 MiB live + 1.0 MiB kept by tarn + 0 B not "
                        "malloc's - 3.0 MiB untouched"),
              std::string::npos);
}

TEST_F(Report, TextWithAllClasses) {
    set("TARN_STATS", "classes");
    EXPECT_EQ(
        report(tarn::write_text_and_classes, sample()),
        std::string("tarn: statistics of program, process 4711 (tarn " TARN_VERSION ", backend mimalloc)\n") +
            kSubjects +
            "tarn: options   TARN_STATS=classes\n"
            "tarn:   size  allocations      frees    live  live bytes  reused  remote  slabs  slab bytes\n"
            "tarn:     16    1,234,567  1,200,000  34,567   540.1 KiB   96.8%       0      3    48.0 KiB\n"
            "tarn:     48        1,000      1,000       0         0 B   99.9%     400      0         0 B\n"
            "tarn:     64            7          0       7       448 B    0.0%       0      1    16.0 KiB\n"
            "tarn:     80            0          0       0         0 B       -       0      1    16.0 KiB\n"
            "tarn: 32,768           90         60      30   960.0 KiB   44.4%       0     10     2.5 MiB\n"
            "tarn:    all    1,235,664  1,201,060  34,604     1.5 MiB   96.8%     400     15     2.6 MiB\n");
}

TEST_F(Report, TextOfAProgramThatAllocatedNothing) {
    EXPECT_EQ(report(tarn::write_text, idle()),
              "tarn: statistics of program, process 4711 (tarn " TARN_VERSION
              ", backend map)\n"
              "tarn: memory    0 B resident = 0 B live + 0 B kept by tarn + 0 B not malloc's\n"
              "tarn: peak      0 B resident, 0 B live\n"
              "tarn: requests  0 allocations, 0 frees, 0 live\n"
              "tarn: pool      0.0% of allocations, 0.0% hit rate, 0 reused, 0 fresh\n"
              "tarn: large     0 allocations\n"
              "tarn: threads   0 with a heap\n"
              "tarn: region    0 B reserved, 0 B committed, 0 B in use\n");
}

TEST_F(Report, FragmentationOfNextToNothingIsLeftOut) {
    Snapshot s{};
    s.resident = s.peak_resident = 20 << 20;
    s.large_allocations = 1;
    s.large_live_bytes = (1 << 20) - 1;
    EXPECT_EQ(report(tarn::write_text, s).find("fragmentation"), std::string::npos);
    EXPECT_NE(report(tarn::write_json, s).find("\"fragmentation_ratio\":20.000019"), std::string::npos);
    s.large_live_bytes = 1 << 20;
    EXPECT_NE(report(tarn::write_text, s).find(" fragmentation ratio 20.00\n"), std::string::npos);
}

TEST_F(Report, EveryLineOfTextIsMarkedNarrowAndPrintable) {
    set("TARN_STATS_FILE", "/a/rather/long/path/for/a/report/\x1b[31mred\x1b[0m-%p.txt");
    const std::string text = report(tarn::write_text, sample(), {"pro\ngram\x1b", 1});
    for (const std::string& line : lines_of(text)) {
        EXPECT_EQ(line.rfind("tarn: ", 0), 0u) << line;
        EXPECT_LE(line.size(), 110u) << line;
        for (char c : line)
            EXPECT_TRUE(c >= ' ' && c < 0x7f) << line;
    }
    EXPECT_NE(text.find("pro?gram?"), std::string::npos);
    set("TARN_STATS_FILE", nullptr);
}

TEST_F(Report, LargestNumbersKeepTheTableNarrow) {
    const auto lines = lines_of(report(tarn::write_text_and_classes, extreme()));
    EXPECT_EQ(lines.size(),
              lines_of(report(tarn::write_text, idle())).size() + TARN_SIZE_CLASSES_MAX + 2 + 12);
    for (const std::string& line : lines)
        EXPECT_LT(line.size(), 130u) << line;
}

TEST_F(Report, TextRaisesNoAlarm) {
    const std::string text = report(tarn::write_text, sample());
    for (const char* word : {"leak", "lost", "not freed", "warning", "error", "!"})
        EXPECT_EQ(text.find(word), std::string::npos) << word;
}

TEST_F(Report, CountsAndBytesInHumanUnits) {
    const std::pair<uint64_t, const char*> counts[] = {{0, " 0 allocations"},
                                                       {999, " 999 allocations"},
                                                       {1000, " 1,000 allocations"},
                                                       {1002003, " 1,002,003 allocations"},
                                                       {999999999999, " 999,999,999,999 allocations"},
                                                       {1500000000000, " 1.500T allocations"}};
    for (const auto& [value, shown] : counts) {
        Snapshot s{};
        s.large_allocations = value;
        EXPECT_NE(report(tarn::write_text, s).find(shown), std::string::npos) << value;
    }
    const std::pair<uint64_t, const char*> bytes[] = {
        {1023, " 1023 B reserved"},     {1024, " 1.0 KiB reserved"},
        {1536, " 1.5 KiB reserved"},    {1048524, " 1023.9 KiB reserved"},
        {1048575, " 1.0 MiB reserved"}, {UINT64_MAX, " 16.0 EiB reserved"}};
    for (const auto& [value, shown] : bytes) {
        Snapshot s{};
        s.reserved = value;
        EXPECT_NE(report(tarn::write_text, s).find(shown), std::string::npos)
            << value << report(tarn::write_text, s);
    }
}

TEST_F(Report, SharesAreFullOrEmptyOnlyWhenTheyAre) {
    Snapshot s{};
    s.classes = 1;
    s.class_stats[0] = Counted{.object_size = 16, .allocations = 1000000, .fresh = 1};
    EXPECT_NE(report(tarn::write_text, s).find("100.0% of allocations, 99.9% hit rate"), std::string::npos);
    s.class_stats[0].fresh = 999999;
    s.large_allocations = 1;
    EXPECT_NE(report(tarn::write_text, s).find("99.9% of allocations, 0.1% hit rate"), std::string::npos);
}

TEST_F(Report, JsonIsOneLine) {
    for (const Snapshot& snapshot : {sample(), idle(), extreme()}) {
        const std::string json = report(tarn::write_json, snapshot, {"a\nb", 1});
        EXPECT_EQ(json.find('\n'), json.size() - 1);
        EXPECT_EQ(json.rfind("{\"version\":6,", 0), 0u);
    }
}

TEST_F(Report, EveryMetricIsInEveryMachineReadableReport) {
    const std::string json = report(tarn::write_json, sample()),
                      metrics = report(tarn::write_prometheus, sample());
    for (const auto& metric : tarn::kTotals) {
        EXPECT_NE(json.find(std::string("\"") + metric.name + "\":"), std::string::npos) << metric.name;
        EXPECT_NE(metrics.find(std::string("\ntarn_") + metric.name), std::string::npos) << metric.name;
    }
    for (const auto& metric : tarn::kPerClass) {
        EXPECT_NE(json.find(std::string("\"") + metric.name + "\":"), std::string::npos) << metric.name;
        if (std::string(metric.name) == "object_size") continue;  // there the label
        EXPECT_NE(metrics.find(std::string("\ntarn_class_") + metric.name), std::string::npos) << metric.name;
    }
}

TEST_F(Report, RatiosThatAreNoNumberAreStillNumbers) {
    Snapshot s = sample();
    tarn::complete(s);
    s.pool_share = __builtin_nan("");
    s.pool_hit_rate = -1;
    s.fragmentation_ratio = __builtin_inf();
    const std::string json = text_of([&](tarn::Text& t) {
        tarn::write_json(t, {s, TARN_VERSION, "program", 1, nullptr, 0});
    });
    EXPECT_NE(json.find("\"pool_share\":0.000000,\"pool_hit_rate\":0.000000"), std::string::npos);
    EXPECT_NE(json.find("\"fragmentation_ratio\":1000000000.000000"), std::string::npos);
    const std::string text = text_of([&](tarn::Text& t) {
        tarn::write_text(t, {s, TARN_VERSION, "program", 1, nullptr, 0});
    });
    EXPECT_NE(text.find("tarn: pool      0.0% of allocations, 0.0% hit rate"), std::string::npos);
}

TEST_F(Report, NoFormatWritesNothing) {
    const Snapshot s = idle();
    EXPECT_EQ(text_of([&](tarn::Text& t) { tarn::write_own_report(t, s, StatsFormat::kNone); }), "");
}

// As a tool prints it: everything comes from what it is given, and nothing from the process that writes.
class OfAnother : public Report {
  protected:
    void SetUp() override {
        set("TARN_STATS", "1");
        set("TARN_DIRTY", "12345");
        tarn::complete(stats);
    }
    void TearDown() override {
        set("TARN_DIRTY", nullptr);
        Report::TearDown();
    }
    std::string written(Writer write) {
        return text_of([&](tarn::Text& text) { write(text, of_another); });
    }
    static void expect_in(const std::string& text, const char* part) {
        EXPECT_NE(text.find(part), std::string::npos) << part << " is not in\n" << text;
    }
    void expect_nothing_of_this_process(const std::string& text) {
        EXPECT_EQ(text.find("12345"), std::string::npos) << text;
        EXPECT_EQ(text.find(program_invocation_short_name), std::string::npos) << text;
        EXPECT_EQ(text.find(TARN_VERSION), std::string::npos) << text;
    }

    Snapshot stats = idle();
    tarn::OptionValue options[3] = {
        {"TARN_BACKEND", "je\"malloc", true}, {"TARN_NEW", "9", true}, {"TARN_DIRTY", "77", false}};
    tarn::Report of_another{stats, "99.1", "other", 31337, options, 3};
};

TEST_F(OfAnother, TextNamesItAndTheOptionsThatItWasGiven) {
    EXPECT_EQ(written(tarn::write_text),
              "tarn: statistics of other, process 31337 (tarn 99.1, backend map)\n"
              "tarn: memory    0 B resident = 0 B live + 0 B kept by tarn + 0 B not malloc's\n"
              "tarn: peak      0 B resident, 0 B live\n"
              "tarn: requests  0 allocations, 0 frees, 0 live\n"
              "tarn: pool      0.0% of allocations, 0.0% hit rate, 0 reused, 0 fresh\n"
              "tarn: large     0 allocations\n"
              "tarn: threads   0 with a heap\n"
              "tarn: region    0 B reserved, 0 B committed, 0 B in use\n"
              "tarn: options   TARN_BACKEND=je\"malloc, TARN_NEW=9\n");
}

TEST_F(OfAnother, JsonHasAllOfItsOptions) {
    const std::string json = written(tarn::write_json);
    expect_in(json, "\"tarn\":\"99.1\",\"program\":\"other\",\"process\":31337,\"backend\":\"map\",");
    expect_in(json,
              "\"options\":{\"TARN_BACKEND\":\"je\\\"malloc\",\"TARN_NEW\":\"9\",\"TARN_DIRTY\":\"77\"},");
    expect_nothing_of_this_process(json);
}

TEST_F(OfAnother, MetricsNameIt) {
    const std::string metrics = written(tarn::write_prometheus);
    expect_in(metrics, "tarn_build_info{version=\"99.1\",backend=\"map\",program=\"other\"} 1\n");
    expect_nothing_of_this_process(metrics);
}

TEST_F(OfAnother, WithoutOptionsThereIsNoLineOfThem) {
    of_another.option_count = 0;
    EXPECT_EQ(written(tarn::write_text).find("options"), std::string::npos);
    expect_in(written(tarn::write_json), "\"options\":{},");
}

TEST_F(OfAnother, NoStringOfItsOwnBreaksALine) {
    options[1].name = "TARN_\n\"X";
    of_another.version = "9\n\x1b\"1";
    of_another.program = "a\nb";
    const std::string text = written(tarn::write_text), json = written(tarn::write_json);
    for (const std::string& line : lines_of(text))
        EXPECT_EQ(line.rfind("tarn: ", 0), 0u) << line;
    EXPECT_EQ(text.find('\x1b'), std::string::npos);
    EXPECT_EQ(json.find('\n'), json.size() - 1);
    expect_in(json, "\"TARN_\\u000a\\\"X\":\"9\"");
    expect_in(json, "\"tarn\":\"9\\u000a\\u001b\\\"1\"");
    const std::string metrics = written(tarn::write_prometheus);
    expect_in(metrics, "version=\"9\\n");
}

TEST_F(Report, NamesThisProcess) {
    Snapshot s = idle();
    tarn::complete(s);
    const std::string text =
        text_of([&](tarn::Text& t) { tarn::write_own_report(t, s, StatsFormat::kText); });
    const std::string expected = std::string("statistics of ") + program_invocation_short_name +
                                 ", process " + std::to_string(getpid()) + " (";
    EXPECT_NE(text.find(expected), std::string::npos) << text;
}

TEST_F(Report, IsSentInOneWrite) {
    // Each write to a packet pipe is a packet, and a read takes one.
    int ends[2];
    ASSERT_EQ(pipe2(ends, O_DIRECT | O_CLOEXEC), 0);
    Snapshot s = sample();
    tarn::complete(s);
    ASSERT_TRUE(tarn::send_own_report(ends[1], s, StatsFormat::kText));
    char packet[8192];
    const ssize_t got = read(ends[0], packet, sizeof packet);
    const std::string expected =
        text_of([&](tarn::Text& t) { tarn::write_own_report(t, s, StatsFormat::kText); });
    ASSERT_GT(expected.size(), 512u) << "more than Text's own buffer";
    EXPECT_EQ(std::string(packet, static_cast<size_t>(got)), expected);
    close(ends[0]);
    close(ends[1]);
}

TEST_F(Report, IsSentWithoutMemoryToo) {
    Snapshot s = sample();
    tarn::complete(s);
    const std::string expected =
        text_of([&](tarn::Text& t) { tarn::write_own_report(t, s, StatsFormat::kJson); });
    tarn::os::fail_after(tarn::os::Call::kMap, 0);
    const std::string got =
        written_to(2, [&] { EXPECT_TRUE(tarn::send_own_report(2, s, StatsFormat::kJson)); });
    tarn::os::fail_none();
    EXPECT_EQ(got, expected);
}

TEST_F(Report, SendingToABadDescriptorFails) {
    Snapshot s = idle();
    tarn::complete(s);
    EXPECT_FALSE(tarn::send_own_report(-1, s, StatsFormat::kText));
    const int full = open("/dev/full", O_WRONLY | O_CLOEXEC);
    EXPECT_FALSE(tarn::send_own_report(full, s, StatsFormat::kText));
    tarn::os::fail_after(tarn::os::Call::kMap, 0);
    EXPECT_FALSE(tarn::send_own_report(full, s, StatsFormat::kText));
    tarn::os::fail_none();
    close(full);
}
