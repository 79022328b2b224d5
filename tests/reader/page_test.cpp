// SPDX-License-Identifier: MIT
// What becomes a page for a browser: nothing of a record gets out of its text, and everything has a bound. What grows, what
// differs, and what strangers do not see.
#include <gtest/gtest.h>

#include "cli/report/html/flame_view.h"
#include "cli/report/html/markup.h"
#include "cli/report/verdict.h"
#include "reader/views/anonymous.h"
#include "record_file.h"
#include "service_record.h"

namespace {

using namespace tarn;
using reader::Flame;
using reader::Trend;

constexpr uint64_t kMiB = 1 << 20, kSecond = 1'000'000'000;

struct Reading {
    explicit Reading(SampleRecord sample)
        : record(reader::read_record(RecordFile(sample).path())), state{reader::Fate::kEnded, 0, ""} {
        profile = resolve(record, &symbols);
    }
    cli::Shown shown() const { return {record, state, profile, {}}; }
    reader::Side side() const { return {record, profile}; }

    reader::Record record;
    reader::State state;
    reader::Symbols symbols;
    reader::Profile profile;
};

size_t count(const std::string& text, const std::string& part) {
    size_t found = 0;
    for (size_t at = text.find(part); at != std::string::npos; at = text.find(part, at + 1))
        ++found;
    return found;
}

bool has(const std::string& text, const std::string& part) {
    return count(text, part) != 0;
}

uint64_t named(SampleRecord& sample, const std::string& name) {
    return sample.add_name(name) | TARN_RECORD_FRAME_NAME;
}

TEST(Markup, NothingEndsWhatItStandsIn) {
    EXPECT_EQ(cli::escaped("<b a=\"1\" c='2'>&\n\x80"), "&lt;b a=&quot;1&quot; c=&#39;2&#39;&gt;&amp;??");
    EXPECT_EQ(cli::json_text("</script><!-- \"\\ &ä\n"),
              "\"\\u003c/script\\u003e\\u003c!-- \\\"\\\\ \\u0026ä?\"");
}

TEST(Page, HoldsWhatMeansIll) {
    Reading reading(service_record(20, 50));
    std::string page = show_html(reading.shown());
    // Two blocks of data and the page's own script; no other element can have come from the record.
    EXPECT_EQ(count(page, "<script"), 3u);
    EXPECT_EQ(count(page, "</script"), 3u);
    EXPECT_FALSE(has(page, "<img")) << page;
    EXPECT_TRUE(has(page, "&lt;/script&gt;&lt;script&gt;alert(1)"));
    EXPECT_TRUE(has(page, "&lt;/svg&gt;&lt;script&gt;ale~"));
    // The name of SVG is no address to ask.
    EXPECT_EQ(count(page, "http:"), count(page, "\"http://www.w3.org/2000/svg\""));
    for (const char* asks : {"https:", "url(", "@import"})
        EXPECT_FALSE(has(page, asks)) << asks;
}

TEST(Page, HasABound) {
    Reading reading(service_record(20, 20'000));
    std::string page = show_html(reading.shown());
    EXPECT_LT(page.size(), kMiB);
    EXPECT_TRUE(has(page, " frames are left out that have less than 1/"));
    EXPECT_EQ(page, show_html(Reading(service_record(20, 20'000)).shown()))
        << "the same record, the same page";
}

TEST(Page, HasABoundHoweverLongItsNames) {
    SampleRecord sample(600);
    for (uint64_t i = 0; i < 1500; ++i) {
        uint64_t name =
            named(sample, std::to_string(i) + std::string(700, '"') + "\t" + std::string(200, '&'));
        sample.add_stack({name, name, named(sample, std::to_string(i) + std::string(200, '<'))}, 1, kMiB);
    }
    for (int i = 0; i < 16; ++i)
        sample.add_event(TARN_RECORD_EVENT_PHASE, std::string(79, '"'));
    for (uint64_t i = 0; i < 9; ++i)
        sample.add_point(sample.header().started_ns + i, kMiB, kMiB, kMiB);
    std::string page = show_html(Reading(sample).shown());
    EXPECT_LT(page.size(), kMiB);
    EXPECT_TRUE(has(page, " smaller ones are left out: "));
}

TEST(Page, OfNothing) {
    std::string page = show_html(Reading(SampleRecord()).shown());
    EXPECT_TRUE(has(page, "Nothing was written down so far.")) << page;
    EXPECT_TRUE(has(page, "Not known: nothing was sampled."));
}

Flame small_flame() {
    SampleRecord sample;
    uint64_t main = named(sample, "main"), a = named(sample, "a"), b = named(sample, "b"),
             c = named(sample, "c");
    sample.add_stack({a, main}, 1, 900);
    sample.add_stack({c, b, main}, 1, 60);
    sample.add_stack({b, main}, 1, 40);
    Reading reading(sample);
    return flame(reading.record, reading.profile);
}

TEST(Flame, TheOutermostIsTheRoot) {
    Flame whole = small_flame();
    std::vector<std::pair<std::string, uint64_t>> found;
    for (size_t i = 1; i < whole.nodes.size(); ++i)
        found.emplace_back(std::string(whole.nodes[i].depth, ' ') + whole.names[whole.nodes[i].name].function,
                           whole.nodes[i].values[0]);
    EXPECT_EQ(found, (std::vector<std::pair<std::string, uint64_t>>{
                         {" main", 1000}, {"  a", 900}, {"  b", 100}, {"   c", 60}}));
    EXPECT_EQ(whole.nodes[0].values, (Flame::Values{1000, 1000, 2000}));
}

TEST(Flame, PrunedIsSmallerAndSaysByWhatItIs) {
    Flame left = pruned(small_flame(), 5);
    EXPECT_EQ(left.nodes.size(), 3u);  // root, main, a
    EXPECT_EQ(left.dropped, 2u);
    EXPECT_EQ(left.left_out, (Flame::Values{100, 100, 200})) << "c lies in b, and counts once";
    EXPECT_EQ(left.nodes[1].values[0], 1000u);
    EXPECT_EQ(pruned(small_flame(), 100).dropped, 0u);
}

TEST(Flame, ADifferenceIsAsWideAsTheLarger) {
    SampleRecord one, other;
    one.add_stack({named(one, "gone"), named(one, "main")}, 1, 500);
    one.add_stack({named(one, "more"), named(one, "main")}, 1, 100);
    other.add_stack({named(other, "more"), named(other, "main")}, 1, 300);
    Reading before(one), after(other);
    Flame found = flame_of_difference(before.side(), after.side());
    ASSERT_EQ(found.nodes.size(), 4u);
    EXPECT_EQ(found.nodes[1].values, (Flame::Values{800, 600, 300}));
    EXPECT_EQ(found.nodes[2].values, (Flame::Values{500, 500, 0}));
    EXPECT_EQ(found.nodes[3].values, (Flame::Values{300, 100, 300}));
}

TEST(Growth, WhatIsMadeAllTheTimeAndKept) {
    Reading reading(service_record(20, 0));
    reader::Growths found = growths(reading.record, reading.profile);
    std::map<std::string, Trend> trends;
    for (const reader::Growth& growth : found.holders)
        trends[growth.holder.place.function] = growth.trend;
    EXPECT_EQ(trends["shop::Sessions::open"], Trend::kGrows);
    EXPECT_EQ(trends["shop::Catalogue::load"], Trend::kKept);
    EXPECT_EQ(trends["shop::parse"], Trend::kPassing);
    EXPECT_EQ(trends["</script><script>alert(4)</script>"], Trend::kUnknown) << "six samples";
    const reader::Growth& first = found.holders[0];
    EXPECT_EQ(first.trend, Trend::kGrows) << "those come first";
    EXPECT_NEAR(first.bytes_per_second * 60, 6.0 * kMiB, 0.1 * kMiB);
    EXPECT_EQ(cli::why_it_grows(first),
              "What is live was made all through the last 20 min 0 s: the oldest is 19 min 57 s old, half of "
              "it older than "
              "10 min 2 s, and 30.0 MiB came in the last 5 min 0 s. 100 % of all that was ever allocated "
              "here is live "
              "still; that grows by 6.0 MiB a minute.");
    EXPECT_EQ(verdict(reading.shown(), found),
              "shop::Sessions::open (sessions.cpp:38) keeps growing, by 6.0 MiB a minute, and holds 120.0 "
              "MiB of the "
              "203.0 MiB that are live.");
}

TEST(Growth, NotInTheFirstMoments) {
    SampleRecord sample;
    sample.add_stack({named(sample, "main")}, 1, 100 * kMiB);
    Reading reading(sample);
    reader::Growths found = growths(reading.record, reading.profile);
    EXPECT_TRUE(has(growth_unknown(reading.shown(), found), "too short a time"));
    EXPECT_EQ(found.holders[0].trend, Trend::kUnknown);
}

TEST(Verdict, OfWhatFillsTheMemory) {
    auto of = [](uint64_t objects, uint64_t kept, uint64_t resident) {
        SampleRecord sample;
        sample.add_point(sample.header().started_ns, objects * kMiB, kept * kMiB, resident * kMiB);
        Reading reading(sample);
        return verdict(reading.shown(), growths(reading.record, reading.profile));
    };
    EXPECT_EQ(of(90, 5, 100), "90 % of the 100.0 MiB resident at its peak are objects.");
    EXPECT_TRUE(has(of(10, 80, 100), "are free: tarn keeps 80.0 MiB for the next requests."));
    EXPECT_TRUE(has(of(10, 5, 100), "Most of the 100.0 MiB resident are not malloc's: 85.0 MiB are "));
    SampleRecord sample;
    sample.add_event(TARN_RECORD_EVENT_OUT_OF_MEMORY, "", 3 * kMiB);
    Reading reading(sample);
    EXPECT_EQ(verdict(reading.shown(), {}),
              "It ran out of memory 0 ms after the start, when 3.0 MiB were asked for.");
}

TEST(Difference, TheLargestGrowthFirstTheLargestLossLast) {
    Reading before(service_record(10, 20)), after(service_record(20, 20));
    std::vector<reader::Change> found = changes(before.side(), after.side());
    EXPECT_EQ(found.front().place.function, "shop::Sessions::open");
    EXPECT_EQ(found.front().live_bytes(), 60 * kMiB);
    EXPECT_FALSE(found.front().by_chance);
    found = changes(after.side(), before.side());
    EXPECT_EQ(found.back().place.function, "shop::Sessions::open");
    EXPECT_FALSE(found.back().grew());
}

TEST(Difference, ChanceIsSaidToBeChance) {
    auto sampled = [](uint64_t started, uint64_t bytes) {
        SampleRecord sample;
        sample.header().started_ns = started;
        sample.header().sample_interval = 512 << 10;
        sample.add_stack({named(sample, "main")}, 1, bytes);
        return sample;
    };
    auto by_chance = [&](uint64_t started, uint64_t bytes) {
        Reading before(sampled(kSecond, 100 * kMiB)), after(sampled(started, bytes));
        return changes(before.side(), after.side())[0].by_chance;
    };
    // Two runs: two standard errors of 100 MiB and 110 are 20 MiB. One process: only what was added has an error.
    EXPECT_TRUE(by_chance(2 * kSecond, 110 * kMiB));
    EXPECT_FALSE(by_chance(2 * kSecond, 130 * kMiB));
    EXPECT_FALSE(by_chance(kSecond, 110 * kMiB));
    EXPECT_TRUE(by_chance(kSecond, 101 * kMiB));
}

TEST(Anonymous, NamesOfFunctionsStayWithoutThoseOfFiles) {
    const std::pair<const char*, const char*> cases[] = {
        {"shop::open", "shop::open"},
        {"operator/", "operator/"},
        {"A<(lambda at /srv/hush.cpp:3:5)>::b", "A<(lambda at [file])>::b"},
        {"A<(lambda at hush.cpp:3:5)>::b", "A<(lambda at [file])>::b"},
        {"look at that", "look at that"},
        {"_GLOBAL__sub_I_hush.cpp", "_GLOBAL__[file]"},
        {"f</srv/hush>", "f<[path]>"},
    };
    for (auto [name, expected] : cases) {
        Reading reading{SampleRecord()};
        reading.record.modules.push_back({});
        reading.profile.locations.push_back({0, 1, false, {{name, name, "/srv/hush.cpp", 7, 1}}, {false}});
        std::map<std::string, std::string> missing;
        make_anonymous(&reading.record, &reading.profile, &missing);
        const reader::Line& line = reading.profile.locations[0].lines[0];
        EXPECT_EQ(line.function, expected);
        EXPECT_EQ(line.symbol, expected);
        EXPECT_EQ(line.file, "");
    }
}

TEST(Anonymous, OptionsThatAreNumbersOrKnownWordsStay) {
    Reading reading{SampleRecord()};
    reading.record.who.options = {"TARN_PROFILE=512k", "TARN_RECORD=hush.record", "TARN_BACKEND=map",
                                  "hush=1", "TARN_DIRTY=8hush"};
    std::map<std::string, std::string> missing = {{"/srv/hush.so", "not there any more"}};
    make_anonymous(&reading.record, &reading.profile, &missing);
    EXPECT_EQ(reading.record.who.options,
              (std::vector<std::string>{"TARN_PROFILE=512k", "TARN_RECORD=[left out]", "TARN_BACKEND=map",
                                        "[option]", "TARN_DIRTY=[left out]"}));
    EXPECT_EQ(missing.begin()->first, "[file]");
}

}  // namespace
