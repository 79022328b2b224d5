// SPDX-License-Identifier: MIT
// Profiles and what is made of them, from names given here: no debug information is asked.
#include <gtest/gtest.h>

#include "reader/formats/formats.h"
#include "reader/formats/protobuf.h"
#include "reader/holders.h"
#include "reader/text.h"
#include "record_file.h"

namespace {

using namespace tarn::reader;

// A profile of named frames: each stack is a list of names, the innermost first, and a number of bytes.
class Named {
  public:
    void add(const std::vector<std::string>& names, uint64_t bytes) {
        std::vector<uint64_t> frames;
        for (const std::string& name : names)
            frames.push_back(sample_.add_name(name) | TARN_RECORD_FRAME_NAME);
        sample_.add_stack(frames, 1, bytes);
    }
    SampleRecord& sample() { return sample_; }
    void resolve() {
        record = read_record(RecordFile(sample_).path());
        Symbols symbols;
        profile = tarn::reader::resolve(record, &symbols);
    }
    std::string folded(Measure measure, Unit unit = Unit::kBytes) {
        resolve();
        return tarn::reader::folded(record, profile, measure, unit);
    }

    Record record;
    Profile profile;

  private:
    SampleRecord sample_;
};

TEST(Protobuf, WireFormat) {
    Protobuf inner, outer;
    inner.number(1, 300);
    outer.message(2, inner);
    outer.number(3, 0);  // left out
    outer.text(4, "ab");
    outer.numbers(5, {1, 128, UINT64_MAX});
    outer.numbers(6, {});
    const unsigned char expected[] = {0x12, 3, 0x08, 0xac, 0x02, 0x22, 2,    'a',  'b',  0x2a, 13,   1,
                                      0x80, 1, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1};
    EXPECT_EQ(outer.bytes(), std::string(reinterpret_cast<const char*>(expected), sizeof expected));
}

TEST(Folded, OutermostFirstAndMerged) {
    Named named;
    named.add({"leaf", "middle", "main"}, 100);
    named.add({"leaf", "middle", "main"}, 50);
    named.add({"other", "main"}, 7);
    named.add({"nothing", "main"}, 0);
    EXPECT_EQ(named.folded(Measure::kLive), "main;middle;leaf 150\nmain;other 7\n");
    EXPECT_EQ(named.folded(Measure::kAllocated), "main;middle;leaf 300\nmain;other 14\n");
    EXPECT_EQ(named.folded(Measure::kLive, Unit::kObjects),
              "main;middle;leaf 2\nmain;nothing 1\nmain;other 1\n");
}

TEST(Folded, NamesThatWouldBreakTheFormat) {
    Named named;
    named.add({"a;b", "c\nd\xff"}, 5);
    EXPECT_EQ(named.folded(Measure::kLive), "c?d?;a,b 5\n");
}

TEST(Folded, CutAndUnknown) {
    Named named;
    named.add({"leaf"}, 5);
    named.sample().add_stack({0x1001}, 1, 6);
    named.sample().add_stack({}, 1, 7);
    named.sample().entry<tarn_record_stack>(TARN_RECORD_STACKS, 0).cut = 1;
    EXPECT_EQ(named.folded(Measure::kLive), "[cut];leaf 5\n[unknown] 13\n");
}

TEST(Folded, FileAndOffsetWhereThereIsNoName) {
    Named named;
    named.sample().add_module("/nonexistent/libx.so", 0x10000, 0x20000, 0xf000);
    named.sample().add_stack({0x10101, 0x10101 | TARN_RECORD_FRAME_EXACT}, 1, 6);
    EXPECT_EQ(named.folded(Measure::kLive), "libx.so+0x1101;libx.so+0x1100 6\n");
}

TEST(Profile, ModuleThatWasThereAtTheTime) {
    Named named;
    SampleRecord& sample = named.sample();
    uint64_t start = sample.header().started_ns;
    sample.add_module("/nonexistent/first.so", 0x10000, 0x20000, 0x10000);
    sample.add_module("/nonexistent/second.so", 0x10000, 0x20000, 0x10000);
    sample.entry<tarn_record_module>(TARN_RECORD_MODULES, 0).unloaded_ns = start + 500;
    sample.entry<tarn_record_module>(TARN_RECORD_MODULES, 1).loaded_ns = start + 600;
    for (uint64_t seen : {start + 100, start + 700}) {
        uint64_t number = sample.add_stack({0x10101}, 1, 1);
        auto& stack = sample.entry<tarn_record_stack>(TARN_RECORD_STACKS, number);
        stack.first_seen_ns = stack.last_seen_ns = seen;
    }
    EXPECT_EQ(named.folded(Measure::kLive), "first.so+0x100 1\nsecond.so+0x100 1\n");
}

TEST(Profile, FilesWithoutNamesAreNamed) {
    Named named;
    named.sample().add_module("/nonexistent/libx.so", 0x10000, 0x20000, 0);
    named.sample().add_stack({0x10101, 0x10201}, 1, 6);
    named.resolve();
    Symbols none;
    std::map<std::string, std::string> missing = missing_names(named.record, named.profile, none);
    EXPECT_EQ(missing["/nonexistent/libx.so"].rfind("2 have none", 0), 0u) << missing["/nonexistent/libx.so"];
}

TEST(Profile, ObjectsAreRounded) {
    Named named;
    named.add({"a"}, 1);
    auto& stack = named.sample().entry<tarn_record_stack>(TARN_RECORD_STACKS, 0);
    stack.live_objects_1024 = 1536;
    stack.allocated_objects_1024 = 1535;
    named.resolve();
    EXPECT_EQ(named.profile.traces[0].values.live_objects, 2u);
    EXPECT_EQ(named.profile.traces[0].values.allocated_objects, 1u);
}

TEST(Profile, SumsStopAtTheLargestNumber) {
    Named named;
    named.add({"a"}, 1);
    named.add({"b"}, 1);
    for (uint64_t i : {0, 1})
        named.sample().entry<tarn_record_stack>(TARN_RECORD_STACKS, i).live_bytes = UINT64_MAX - 1;
    named.resolve();
    EXPECT_EQ(named.profile.total.live_bytes, UINT64_MAX);
}

TEST(Holders, PassOverWrappersAndTheLanguage) {
    Named named;
    named.add({"operator new", "std::vector<int>::push_back\t/usr/include/c++/12/vector",
               "Table::grow\ttable.cpp", "main"},
              9);
    named.add({"malloc", "ruby_xmalloc2", "rb_ary_new", "rb_eval", "main"}, 20);
    named.add({"grow\t/rustc/abc/library/alloc/src/raw_vec.rs", "app::fill\tsrc/main.rs", "main"}, 8);
    named.add({"core::strange\tcore.cpp", "main"}, 7);
    named.add({"<u64 as core::fmt::Display>::fmt", "<app::Row as core::fmt::Display>::fmt", "main"}, 5);
    named.add({"malloc", "operator new"}, 6);
    named.resolve();
    std::vector<std::string> found;
    for (const Holder& holder : holders(named.record, named.profile, Measure::kLive))
        found.push_back(holder.place.function);
    EXPECT_EQ(found, (std::vector<std::string>{"rb_ary_new", "Table::grow", "app::fill", "core::strange",
                                               "malloc", "<app::Row as core::fmt::Display>::fmt"}));
}

TEST(Holders, OneForEachLineWithItsLargestCallers) {
    Named named;
    named.add({"load\tloader.cpp", "small", "main"}, 10);
    named.add({"load\tloader.cpp", "large", "run", "main", "far"}, 30);
    named.resolve();
    std::vector<Holder> found = holders(named.record, named.profile, Measure::kLive);
    ASSERT_EQ(found.size(), 1u);
    EXPECT_EQ(found[0].values.live_bytes, 40u);
    ASSERT_EQ(found[0].callers.size(), 3u);
    EXPECT_EQ(found[0].callers[0].function, "large");
    EXPECT_EQ(found[0].callers[2].function, "main");
}

TEST(Text, Printable) {
    EXPECT_EQ(printable("plain ä €"), "plain ä €");
    EXPECT_EQ(printable("\x1b[31m\x7f\n"), "?[31m??");
    EXPECT_EQ(printable("\xc0\xaf"), "??");            // overlong
    EXPECT_EQ(printable("\xed\xa0\x80"), "???");       // a surrogate
    EXPECT_EQ(printable("\xf4\x90\x80\x80"), "????");  // past the last
    EXPECT_EQ(printable("\xc2\x9b"), "??");            // a control character of terminals
    EXPECT_EQ(printable("\xf0\x9f\x8c"), "???");       // cut off
    EXPECT_EQ(printable("🌲"), "🌲");
}

}  // namespace
