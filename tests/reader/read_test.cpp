// SPDX-License-Identifier: MIT
// Records that are whole, in all states, and what is left of those that are not.
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <csignal>
#include <cstring>
#include <memory>

#include "reader/fate.h"
#include "reader/record.h"
#include "record_file.h"
#include "sample_record.h"

namespace {

using namespace tarn::reader;

std::string why_unreadable(const std::string& path) {
    try {
        read_record(path);
    } catch (const Unreadable& error) {
        std::string why = error.what();
        EXPECT_EQ(why.find('\n'), std::string::npos) << why;
        EXPECT_EQ(why.rfind(path + ": ", 0), 0u) << why;
        return why.substr(path.size() + 2);
    }
    return "";
}

bool has_note(const Record& record, const std::string& part) {
    for (const std::string& note : record.notes)
        if (note.find(part) != std::string::npos) return true;
    return false;
}

// A child that does not outlive the test, however that ends.
class Child {
  public:
    template <class Body>
    explicit Child(Body body) : pid_(fork()) {
        if (pid_ != 0) return;
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        for (;;)
            body();
    }
    ~Child() {
        kill(pid_, SIGKILL);
        waitpid(pid_, nullptr, 0);
    }
    pid_t pid() const { return pid_; }

  private:
    pid_t pid_;
};

TEST(Read, All) {
    SampleRecord sample;
    sample.add_module("/lib/a.so", 0x1000, 0x2000, 0x800);
    sample.add_module("", 0x5000, 0x6000, 0x5000);
    sample.add_stack({0x1010, 0x5010}, 3, 300);
    sample.add_stack({0x1020}, 1, 100);
    sample.add_sample(1, 0xabcd00, 100);
    sample.add_event(TARN_RECORD_EVENT_PHASE, "loading");
    sample.add_point(10, 100, 20, 200);
    sample.add_point(20, 150, 20, 300);
    auto stats = std::make_unique<tarn_stats>();
    stats->live_bytes = 77;
    stats->classes = 2;
    sample.set_snapshot(1, *stats);
    stats->live_bytes = 88;
    sample.set_snapshot(2, *stats);
    RecordFile file(sample);

    Record record = read_record(file.path());
    EXPECT_TRUE(record.notes.empty());
    EXPECT_EQ(record.who.program, "sample");
    EXPECT_EQ(record.who.arguments, (std::vector<std::string>{"sample", "--size", " 5"}));
    EXPECT_EQ(record.who.options, (std::vector<std::string>{"TARN_PROFILE=4096"}));
    ASSERT_EQ(record.modules.size(), 2u);
    EXPECT_EQ(record.modules[0].load_bias, 0x800u);
    EXPECT_EQ(record.modules[1].path, record.who.executable);
    ASSERT_EQ(record.stacks.size(), 2u);
    EXPECT_EQ(record.stacks[0].frames, (std::vector<uint64_t>{0x1010, 0x5010}));
    EXPECT_EQ(record.stacks[0].live.bytes, 300u);
    EXPECT_EQ(record.stacks[0].allocated.objects_1024, 6u * 1024);
    ASSERT_EQ(record.samples.size(), 1u);
    EXPECT_EQ(record.samples[0].address, 0xabcd00u);
    ASSERT_EQ(record.events.size(), 1u);
    EXPECT_EQ(record.events[0].text, "loading");
    ASSERT_EQ(record.points.size(), 2u);
    EXPECT_EQ(record.points[1].resident, 300u);
    ASSERT_TRUE(record.stats);
    EXPECT_EQ(record.stats->live_bytes, 88u);
    EXPECT_EQ(record.snapshot_number, 2u);
    EXPECT_EQ(record.interval(), 4096u);
}

TEST(Read, NoRecords) {
    EXPECT_EQ(why_unreadable("/nonexistent/file"), "No such file or directory");
    EXPECT_NE(why_unreadable("/proc"), "");
    EXPECT_NE(why_unreadable("/dev/null").find("not a file"), std::string::npos);
    RecordFile empty("");
    EXPECT_NE(why_unreadable(empty.path()).find("empty"), std::string::npos);
    RecordFile text("root:x:0:0:root:/root:/bin/bash\n");
    EXPECT_NE(why_unreadable(text.path()).find("not a record"), std::string::npos);
}

TEST(Read, MagicNotYetWritten) {
    SampleRecord sample;
    sample.header().magic = 0;
    EXPECT_NE(why_unreadable(RecordFile(sample).path()).find("begun and not finished"), std::string::npos);
}

TEST(Read, LaterFormat) {
    SampleRecord sample;
    sample.header().version = TARN_RECORD_VERSION + 1;
    std::string why = why_unreadable(RecordFile(sample).path());
    EXPECT_NE(why.find("format 2"), std::string::npos) << why;
    EXPECT_NE(why.find("use that of the tarn which wrote it"), std::string::npos) << why;
}

TEST(Read, HeaderCutOff) {
    SampleRecord sample;
    sample.bytes().resize(sizeof(tarn_record_header) - 1);
    EXPECT_NE(why_unreadable(RecordFile(sample).path()).find("cut off"), std::string::npos);
}

TEST(Read, CutOffInASection) {
    SampleRecord sample;
    for (uint64_t i = 0; i < 10; ++i)
        sample.add_stack({0x1000 + i}, 1, 100);
    const tarn_record_section& stacks = sample.section(TARN_RECORD_STACKS);
    sample.bytes().resize(stacks.offset + 4 * stacks.entry_size + 5);
    Record record = read_record(RecordFile(sample).path());
    EXPECT_EQ(record.stacks.size(), 4u);
    EXPECT_TRUE(has_note(record, "stacks: the file ends after 4 of 10"));
    EXPECT_TRUE(has_note(record, "the frames of 4 are missing"));
    EXPECT_EQ(record.stacks[0].live.bytes, 100u);  // what is known of them holds
    EXPECT_TRUE(record.stacks[0].cut);
}

TEST(Read, EntriesOfALaterVersionAreLarger) {
    SampleRecord sample;
    sample.add_stack({0x1000}, 1, 100);
    sample.add_sample(0, 0x10, 16);
    tarn_record_section& samples = sample.section(TARN_RECORD_SAMPLES);
    samples.entry_size = 2 * sizeof(tarn_record_sample);
    samples.capacity /= 2;
    samples.count = 2;
    sample.entry<tarn_record_sample>(TARN_RECORD_SAMPLES, 1) = {2, 0x20, 16, 1024, 16, 1, 0, 1, 0};
    Record record = read_record(RecordFile(sample).path());
    ASSERT_EQ(record.samples.size(), 2u);
    EXPECT_EQ(record.samples[1].address, 0x20u);
}

TEST(Read, OutlineHasTheLastPoints) {
    SampleRecord sample;
    for (uint64_t i = 1; i <= 100; ++i)
        sample.add_point(i, 10 * i, 1, 20 * i);
    auto stats = std::make_unique<tarn_stats>();
    stats->live_bytes = 77;
    sample.set_snapshot(3, *stats);
    sample.add_stack({0x1000}, 1, 100);
    RecordFile file(sample);
    Input input(file.path());
    for (size_t most : {0u, 1u, 40u, 100u, 5000u}) {
        Record outline = read_outline(input, most);
        size_t count = std::min<size_t>(most, 100);
        ASSERT_EQ(outline.points.size(), count);
        if (count != 0) {
            EXPECT_EQ(outline.points.front().time_ns, 101 - count);
            EXPECT_EQ(outline.points.back().resident, 2000u);
        }
        EXPECT_EQ(outline.snapshot_number, 3u);
        EXPECT_EQ(outline.stats->live_bytes, 77u);
        EXPECT_EQ(outline.who.pid, read_record(input).who.pid);
        EXPECT_TRUE(outline.stacks.empty() && outline.notes.empty());
    }
    // The higher copy alone counts.
    auto& copy = sample.entry<tarn_record_timeline>(TARN_RECORD_TIMELINE, 1);
    copy.sequence = 1'000'000;
    copy.count = 1;
    copy.points[0] = {5, 6, 7, 8, 9, 10};
    RecordFile halved(sample);
    Record outline = read_outline(Input(halved.path()), 40);
    ASSERT_EQ(outline.points.size(), 1u);
    EXPECT_EQ(outline.points[0].time_ns, 5u);
}

TEST(Read, UnknownSectionsAreLeftAlone) {
    SampleRecord sample;
    sample.section(TARN_RECORD_SAMPLES).kind = 77;
    Record record = read_record(RecordFile(sample).path());
    EXPECT_TRUE(record.notes.empty());
}

TEST(Read, CopyThatIsHalfWritten) {
    SampleRecord sample;
    auto stats = std::make_unique<tarn_stats>();
    stats->live_bytes = 1;
    sample.set_snapshot(1, *stats);
    stats->live_bytes = 2;
    sample.set_snapshot(2, *stats);
    sample.entry<tarn_record_snapshot>(TARN_RECORD_SNAPSHOT, 0).sequence = 5;  // killed while it wrote
    Record record = read_record(RecordFile(sample).path());
    ASSERT_TRUE(record.stats);
    EXPECT_EQ(record.stats->live_bytes, 1u);
}

TEST(Read, RingOfEvents) {
    SampleRecord sample;
    for (int i = 0; i < 40; ++i)
        sample.add_event(TARN_RECORD_EVENT_TRIM, std::to_string(i));
    sample.entry<tarn_record_event>(TARN_RECORD_EVENTS, 37 % 16).sequence = 2 * 37 + 1;  // being written
    Record record = read_record(RecordFile(sample).path());
    ASSERT_EQ(record.events.size(), 15u);
    EXPECT_EQ(record.events.front().text, "24");
    EXPECT_EQ(record.events.back().text, "39");
    EXPECT_EQ(record.events_lost, 24u);
}

TEST(Read, PeakIsKeptLazily) {
    SampleRecord sample;
    sample.header().peak_number = 7;
    for (uint64_t at : {6, 7}) {
        uint64_t number = sample.add_stack({0x1000}, 1, 100);
        auto& stack = sample.entry<tarn_record_stack>(TARN_RECORD_STACKS, number);
        stack.peak_at = at;
        stack.peak_bytes = 900;
    }
    Record record = read_record(RecordFile(sample).path());
    EXPECT_EQ(record.stacks[0].peak.bytes, 100u);  // nothing changed here since the newest peak
    EXPECT_EQ(record.stacks[1].peak.bytes, 900u);
}

TEST(Read, Names) {
    SampleRecord sample;
    uint64_t place = sample.add_name("load\tloader.py");
    uint64_t bare = sample.add_name("request");
    Record record = read_record(RecordFile(sample).path());
    Named named = named_frame(record, TARN_RECORD_FRAME_NAME | 33ull << 32 | place);
    EXPECT_EQ(named.name, "load");
    EXPECT_EQ(named.file, "loader.py");
    EXPECT_EQ(named.line, 33u);
    EXPECT_EQ(named_frame(record, TARN_RECORD_FRAME_NAME | bare).name, "request");
    EXPECT_EQ(named_frame(record, TARN_RECORD_FRAME_NAME | 0xffffffff).name, "");
    EXPECT_EQ(named_frame(record, TARN_RECORD_FRAME_NAME | (place + 1)).name, "");
}

TEST(Read, SamplingThatWasStopped) {
    SampleRecord sample;
    sample.header().sample_interval = 0;
    sample.add_event(TARN_RECORD_EVENT_SAMPLING, "", 1 << 20);
    sample.add_event(TARN_RECORD_EVENT_SAMPLING, "", 0);
    EXPECT_EQ(read_record(RecordFile(sample).path()).interval(), 1u << 20);
}

// A file of a TiB that nobody wrote to, which says that it is full.
TEST(Read, ForgedCountsAreBounded) {
    SampleRecord sample;
    for (tarn_record_section& section : sample.header().sections) {
        if (section.kind == 0) break;
        section.capacity = section.count = 1ull << 32;
    }
    RecordFile file(sample);
    ASSERT_EQ(truncate(file.path().c_str(), 1ll << 40), 0);
    Record record = read_record(file.path());
    EXPECT_LE(record.stacks.size(), 1u << 20);
    EXPECT_LE(record.names.size(), 1u << 24);
    EXPECT_TRUE(has_note(record, "more than there can be"));
}

// A process writes snapshots and the time line as tarn does, as fast as it can; what is read is always of one piece.
TEST(Read, WhileItIsWritten) {
    SampleRecord sample;
    RecordFile file(sample);
    auto* all = static_cast<char*>(
        mmap(nullptr, sample.bytes().size(), PROT_READ | PROT_WRITE, MAP_SHARED, file.descriptor(), 0));
    ASSERT_NE(all, MAP_FAILED);
    auto* copies = reinterpret_cast<tarn_record_snapshot*>(all + sample.section(TARN_RECORD_SNAPSHOT).offset);
    uint64_t written = 0;
    Child child([&] {
        uint64_t next = ++written;
        tarn_record_snapshot* copy = copies + next % 2;
        std::atomic_ref<uint64_t> sequence(copy->sequence);
        sequence.store(2 * next - 1, std::memory_order_relaxed);
        std::atomic_thread_fence(std::memory_order_release);
        copy->number = copy->stats.allocations = copy->stats.other_bytes = next;
        for (tarn_class_stats& one : copy->stats.class_stats)
            one.allocations = one.slab_bytes = next;
        sequence.store(2 * next, std::memory_order_release);
    });
    uint64_t last = 0, distinct = 0;
    // The scheduler may leave the writer out for long.
    uint64_t deadline = monotonic_ns() + 60'000'000'000;
    for (int i = 0; i < 2000 || (distinct < 10 && monotonic_ns() < deadline); ++i) {
        Record record = read_record(file.path());
        if (!record.stats) continue;
        uint64_t number = record.snapshot_number;
        ASSERT_EQ(record.stats->allocations, number);
        ASSERT_EQ(record.stats->other_bytes, number);
        for (const tarn_class_stats& one : record.stats->class_stats) {
            ASSERT_EQ(one.allocations, number);
            ASSERT_EQ(one.slab_bytes, number);
        }
        ASSERT_GE(number, last);
        distinct += number != last;
        last = number;
    }
    munmap(all, sample.bytes().size());
    EXPECT_GE(distinct, 10u);
}

Fate fate(SampleRecord& sample) {
    RecordFile file(sample);
    Input input(file.path());
    return state_of(read_record(input), input).fate;
}

TEST(Fate, OfAProcessThatIsThere) {
    SampleRecord sample;
    sample.header().started_ns = monotonic_ns();
    EXPECT_EQ(fate(sample), Fate::kRunning);
    sample.header().started_ns = monotonic_ns() - 60'000'000'000;
    EXPECT_EQ(fate(sample), Fate::kSilent);
    sample.header().state = TARN_RECORD_STOPPED;
    EXPECT_EQ(fate(sample), Fate::kUnwritten);
}

TEST(Fate, ToldByTheProcess) {
    SampleRecord sample;
    sample.header().state = TARN_RECORD_ENDED;
    EXPECT_EQ(fate(sample), Fate::kEnded);
    sample.header().state = TARN_RECORD_EXECED;
    EXPECT_EQ(fate(sample), Fate::kReplaced);
}

TEST(Fate, KilledWhenAnotherProcessHasTheNumber) {
    SampleRecord sample;
    sample.who().start_ticks += 1;
    EXPECT_EQ(fate(sample), Fate::kKilled);
}

TEST(Fate, RunningInAContainer) {
    SampleRecord sample;
    sample.header().started_ns = monotonic_ns();
    sample.who().pid = 0x7fffffff;
    RecordFile file(sample);
    Input input(file.path());
    EXPECT_EQ(state_of(read_record(input), input).fate, Fate::kKilled);
    void* mapped = mmap(nullptr, 4096, PROT_READ, MAP_SHARED, file.descriptor(), 0);
    ASSERT_NE(mapped, MAP_FAILED);
    EXPECT_EQ(state_of(read_record(input), input).fate, Fate::kRunning);
    munmap(mapped, 4096);
}

TEST(Fate, WhatIsKnownIsNotLookedForAgain) {
    SampleRecord sample;
    sample.header().started_ns = monotonic_ns();
    sample.who().pid = 0x7fffffff;
    RecordFile file(sample);
    Input input(file.path());
    void* mapped = mmap(nullptr, 4096, PROT_READ, MAP_SHARED, file.descriptor(), 0);
    ASSERT_NE(mapped, MAP_FAILED);
    Mappings mappings;
    Known known;
    EXPECT_EQ(state_of(read_record(input), input, &mappings, &known).fate, Fate::kRunning);
    EXPECT_EQ(known.number, std::to_string(getpid()));
    munmap(mapped, 4096);
    Mappings none;
    EXPECT_EQ(state_of(read_record(input), input, &none, &known).fate, Fate::kRunning);
    known = {};
    EXPECT_EQ(state_of(read_record(input), input, &none, &known).fate, Fate::kKilled);
    EXPECT_TRUE(known.gone);
}

TEST(Fate, ChildrenKilledAndHalted) {
    Child child([] { pause(); });
    SampleRecord sample;
    sample.header().started_ns = monotonic_ns();
    sample.set_process(child.pid());
    EXPECT_EQ(fate(sample), Fate::kRunning);
    kill(child.pid(), SIGSTOP);
    waitpid(child.pid(), nullptr, WUNTRACED);
    EXPECT_EQ(fate(sample), Fate::kHalted);
    kill(child.pid(), SIGKILL);
    siginfo_t info;
    waitid(P_PID, static_cast<id_t>(child.pid()), &info, WEXITED | WNOWAIT);
    EXPECT_EQ(fate(sample), Fate::kKilled);  // nobody has asked how it ended
}

}  // namespace
