// SPDX-License-Identifier: MIT
// The parts of the interner that its interface shows by chance only: comparison of text whose hashes agree,
// the control word, and what a child of fork finds half done.
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <map>
#include <memory>
#include <random>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "api/interner/table.h"
#include "process/start.h"

namespace tarn {
namespace {

TEST(InternerText, DiffersInAnyByte) {
    for (size_t length = 0; length < 100; ++length) {
        const std::unique_ptr<char[]> a(new char[length]), b(new char[length]);
        for (size_t i = 0; i < length; ++i)
            a[i] = b[i] = static_cast<char>(i * 7);
        EXPECT_TRUE(same_text(a.get(), b.get(), length));
        for (size_t i = 0; i < length; ++i)
            for (int bit = 0; bit < 8; ++bit) {
                b[i] = static_cast<char>(b[i] ^ 1 << bit);
                EXPECT_FALSE(same_text(a.get(), b.get(), length)) << length << ' ' << i;
                b[i] = static_cast<char>(b[i] ^ 1 << bit);
            }
    }
}

TEST(InternerHash, DependsOnEachBitLengthAndKey) {
    const HashKeys keys{0x243f6a8885a308d3, 0x13198a2e03707344}, other{keys.first, keys.second + 1};
    std::set<uint64_t> hashes;
    size_t texts = 0;
    for (size_t length = 0; length < 100; ++length) {
        const std::unique_ptr<char[]> text(new char[length]());
        hashes.insert(hash_text(text.get(), length, keys));
        hashes.insert(hash_text(text.get(), length, other));
        texts += 2;
        for (size_t bit = 0; bit < 8 * length; ++bit, ++texts) {
            text[bit / 8] = static_cast<char>(1 << bit % 8);
            hashes.insert(hash_text(text.get(), length, keys));
            text[bit / 8] = 0;
        }
    }
    EXPECT_EQ(hashes.size(), texts);
}

TEST(InternerGroup, PlacesWithATagAreExact) {
    std::mt19937_64 random(1);
    for (int i = 0; i < 100000; ++i) {
        uint64_t control = random();
        for (unsigned place = 0; place < 8; ++place)  // zeros, and tags that differ by one
            if (random() % 2) control &= ~(uint64_t{254} << (8 * place));
        for (uint64_t tag = 0; tag < 4; ++tag) {
            uint64_t expected = 0;
            for (unsigned place = 0; place < kGroupStrings; ++place)
                if (tag_at(control, place) == tag) expected |= uint64_t{128} << (8 * place);
            ASSERT_EQ(places_with(control, tag), expected);
        }
    }
}

// Control words of all kinds, with tags that differ in little. Where there is no tag the address is NULL.
TEST(InternerGroup, TheFirstCandidateIsTheLowestPlaceWithTheTag) {
    std::mt19937_64 random(3);
    const Interned strings[kGroupStrings]{};
    Group group{};
    const uintptr_t view = reinterpret_cast<uintptr_t>(&group) | 32;
    for (int i = 0; i < 100000; ++i) {
        uint64_t control = random() & (uint64_t{255} << kOverflowShift);
        const uint64_t base = random() % 256;
        for (unsigned place = 0; place < kGroupStrings; ++place) {
            const uint64_t tag = random() % 3 == 0 ? 0 : base ^ random() % 2;
            control |= tag << (8 * place);
            group.strings[place] = tag ? &strings[place] : nullptr;
        }
        group.control = control;
        for (const uint64_t wanted : {base, base ^ 1}) {
            const Interned* expected = nullptr;
            for (unsigned place = kGroupStrings; place-- > 0;)
                if (tag_at(control, place) == tag_of(wanted << 56)) expected = &strings[place];
            ASSERT_EQ(first_candidate(view, wanted << 56), expected);
        }
    }
}

// What was absent stays so until its group has gained anything.
TEST(InternerGroup, AbsenceIsKnownUntilAnInsertion) {
    Group group{};
    const uintptr_t view = reinterpret_cast<uintptr_t>(&group) | 32, other = view + sizeof group;
    const uint64_t hash = uint64_t{9} << 56;
    const Absence known = absence(view, hash);
    EXPECT_EQ(known.view, view);
    EXPECT_TRUE(is_current(known, view, hash));
    EXPECT_FALSE(is_current({}, view, hash));
    EXPECT_FALSE(is_current({other, known.control}, view, hash));
    group.control = 8;
    EXPECT_FALSE(is_current(known, view, hash));
    EXPECT_EQ(absence(view, hash).view, view);  // another tag
    group.control = 9 << 8;
    EXPECT_EQ(absence(view, hash).view, 0u);
    group.control = uint64_t{1} << kOverflowShift;
    EXPECT_EQ(absence(view, hash).view, 0u);
}

tarn_interner* made(uint32_t flags) {
    tarn_interner_options options = TARN_INTERNER_OPTIONS_INIT;
    options.flags = flags;
    options.shards = 1;
    return tarn_interner_create(&options, sizeof options);
}

// Each group's overflow is the number of strings that went past it, whatever came and went.
TEST(InternerGroup, OverflowIsCountedBack) {
    tarn_interner* table = made(TARN_INTERNER_COUNTED);
    std::mt19937 random(2);
    std::map<unsigned, const Interned*> held;
    uint64_t overflow_seen = 0;
    for (int i = 0; i < 20000; ++i) {
        const unsigned number = static_cast<unsigned>(random() % (i % 2000 < 1000 ? 400 : 40));
        const std::string text = std::to_string(number);
        if (const auto found = held.find(number); found != held.end()) {
            tarn_interned_release(table, found->second);
            held.erase(found);
        } else {
            held[number] = tarn_intern(table, text.data(), text.size());
        }
        const uintptr_t view = table->views[0].load();
        std::vector<uint64_t> passed(group_count(view));
        for (const auto& entry : held) {
            const Interned* const string = entry.second;
            size_t at = home_of(view, string->hash_bits);
            const auto holds = [&](const Group& group) {
                for (unsigned place = 0; place < kGroupStrings; ++place)
                    if (tag_at(group.control, place) && group.strings[place] == string) return true;
                return false;
            };
            for (; !holds(groups_of(view)[at]); at = (at + 1) % passed.size())
                ++passed[at];
        }
        for (size_t at = 0; at < passed.size(); ++at) {
            ASSERT_EQ(overflow_of(groups_of(view)[at].control), passed[at]);
            overflow_seen += passed[at];
        }
    }
    EXPECT_GT(overflow_seen, 0u);
    tarn_interner_destroy(table);
}

// Runs `half` in another thread, which stays there with the lock of the only shard; forks; the child's
// verdict of `whole`.
template <class Half, class Whole>
int after_fork_over(tarn_interner& table, Half half, Whole whole) {
    [[maybe_unused]] static const bool forks_are_watched =
        (libc_ready(), true);  // as by the library's constructor
    std::atomic<int> stage{0};
    std::thread other([&] {
        table.shards()[0].lock.lock();
        half(table.shards()[0]);
        stage = 1;
        while (stage != 2)
            std::this_thread::yield();
        table.shards()[0].lock.unlock();
    });
    while (stage != 1)
        std::this_thread::yield();
    const pid_t child = fork();
    if (child == 0) {
        alarm(20);
        _exit(whole());
    }
    stage = 2;
    other.join();
    int status = 0;
    EXPECT_EQ(waitpid(child, &status, 0), child);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

uint64_t strings_in(tarn_interner* table) {
    tarn_interner_stats stats{};
    tarn_interner_stats_get(table, &stats, sizeof stats);
    return stats.strings;
}

TEST(InternerFork, AnInsertionIsHalfDone) {
    tarn_interner* table = made(0);
    const std::string text_of_first(1000, 'f');  // so long that it needs a chunk
    const Interned* first = tarn_intern(table, text_of_first.data(), text_of_first.size());
    const auto half = [](Shard& shard) {
        shard.room_end -= 4096;  // a new chunk begun: its start is in place, its end is not
        shard.count -= 1;        // a tag is written, and not counted
    };
    const int verdict = after_fork_over(*table, half, [&] {
        for (int i = 0; i < 100; ++i) {
            const std::string text = std::to_string(i);
            if (!tarn_intern(table, text.data(), text.size())) return 1;
        }
        if (tarn_intern(table, text_of_first.data(), text_of_first.size()) != first) return 2;
        return strings_in(table) == 101 ? 0 : 3;
    });
    EXPECT_EQ(verdict, 0);
}

TEST(InternerFork, ADropIsHalfDone) {
    tarn_interner* table = made(TARN_INTERNER_COUNTED);
    const Interned* first = tarn_intern(table, "first", 5);
    tarn_intern(table, "other", 5);
    const auto half = [&](Shard&) { references(first).store(0); };  // and still has its tag
    const int verdict = after_fork_over(*table, half, [&] {
        if (strings_in(table) != 1) return 1;
        if (tarn_interner_find(table, "first", 5)) return 2;
        const Interned* again = tarn_intern(table, "first", 5);
        if (!again || references(again).load() != 1) return 3;
        return strings_in(table) == 2 ? 0 : 4;
    });
    EXPECT_EQ(verdict, 0);
    references(first).store(1);
    tarn_interner_destroy(table);
}

}  // namespace
}  // namespace tarn
