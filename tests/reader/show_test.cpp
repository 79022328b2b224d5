// SPDX-License-Identifier: MIT
// What `tarn report` says.
#include <gtest/gtest.h>

#include <cstring>
#include <nlohmann/json.hpp>

#include "cli/common/curve.h"
#include "cli/report/shown.h"
#include "record_file.h"

namespace {

using namespace tarn;
using cli::Column;

constexpr uint64_t kMiB = 1 << 20, kSecond = 1'000'000'000;

struct Reading {
    explicit Reading(SampleRecord& sample, reader::Fate fate = reader::Fate::kEnded)
        : record(reader::read_record(RecordFile(sample).path())),
          state{fate, 12 * kSecond, "its first thread is asleep"} {
        profile = resolve(record, &symbols);
    }
    cli::Shown shown() const { return {record, state, profile, {}}; }
    std::string text(const cli::Terminal& terminal = {}) const { return show_text(shown(), {}, terminal); }

    reader::Record record;
    reader::State state;
    reader::Symbols symbols;
    reader::Profile profile;
};

bool has(const std::string& text, const std::string& part) {
    return text.find(part) != std::string::npos;
}

// Grows to 40 MiB after 3 s and back to 10; the last snapshot is the last point's.
SampleRecord waves() {
    SampleRecord sample;
    uint64_t start = sample.header().started_ns = kSecond;
    for (uint64_t i = 0; i <= 50; ++i)
        sample.add_point(start + i * kSecond / 10, (i <= 30 ? i : 10) * kMiB, 2 * kMiB,
                         (i <= 30 ? i + 10 : 40) * kMiB);
    sample.header().ended_ns = start + 5 * kSecond;
    uint64_t name = sample.add_name("load\tloader.py") | 33ull << 32 | TARN_RECORD_FRAME_NAME;
    sample.add_stack({name, sample.add_name("main") | TARN_RECORD_FRAME_NAME}, 3, 9 * kMiB);
    return sample;
}

TEST(Show, WhatFillsTheMemory) {
    SampleRecord sample = waves();
    std::string text = Reading(sample).text();
    EXPECT_TRUE(
        has(text,
            "at its peak, 3.0 s after the start: 40.0 MiB = 30.0 MiB objects + 2.0 MiB kept by tarn + "
            "8.0 MiB not malloc's\n"))
        << text;
    EXPECT_TRUE(
        has(text, "at the end: 40.0 MiB = 10.0 MiB objects + 2.0 MiB kept by tarn + 28.0 MiB not malloc's\n"))
        << text;
    EXPECT_LT(text.find("Resident memory"), text.find("load  loader.py:33"));
    EXPECT_TRUE(has(text, "9.0 MiB 100 %  load  loader.py:33")) << text;
    EXPECT_TRUE(has(text, "3 objects, called by main\n")) << text;
}

TEST(Show, ObjectsThatWereNeverTouched) {
    SampleRecord sample;
    sample.add_point(sample.header().started_ns, 100 * kMiB, 2 * kMiB, 12 * kMiB);
    std::string text = Reading(sample).text();
    EXPECT_TRUE(
        has(text,
            "12.0 MiB = 100.0 MiB objects + 2.0 MiB kept by tarn + 0 B not malloc's - 90.0 MiB of objects "
            "that were never touched"))
        << text;
}

TEST(Show, WhenItWasLastLookedAt) {
    SampleRecord sample = waves();
    std::string text = Reading(sample, reader::Fate::kSilent).text();  // 12 s of silence
    EXPECT_TRUE(has(text, "last looked at 5.0 s after the start: 40.0 MiB = ")) << text;
}

TEST(Show, HowItEnded) {
    SampleRecord sample = waves();
    const std::pair<reader::Fate, const char*> cases[] = {
        {reader::Fate::kRunning, "running for 17.0 s"},
        {reader::Fate::kSilent,
         "silent for 12.0 s after 5.0 s: idle, or it hangs (its first thread is asleep)"},
        {reader::Fate::kHalted, ", 5.0 s after its start"},
        {reader::Fate::kEnded, "ended after 5.0 s"},
        {reader::Fate::kReplaced, "became another program, by exec, after 5.0 s"},
        {reader::Fate::kKilled, "killed after 5.0 s"},
        {reader::Fate::kUnwritten, "not written any more after 5.0 s"},
    };
    for (auto [fate, words] : cases) {
        std::string text = Reading(sample, fate).text();
        EXPECT_TRUE(has(text.substr(0, text.find('\n')), words)) << text;
    }
}

TEST(Show, NothingSampled) {
    SampleRecord sample;
    EXPECT_TRUE(has(Reading(sample).text(), "nothing was sampled yet, at one in 4.0 KiB"));
    sample.header().sample_interval = 0;
    EXPECT_TRUE(has(Reading(sample).text(), "TARN_PROFILE=512k beside TARN_RECORD says who allocates"));
}

TEST(Show, Events) {
    SampleRecord sample = waves();
    sample.add_event(TARN_RECORD_EVENT_OUT_OF_MEMORY, "", 3 * kMiB);
    sample.entry<tarn_record_event>(TARN_RECORD_EVENTS, 0).stack = 1;
    sample.add_event(TARN_RECORD_EVENT_PHASE, "serving");
    sample.add_event(99, "of a later version");
    std::string text = Reading(sample).text();
    EXPECT_TRUE(has(text, "out of memory: 3.0 MiB asked for, in load  loader.py:33\n")) << text;
    EXPECT_TRUE(has(text, "phase: serving\n")) << text;
    EXPECT_TRUE(has(text, "event 99: of a later version\n")) << text;
}

TEST(Show, ColourOnlyWhereAsked) {
    SampleRecord sample = waves();
    Reading reading(sample, reader::Fate::kKilled);
    EXPECT_FALSE(has(reading.text(), "\033"));
    cli::Terminal terminal;
    terminal.colour = true;
    EXPECT_TRUE(has(reading.text(terminal), "\033[1;31mkilled\033[0m"));
}

TEST(Show, Json) {
    SampleRecord sample = waves();
    auto all = nlohmann::json::parse(show_json(Reading(sample).shown()));
    EXPECT_EQ(all["process"]["state"], "ended");
    EXPECT_EQ(all["memory"]["peak"]["objects"], 30 * kMiB);
    EXPECT_EQ(all["memory"]["peak"]["other"], 8 * kMiB);
    EXPECT_EQ(all["timeline"].size(), 51u);
    EXPECT_EQ(all["holders"][0]["file"], "loader.py");
    EXPECT_EQ(all["holders"][0]["line"], 33);
    EXPECT_EQ(all["holders"][0]["live_bytes"], 9 * kMiB);
    EXPECT_EQ(all["holders"][0]["callers"][0]["function"], "main");
}

TEST(Show, TheMachine) {
    SampleRecord sample = waves();
    std::strcpy(sample.who().kernel, "6.1.0-31\033[2Jx");
    sample.who().processors = 1;
    sample.who().memory = 8192 * kMiB;
    sample.who().memory_limit = 512 * kMiB;
    sample.who().page_size = 16384;
    Reading reading(sample);
    EXPECT_TRUE(
        has(reading.text(),
            "\n  kernel 6.1.0-31?[2Jx, 1 processor, 8.0 GiB of memory, a limit of 512.0 MiB by the control "
            "group, pages of 16.0 KiB\n"))
        << reading.text();
    auto machine = nlohmann::json::parse(show_json(reading.shown()))["process"]["machine"];
    EXPECT_EQ(machine["kernel"], "6.1.0-31?[2Jx");
    EXPECT_EQ(machine["processors"], 1);
    EXPECT_EQ(machine["memory"], 8192 * kMiB);
    EXPECT_EQ(machine["memory_limit"], 512 * kMiB);
    EXPECT_EQ(machine["page_size"], 16384);
}

TEST(Show, RecordsOfBeforeSayNothingOfTheMachine) {
    SampleRecord sample = waves();
    sample.section(TARN_RECORD_WHO).entry_size = offsetof(tarn_record_who, kernel);
    std::strcpy(sample.who().kernel, "what lies behind");
    sample.who().memory = sample.who().memory_limit = sample.who().processors = 7;
    Reading reading(sample);
    EXPECT_TRUE(reading.record.notes.empty());
    EXPECT_EQ(reading.record.who.program, "sample");
    EXPECT_FALSE(has(reading.text(), "kernel ") || has(reading.text(), "of memory")) << reading.text();
    auto machine = nlohmann::json::parse(show_json(reading.shown()))["process"]["machine"];
    EXPECT_EQ(machine["kernel"], "");
    EXPECT_TRUE(machine["processors"].is_null() && machine["memory"].is_null() &&
                machine["memory_limit"].is_null());
}

TEST(Curve, ColumnsHoldTheMostAndGoOnWithoutPoints) {
    std::vector<tarn_record_point> points(4);
    const uint64_t times[] = {5, 12, 13, 35}, objects[] = {1, 9, 4, 2};
    for (size_t i = 0; i < 4; ++i)
        points[i] = {times[i], objects[i], 0, 0, 10 * objects[i], 0};
    std::vector<Column> made = cli::columns(points, 10, 50, 4);
    std::vector<uint64_t> found;
    for (const Column& column : made)
        found.push_back(column.objects);
    EXPECT_EQ(found, (std::vector<uint64_t>{9, 4, 2, 2}));
    EXPECT_EQ(made[0].resident, 90u);
}

TEST(Curve, Rows) {
    std::vector<Column> made = {{0, 0}, {8, 16}, {16, 16}, {1, 8}};
    EXPECT_EQ(cli::rows(made, 16, 2, false), (std::vector<std::string>{" .#", " ##."}));
    EXPECT_EQ(cli::rows(made, 16, 2, true), (std::vector<std::string>{" ░█", " ██░"}));
    EXPECT_EQ(cli::rows({{3, 3}}, 8, 1, true), (std::vector<std::string>{"▃"}));
}

TEST(Words, Numbers) {
    EXPECT_EQ(cli::bytes_word(0), "0 B");
    EXPECT_EQ(cli::bytes_word(1023), "1023 B");
    EXPECT_EQ(cli::bytes_word(1536), "1.5 KiB");
    EXPECT_EQ(cli::bytes_word(kMiB - 1), "1.0 MiB");
    EXPECT_EQ(cli::bytes_word(UINT64_MAX), "16.0 EiB");
    EXPECT_EQ(cli::time_word(850'000'000), "850 ms");
    EXPECT_EQ(cli::time_word(12 * kSecond + 345'000'000), "12.3 s");
    EXPECT_EQ(cli::time_word(250 * kSecond), "4 min 10 s");
    EXPECT_EQ(cli::time_word(7500 * kSecond), "2 h 5 min");
    EXPECT_EQ(cli::number_word(1234567), "1,234,567");
    EXPECT_EQ(cli::number_word(999), "999");
    EXPECT_EQ(cli::share_word(1, 1000), "< 1 %");
    EXPECT_EQ(cli::share_word(1, 4), "25 %");
    EXPECT_EQ(cli::share_word(1, 0), "");
}

TEST(Words, CutBetweenCharacters) {
    EXPECT_EQ(cli::cut("abcdef", 6), "abcdef");
    EXPECT_EQ(cli::cut("abcdef", 4), "abc~");
    EXPECT_EQ(cli::cut("äöüß", 3), "äö~");
}

TEST(Words, ShortNames) {
    EXPECT_EQ(cli::short_name("main"), "main");
    EXPECT_EQ(
        cli::short_name(
            "std::vector<std::__cxx11::basic_string<char, std::char_traits<char>, std::allocator<char> >, "
            "std::allocator<std::__cxx11::basic_string<char, std::char_traits<char>, std::allocator<char> > "
            "> >::push_back"),
        "std::vector<...>::push_back");
    EXPECT_EQ(cli::short_name("operator<< <some::very::long::type::name::that::goes::on, and::on::and::on>"),
              "operator<< <some::very::long::type::name::that::goes::on, and::on::and::on>");
    EXPECT_EQ(
        cli::short_name("<alloc::vec::Vec<my::own::type::of::some::length> as core::clone::Clone>::clone"),
        "<alloc::vec::Vec<...> as core::clone::Clone>::clone");
}

}  // namespace
