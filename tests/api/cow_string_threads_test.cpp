// SPDX-License-Identifier: MIT
// CowString between threads: strings that share a buffer are copied, sliced, written and ended by several at
// once.
#include <gtest/gtest.h>

#include <atomic>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "tarn/cow_string.hpp"
#include "thread_sanitizer.h"

namespace {

using tarn::CowString;

constexpr int kThreads = 4;
constexpr int kRounds = 20000;

TEST(CowStringThreads, SharedTextIsReadSlicedAndWrittenByAll) {
    const std::string model = "a text long enough to live in a counted buffer";
    const CowString text(model);
    std::atomic<int> wrong = 0;
    std::vector<std::thread> threads;
    for (int t = 0; t < kThreads; ++t)
        threads.emplace_back([&, mine = text, mark = static_cast<char>('0' + t)]() mutable {
            for (int i = 0; i < kRounds; ++i) {
                CowString copy = mine, part = copy.substr(2, 30);
                wrong += part != std::string_view(model).substr(2, 30);
                wrong += copy.lower().data() != text.data();
                if (i % 4 == 0) {
                    part.edit()[0] = mark;
                    copy.push_back(mark);
                    wrong += part[0] != mark || copy.size() != model.size() + 1;
                }
                if (i % 16 == 0) wrong += std::string_view(part.c_str()).size() != 30;
            }
        });
    for (std::thread& thread : threads)
        thread.join();
    EXPECT_EQ(wrong, 0);
    EXPECT_EQ(text, model);
    EXPECT_EQ(text.use_count(), 1u);
}

// Two threads end the last two strings of a buffer: it is freed once, and written by the last one alone.
TEST(CowStringThreads, TheLastOneWritesInPlaceOrFrees) {
    std::optional<CowString> slots[2];
    std::atomic<int> turn = 0, done = 0, wrong = 0;
    const auto worker = [&](int side) {
        for (int round = 1; round <= kRounds; ++round) {
            while (turn.load(std::memory_order_acquire) < round)
                std::this_thread::yield();
            CowString mine = std::move(*slots[side]);
            slots[side].reset();
            if ((round + side) % 3) {
                mine.edit()[10] = static_cast<char>('A' + side);  // in place, if the other has gone
                wrong += mine[10] != 'A' + side || mine[11] != 'l';
            }
            mine = CowString();
            done.fetch_add(1, std::memory_order_release);
        }
    };
    std::thread first(worker, 0), second(worker, 1);
    for (int round = 1; round <= kRounds; ++round) {
        CowString text(std::string_view("0123456789xljust long enough to be counted"));
        slots[0] = text;
        slots[1] = std::move(text);
        turn.store(round, std::memory_order_release);
        while (done.load(std::memory_order_acquire) < 2 * round)
            std::this_thread::yield();
    }
    first.join();
    second.join();
    EXPECT_EQ(wrong, 0);
}

TEST(CowStringThreads, CountersAreEachThreadsOwn) {
    const auto before = CowString::counters();
    std::thread([] {
        const auto at_start = CowString::counters();
        EXPECT_EQ(at_start.copies + at_start.copies_avoided, 0u);
        EXPECT_EQ(at_start.version, TARN_STRING_COUNTERS_VERSION);
        const CowString text(std::string_view("thirty bytes of text, or there about"));
        const CowString copy = text;
        EXPECT_EQ(CowString::counters().bytes_copied, text.size());
        EXPECT_EQ(CowString::counters().bytes_not_copied, text.size());
    }).join();
    EXPECT_EQ(CowString::counters().copies, before.copies);
    EXPECT_EQ(CowString::counters().copies_avoided, before.copies_avoided);
}

}  // namespace
