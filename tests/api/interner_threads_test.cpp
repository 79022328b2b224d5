// SPDX-License-Identifier: MIT
// Several threads on one table.
#include <gtest/gtest.h>

#include <array>
#include <atomic>
#include <barrier>
#include <cstring>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "tarn/interner.hpp"
#include "tarn/tarn.h"
#include "thread_sanitizer.h"

namespace {

using tarn::CountedInterner;
using tarn::CountedSymbol;
using tarn::Interner;
using tarn::Symbol;

template <class Work>
void in_threads(unsigned count, Work work) {
    std::vector<std::thread> threads;
    for (unsigned i = 0; i < count; ++i)
        threads.emplace_back(work, i);
    for (std::thread& thread : threads)
        thread.join();
}

std::string text_of(unsigned i) {
    return "string number " + std::to_string(i);
}

unsigned below(std::mt19937& random, unsigned end) {
    return static_cast<unsigned>(random() % end);
}

TEST(Threads, OverlappingSetsGetTheSameAddresses) {
    constexpr unsigned kThreads = 4, kStrings = 5000;
    for (int round = 0; round < 5; ++round) {
        Interner table({.shards = round % 2 ? 1u : 8u});
        std::vector<std::vector<Symbol>> seen(kThreads, std::vector<Symbol>(kStrings));
        std::barrier start(kThreads);
        in_threads(kThreads, [&](unsigned self) {
            std::mt19937 random(self);
            start.arrive_and_wait();
            for (unsigned i = 0; i < kStrings; ++i) {
                // Half of them in the same order, so that insertions meet.
                const unsigned wanted = i % 2 ? i : below(random, kStrings);
                const Symbol symbol = table.intern(text_of(wanted));
                ASSERT_EQ(symbol.text(), text_of(wanted));
                ASSERT_TRUE(!seen[self][wanted] || seen[self][wanted] == symbol);
                seen[self][wanted] = symbol;
            }
        });
        for (unsigned i = 0; i < kStrings; ++i)
            for (unsigned self = 0; self < kThreads; ++self)
                if (seen[self][i]) {
                    EXPECT_EQ(seen[self][i], table.find(text_of(i)));
                }
        EXPECT_EQ(table.stats().requests, kThreads * kStrings);
        EXPECT_EQ(table.stats().allocated_bytes > 0, true);
    }
}

// Two threads come to the same new strings at the same moment.
TEST(Threads, InsertionsMeet) {
    constexpr unsigned kRounds = 1000, kEach = 8;
    Interner table({.shards = 1});
    std::vector<std::vector<Symbol>> seen(2, std::vector<Symbol>(kRounds * kEach));
    std::atomic<unsigned> arrived{0};
    in_threads(2, [&](unsigned self) {
        for (unsigned i = 0; i < kRounds; ++i) {
            std::array<std::string, kEach> texts;
            for (unsigned n = 0; n < kEach; ++n)
                texts[n] = text_of(i * kEach + n);
            arrived.fetch_add(1);
            while (arrived.load() < 2 * (i + 1)) {
            }
            for (unsigned n = 0; n < kEach; ++n)
                seen[self][i * kEach + n] = table.intern(texts[n]);
        }
    });
    EXPECT_EQ(seen[0], seen[1]);
    EXPECT_EQ(table.size(), kRounds * kEach);
}

// Each thread's strings lie side by side with the others' in the room that a new table begins with.
TEST(Threads, ShareTheFirstRoom) {
#ifdef __SANITIZE_THREAD__
    constexpr unsigned kRounds = 1000;  // it sees what two threads do, not only what comes of it
#else
    constexpr unsigned kRounds = 5000;
#endif
    constexpr unsigned kThreads = 2, kEach = 5;
    std::vector<Interner> tables(kRounds);
    std::vector<std::vector<Symbol>> seen(kThreads);
    std::atomic<unsigned> arrived{0};
    in_threads(kThreads, [&](unsigned self) {
        for (unsigned round = 0; round < kRounds; ++round) {
            arrived.fetch_add(1);
            while (arrived.load() < kThreads * (round + 1)) {
            }
            for (unsigned i = 0; i < kEach; ++i)
                seen[self].push_back(tables[round].intern(text_of(self * kEach + i)));
        }
    });
    for (unsigned self = 0; self < kThreads; ++self)
        for (unsigned n = 0; n < kRounds * kEach; ++n)
            ASSERT_EQ(seen[self][n].text(), text_of(self * kEach + n % kEach)) << "round " << n / kEach;
}

TEST(Threads, WhatIsThereIsFoundWhileTheTableGrows) {
    constexpr unsigned kStrings = 20000;
    Interner table;
    std::atomic<unsigned> there{0};
    in_threads(3, [&](unsigned self) {
        if (self == 0) {
            for (unsigned i = 0; i < kStrings; ++i) {
                table.intern(text_of(i));
                there.store(i + 1, std::memory_order_relaxed);
            }
            return;
        }
        std::mt19937 random(self);
        for (unsigned known = 0; known < kStrings;) {
            known = there.load(std::memory_order_acquire);
            if (known == 0) continue;
            const unsigned i = random() % 2 ? known - 1 : below(random, known);
            const Symbol found = table.find(text_of(i));
            ASSERT_TRUE(found) << i << " of " << known;
            ASSERT_EQ(found.text(), text_of(i));
        }
    });
}

TEST(Threads, WalksMeetInsertions) {
    constexpr unsigned kStrings = 3000;
    Interner table;
    for (unsigned i = 0; i < 100; ++i)
        table.intern(text_of(i));
    std::atomic<bool> done{false};
    in_threads(2, [&](unsigned self) {
        if (self == 0) {
            for (unsigned i = 0; i < kStrings; ++i)
                table.intern(text_of(i));
            done = true;
            return;
        }
        for (bool last = false; !last;) {
            last = done;
            std::vector<bool> seen(kStrings);
            size_t count = 0;
            table.each([&](Symbol symbol) {
                const unsigned i = static_cast<unsigned>(std::stoul(std::string(symbol.text().substr(14))));
                ASSERT_LT(i, kStrings);
                ASSERT_FALSE(seen[i]);
                seen[i] = true;
                ++count;
            });
            ASSERT_GE(count, last ? kStrings : 100);
            for (unsigned i = 0; i < 100; ++i)
                ASSERT_TRUE(seen[i]);
            ASSERT_GE(table.stats().strings, count);
        }
    });
}

TEST(Threads, RequestsAreCountedExactlyByMoreThreadsThanSlots) {
    Interner table;
    for (unsigned i = 0; i < 200; ++i)  // slots are handed on
        in_threads(1, [&](unsigned) {
            for (unsigned n = 0; n < 10; ++n)
                table.intern(text_of(n));
        });
    EXPECT_EQ(table.stats().requests, 2000u);
    constexpr unsigned kThreads = 90;
    std::barrier all(kThreads);
    in_threads(kThreads, [&](unsigned) {
        table.intern("first");
        all.arrive_and_wait();  // all have come before any goes
        for (unsigned n = 0; n < 500; ++n)
            table.intern(text_of(n % 10));
    });
    EXPECT_EQ(table.stats().requests, 2000u + kThreads * 501);
    const uint64_t copies = table.stats().copy_bytes;
    EXPECT_EQ(copies, 2000u * 16 + kThreads * (500 * 16 + 16));  // 15 bytes and the NUL; 6
}

// Threads whose last act, in a destructor of their own, is a request.
TEST(Threads, DestructorsMayIntern) {
    struct AtEnd {
        Interner* table = nullptr;
        ~AtEnd() {
            if (table) table->intern("from a destructor");
        }
    };
    Interner table;
    pthread_key_t key;
    ASSERT_EQ(
        pthread_key_create(
            &key, [](void* context) { static_cast<Interner*>(context)->intern("from a key's destructor"); }),
        0);
    for (int i = 0; i < 100; ++i)
        in_threads(1, [&](unsigned) {
            thread_local AtEnd at_end;
            at_end.table = &table;
            pthread_setspecific(key, &table);
            table.intern("from the thread");
        });
    EXPECT_EQ(table.stats().requests, 300u);
    EXPECT_EQ(table.stats().strings, 3u);
    pthread_key_delete(key);
}

TEST(Threads, TheTableOfTheProcessIsOne) {
    std::vector<const tarn_interned*> seen(4);
    std::barrier start(4);
    in_threads(4, [&](unsigned self) {
        start.arrive_and_wait();
        seen[self] = tarn_intern(tarn_interner_process(), "one", 3);
    });
    for (const tarn_interned* string : seen)
        EXPECT_EQ(string, tarn_intern(tarn_interner_process(), "one", 3));
}

// Strings die and are revived all the time: while somebody holds one, that is the one that is found, and at
// the end none is left.
TEST(Threads, CountedStringsAreRevivedOrNew) {
    constexpr unsigned kThreads = 4, kSteps = 30000;
    struct Held {
        CountedSymbol symbol;
        unsigned number = 0;
    };
    for (const unsigned strings : {1u, 3u, 40u}) {
        CountedInterner table({.shards = strings == 40 ? 8u : 1u});
        in_threads(kThreads, [&](unsigned self) {
            std::mt19937 random(self);
            std::vector<Held> held(2);
            for (unsigned i = 0; i < kSteps; ++i) {
                Held& at = held[random() % held.size()];
                if (random() % 4 == 0)
                    at = held[random() % held.size()];
                else if (random() % 2 == 0)
                    at = {};
                else
                    at.symbol = table.intern(text_of(at.number = below(random, strings)));
                if (!at.symbol) continue;
                ASSERT_EQ(at.symbol.text(), text_of(at.number));
                ASSERT_EQ(table.find(text_of(at.number)), at.symbol);
            }
        });
        EXPECT_EQ(table.size(), 0u);
        EXPECT_EQ(table.stats().copy_bytes, 0u);
    }
}

TEST(Threads, CountedWalksKeepWhatTheyVisit) {
    CountedInterner table;
    std::atomic<unsigned> steps{0};
    std::atomic<bool> done{false};
    in_threads(3, [&](unsigned self) {
        if (self == 0) {
            for (int walks = 0; walks < 300 || steps < 20000; ++walks)
                table.each([](Symbol symbol) { ASSERT_EQ(symbol.text().substr(0, 14), "string number "); });
            done = true;
            return;
        }
        std::mt19937 random(self);
        std::vector<CountedSymbol> held(100);
        for (; !done; ++steps)
            held[random() % held.size()] = table.intern(text_of(below(random, 300)));
    });
    EXPECT_EQ(table.size(), 0u);
}

}  // namespace
