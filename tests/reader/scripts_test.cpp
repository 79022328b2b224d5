// SPDX-License-Identifier: MIT
// Stacks with frames of scripts: merged, and either kind alone; whose memory it is.
#include <gtest/gtest.h>

#include "reader/formats/formats.h"
#include "reader/holders.h"
#include "reader/views/anonymous.h"
#include "record_file.h"

namespace {

using namespace tarn::reader;

// Functions of an interpreter are names, too: "loop" stands for its loop.
class Scripts {
  public:
    Scripts() {
        sample_.add_module("/nonexistent/interpreter", 0x10000, 0x20000, 0x10000);
        main_ = script("<module>\t/srv/app.py", 30, true);
        load_ = script("load\t/srv/app.py", 12, true);
        decode_ = script("decode\t/usr/lib/python3.11/json/decoder.py", 337, true);
    }
    uint64_t script(const std::string& name, uint64_t line, bool placed) {
        return TARN_RECORD_FRAME_SCRIPT | (placed ? TARN_RECORD_FRAME_PLACED : 0) | line << 32 |
               sample_.add_name(name);
    }
    void add(const std::vector<uint64_t>& frames, uint64_t bytes) { sample_.add_stack(frames, 1, bytes); }
    std::string folded(Frames frames) {
        read(frames);
        return tarn::reader::folded(record, profile, Measure::kLive, Unit::kBytes);
    }
    void read(Frames frames) {
        record = read_record(RecordFile(sample_).path());
        Symbols symbols;
        profile = resolve(record, &symbols, frames);
    }
    SampleRecord& sample() { return sample_; }

    Record record;
    Profile profile;
    uint64_t main_, load_, decode_;

  private:
    SampleRecord sample_;
};

// Return addresses: of C functions, of the loop, of what called it.
constexpr uint64_t kInC = 0x10101, kLoop = 0x10201, kCalls = 0x10301;

TEST(Scripts, FramesTakeThePlaceOfTheLoop) {
    Scripts scripts;
    scripts.add({kInC, kLoop, scripts.load_, scripts.main_, kCalls}, 5);
    EXPECT_EQ(scripts.folded(Frames::kMerged),
              "interpreter+0x300;<module> app.py;load;interpreter+0x100 5\n");
    EXPECT_EQ(scripts.folded(Frames::kNative), "interpreter+0x300;interpreter+0x200;interpreter+0x100 5\n");
    EXPECT_EQ(scripts.folded(Frames::kScript), "<module> app.py;load 5\n");
}

TEST(Scripts, EachCallOfTheLoopHasItsOwn) {
    Scripts scripts;
    scripts.add({kLoop, scripts.load_, kInC, kLoop, scripts.main_, kCalls}, 5);
    EXPECT_EQ(scripts.folded(Frames::kMerged),
              "interpreter+0x300;<module> app.py;interpreter+0x100;load 5\n");
}

TEST(Scripts, WhatHasNoPlaceReplacesNothing) {
    Scripts scripts;
    uint64_t lost = scripts.script("lost\tapp.py", 3, false);
    scripts.add({kInC, kLoop, kCalls, lost}, 5);
    EXPECT_EQ(scripts.folded(Frames::kMerged),
              "lost;interpreter+0x300;interpreter+0x200;interpreter+0x100 5\n");
}

TEST(Scripts, StacksWithoutThemSaySo) {
    Scripts scripts;
    scripts.add({kInC, kCalls}, 7);
    EXPECT_EQ(scripts.folded(Frames::kScript), "[outside of the script] 7\n");
    EXPECT_EQ(scripts.folded(Frames::kMerged), "interpreter+0x300;interpreter+0x100 7\n");
}

TEST(Scripts, HoldersAreLinesOfTheProgramsOwnFiles) {
    Scripts scripts;
    scripts.add({kInC, kLoop, scripts.decode_, scripts.load_, scripts.main_, kCalls}, 9);
    scripts.read(Frames::kMerged);
    std::vector<Holder> found = holders(scripts.record, scripts.profile, Measure::kLive);
    ASSERT_EQ(found.size(), 1u);
    EXPECT_EQ(found[0].place, (Place{"load", "/srv/app.py", 12}));
    ASSERT_EQ(found[0].callers.size(), 1u);
    EXPECT_EQ(found[0].callers[0].function, "<module> app.py");
}

TEST(Scripts, FunctionsThatAllocateAreNoWrappersOfMalloc) {
    Scripts scripts;
    scripts.add({kLoop, scripts.script("my_alloc\tapp.py", 4, true), scripts.main_}, 9);
    scripts.read(Frames::kMerged);
    EXPECT_EQ(holders(scripts.record, scripts.profile, Measure::kLive)[0].place.function, "my_alloc");
}

TEST(Scripts, StrangersSeeFunctionsAndNoFiles) {
    Scripts scripts;
    scripts.add({kInC, kLoop, scripts.load_, scripts.main_, kCalls}, 5);
    scripts.read(Frames::kMerged);
    std::map<std::string, std::string> missing;
    make_anonymous(&scripts.record, &scripts.profile, &missing);
    std::string text = tarn::reader::folded(scripts.record, scripts.profile, Measure::kLive, Unit::kBytes);
    EXPECT_NE(text.find("<module>;load;"), std::string::npos) << text;
    EXPECT_EQ(text.find("app.py"), std::string::npos) << text;
}

TEST(Scripts, NamesThatAreNotThereAreNoFault) {
    Scripts scripts;
    scripts.add({kLoop, TARN_RECORD_FRAME_SCRIPT | TARN_RECORD_FRAME_PLACED | 0x7fffffff}, 5);
    EXPECT_EQ(scripts.folded(Frames::kMerged), "[unnamed] 5\n");
}

}  // namespace
