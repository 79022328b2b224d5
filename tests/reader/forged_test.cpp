// SPDX-License-Identifier: MIT
// Files that anybody may have written: a sound record of which bytes were changed at random, or that was cut off. Reading
// it, and everything that is made of it, ends with a report or with one line, within bounds. Under sanitizers no byte is
// read that is not there.
#include <gtest/gtest.h>

#include <cstdlib>
#include <cstring>
#include <random>

#include "cli/report/shown.h"
#include "reader/fate.h"
#include "reader/formats/formats.h"
#include "reader/text.h"
#include "reader/views/anonymous.h"
#include "record_file.h"

namespace {

using namespace tarn;

SampleRecord rich() {
    SampleRecord sample;
    sample.add_own_modules();
    auto here = reinterpret_cast<uint64_t>(&rich);
    auto libc = reinterpret_cast<uint64_t>(&std::qsort);
    uint64_t name = sample.add_name("load\tloader.py") | 33ull << 32 | TARN_RECORD_FRAME_NAME;
    for (uint64_t i = 0; i < 30; ++i)
        sample.add_stack({here + i, libc + 8, name, 0x10, (here + 4) | TARN_RECORD_FRAME_EXACT}, i, 1000 * i);
    for (uint32_t i = 0; i < 40; ++i)
        sample.add_sample(i % 30, 0x10000 + i * 64, 64);
    for (uint32_t kind = 0; kind < 24; ++kind) {
        uint64_t number = sample.add_event(kind % 9, "some text", 4096);
        sample.entry<tarn_record_event>(TARN_RECORD_EVENTS, number % 16).stack = kind % 3;
    }
    for (uint64_t i = 0; i < 200; ++i)
        sample.add_point(sample.header().started_ns + i * 5'000'000, i << 16, 1 << 16, (i << 16) + (1 << 20));
    static tarn_stats stats;
    stats.live_bytes = 13 << 20;
    stats.classes = TARN_SIZE_CLASSES_MAX;
    std::memset(stats.class_stats, 1, sizeof stats.class_stats);
    sample.set_snapshot(1, stats);
    sample.set_snapshot(2, stats);
    return sample;
}

class Mutator {
  public:
    Mutator(const SampleRecord& sound, uint32_t seed) : sample_(sound), random_(seed) {}

    SampleRecord& mutated() {
        for (uint64_t i = 1 + below(6); i != 0; --i) {
            switch (below(4)) {
                case 0:
                    number_at(below(sizeof(tarn_record_header) / 4) * 4);
                    break;
                case 1:
                    number_at(in_a_section() / 4 * 4);
                    break;
                case 2:
                    sample_.bytes()[in_a_section()] = static_cast<char>(random_());
                    break;
                default:
                    bytes_at(in_a_section());
                    break;
            }
        }
        if (below(4) == 0) sample_.bytes().resize(below(sample_.bytes().size() + 1));
        // Most of the cases are about what comes behind it.
        if (below(16) != 0 && sample_.bytes().size() >= sizeof(tarn_record_header)) {
            sample_.header().magic = TARN_RECORD_MAGIC;
            sample_.header().version = TARN_RECORD_VERSION;
            sample_.header().header_size = sizeof(tarn_record_header);
        }
        return sample_;
    }

  private:
    uint64_t below(uint64_t end) { return std::uniform_int_distribution<uint64_t>(0, end - 1)(random_); }

    // In the first entries of one of the sections, which are those in use.
    uint64_t in_a_section() {
        const tarn_record_section& section = sample_.header().sections[below(9)];
        return std::min(section.offset, sample_.bytes().size() - 1) < section.offset
                   ? below(sample_.bytes().size())
                   : std::min<uint64_t>(section.offset + below(4096), sample_.bytes().size() - 1);
    }

    void number_at(uint64_t offset) {
        const uint64_t interesting[] = {0,
                                        1,
                                        2,
                                        7,
                                        63,
                                        64,
                                        1 << 16,
                                        UINT32_MAX,
                                        1ull << 32,
                                        1ull << 62,
                                        1ull << 63,
                                        UINT64_MAX,
                                        UINT64_MAX - 1,
                                        UINT64_MAX / 2,
                                        sample_.bytes().size()};
        uint64_t number = interesting[below(std::size(interesting))];
        size_t bytes = below(2) == 0 ? 4 : 8;
        if (offset + bytes <= sample_.bytes().size())
            std::memcpy(sample_.bytes().data() + offset, &number, bytes);
    }

    void bytes_at(uint64_t offset) {
        for (uint64_t i = offset; i < std::min(offset + below(64), sample_.bytes().size()); ++i)
            sample_.bytes()[i] = static_cast<char>(random_());
    }

    SampleRecord sample_;
    std::mt19937 random_;
};

void expect_sound(const reader::Record& record) {
    for (const reader::Sample& sample : record.samples)
        ASSERT_LT(sample.stack, record.stacks.size());
    for (const reader::Event& event : record.events)
        ASSERT_TRUE(!event.stack || *event.stack < record.stacks.size());
    for (size_t i = 1; i < record.points.size(); ++i)
        ASSERT_LE(record.points[i - 1].time_ns, record.points[i].time_ns);
    for (const reader::Stack& stack : record.stacks)
        ASSERT_LE(stack.frames.size(), 4096u);
    for (const reader::Module& module : record.modules)
        ASSERT_LT(module.begin, module.end);
}

void expect_printable(const std::string& text) {
    std::string lines = text;
    for (char& letter : lines)
        if (letter == '\n') letter = ' ';
    ASSERT_EQ(reader::printable(lines), lines);
}

// Its page, and that of its difference from a sound one; then the same for strangers.
void expect_pages(const cli::Shown& shown, const reader::Side& side, const reader::Side& sound) {
    constexpr size_t kMost = 1 << 20;
    std::string page = show_html(shown);
    expect_printable(page);
    ASSERT_LT(page.size(), kMost);
    cli::Shown before{sound.record, shown.state, sound.profile, {}};
    cli::Compared compared{before, shown, "A", "B", changes(sound, side)};
    expect_printable(show_text(compared, {}, {}));
    expect_printable(show_json(compared));
    ASSERT_LT(show_html(compared).size(), kMost);
    reader::Record record = side.record;
    reader::Profile profile = side.profile;
    std::map<std::string, std::string> missing = shown.missing;
    make_anonymous(&record, &profile, &missing);
    expect_printable(show_html(cli::Shown{record, shown.state, profile, missing}));
}

TEST(Forged, EverythingEndsWithinBounds) {
    SampleRecord sound = rich();
    const reader::Record first = reader::read_record(RecordFile(sound).path());
    RecordFile file("");
    reader::Symbols symbols;
    const reader::Profile first_profile = resolve(first, &symbols);
    size_t read = 0, refused = 0;
    const uint32_t seeds = std::getenv("TEST_LONG") ? 5000 : 500;
    for (uint32_t seed = 1; seed <= seeds; ++seed) {
        SCOPED_TRACE("seed " + std::to_string(seed));
        Mutator mutator(sound, seed);
        const std::vector<char>& bytes = mutator.mutated().bytes();
        file.write(std::string_view(bytes.data(), bytes.size()));
        reader::Input input(file.path());
        reader::Record record;
        try {
            record = read_record(input);
        } catch (const reader::Unreadable& error) {
            ASSERT_EQ(std::string(error.what()).find('\n'), std::string::npos);
            ++refused;
            continue;
        }
        ++read;
        expect_sound(record);
        reader::Record outline = reader::read_outline(input, 50);
        ASSERT_LE(outline.points.size(), 50u);
        expect_sound(outline);
        reader::State state{static_cast<reader::Fate>(seed % 7), seed, ""};
        if (seed % 100 == 0) state = state_of(record, input);
        reader::Profile profile = resolve(record, &symbols);
        ASSERT_EQ(profile.traces.size(), record.stacks.size());
        ASSERT_FALSE(pprof(record, profile).empty());
        expect_printable(folded(record, profile, reader::Measure::kPeak, reader::Unit::kBytes));
        cli::Shown shown{record, state, profile, symbols.missing()};
        cli::Terminal terminal;
        terminal.unicode = seed % 2 == 0;
        expect_printable(show_text(shown, {}, terminal));
        expect_printable(show_json(shown));
        if (seed % 5 == 0) expect_pages(shown, {record, profile}, {first, first_profile});
        if (HasFatalFailure()) return;
    }
    EXPECT_GE(read, seeds / 2);
    if (seeds > 2000) {
        EXPECT_GE(refused, 1u);
    }
}

TEST(Forged, SoundOneHasNoNotes) {
    SampleRecord sample = rich();
    reader::Record record = reader::read_record(RecordFile(sample).path());
    EXPECT_TRUE(record.notes.empty());
    EXPECT_EQ(record.stacks.size(), 30u);
    EXPECT_EQ(record.points.size(), 200u);
    EXPECT_EQ(record.events.size(), 16u);
}

}  // namespace
